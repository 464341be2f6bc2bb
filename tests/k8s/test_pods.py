"""What every pod is given, and what KubeRay itself would refuse."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.k8s.manifests import JOBS, OVERLAYS, clusters, jobs, named, number, overlay, pods, standing, started

LONGEST_NAME = {"RayCluster": 53, "RayJob": 47, "RayService": 47, "RayCronJob": 36}
"""KubeRay adds to these names what makes them unique, and Kubernetes allows 63 characters."""


@pytest.mark.parametrize("name", OVERLAYS)
def test_a_pod_meets_the_restricted_standard(name: str) -> None:
    """Kubernetes' Pod Security Standard `restricted`, which the namespace enforces."""
    for pod in pods(overlay(name)):
        assert named(overlay(name), "Namespace", "metaart")["metadata"]["labels"][
            "pod-security.kubernetes.io/enforce"
        ] == ("restricted")
        context = pod.spec["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] == context["fsGroup"] == 1000
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod.container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(pod.spec)
        assert all(set(volume) == {"name", "persistentVolumeClaim"} for volume in pod.spec.get("volumes", []))


@pytest.mark.parametrize("name", OVERLAYS)
def test_a_pod_asks_for_what_it_needs_and_is_held_to_its_memory(name: str) -> None:
    for pod in pods(overlay(name)):
        resources = pod.container["resources"]
        assert number(resources["requests"]["cpu"]) > 0
        if pod.role != "submitter":
            assert resources["requests"]["memory"] == resources["limits"]["memory"]
        if pod.role in {"head", "worker"}:
            assert number(resources["requests"]["memory"]) >= 2 * 2**30
        if pod.role == "worker":  # KubeRay tells Ray the limit as the node's number of cores
            assert number(resources["limits"]["cpu"]) == int(number(resources["limits"]["cpu"]))
            assert number(resources["requests"]["cpu"]) <= number(resources["limits"]["cpu"])
        gpus = resources["limits"].get("nvidia.com/gpu")
        assert (gpus == "1") == (pod.group == "gpu")
        assert gpus == resources["requests"].get("nvidia.com/gpu")
        assert bool(pod.spec.get("tolerations")) == bool(gpus)


def test_a_machine_of_8_cores_and_32_gib_is_enough_for_development() -> None:
    """With the data being prepared, one job running, and a tenth left to Kubernetes."""
    things = overlay("dev-cpu")
    present = {"Job prepare", "RayCluster cluster", "RayService metaart", "RayJob train"}
    cores = memory = 0.0
    for pod in pods(things):
        if pod.owner not in present:
            continue
        groups = clusters(things).get(pod.owner, {}).get("workerGroupSpecs", [])
        copies = next((group["minReplicas"] for group in groups if group["groupName"] == pod.group), 1)
        if "Job" in pod.owner:
            copies = max(copies, 1)  # `train` begins with no worker, and asks for a pod that has room for its two
        beside = [clusters(things)[pod.owner]["autoscalerOptions"]["resources"]] if pod.role == "head" else []
        for resources in [pod.container["resources"], *beside]:
            cores += copies * number(resources["requests"]["cpu"])
            memory += copies * number(resources["requests"]["memory"])
    assert 1 < cores <= 0.9 * 8
    assert 2**30 < memory <= 0.9 * 32 * 2**30


@pytest.mark.parametrize("name", OVERLAYS)
def test_only_heads_may_ask_kubernetes(name: str) -> None:
    """The autoscaler does, with the account that KubeRay makes for it."""
    for pod in pods(overlay(name)):
        assert pod.spec.get("automountServiceAccountToken", True) == (pod.role == "head")


@pytest.mark.parametrize("name", OVERLAYS)
def test_storage_is_there_and_the_service_only_reads_it(name: str) -> None:
    for pod in pods(overlay(name)):
        if pod.role == "submitter":
            assert "volumes" not in pod.spec
            continue
        (volume,) = pod.spec["volumes"]
        (mount,) = pod.container["volumeMounts"]
        assert named(overlay(name), "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])
        assert (mount["name"], mount["mountPath"]) == (volume["name"], "/storage")
        serving = pod.owner == "RayService metaart"
        assert mount.get("readOnly", False) == serving
        assert volume["persistentVolumeClaim"].get("readOnly", False) == serving
        stores = [source["secretRef"] for source in pod.container.get("envFrom", [])]
        training = pod.role in {"head", "worker"} and not serving
        assert stores == ([{"name": "object-store", "optional": True}] if training else [])


@pytest.mark.parametrize("name", OVERLAYS)
def test_no_manifest_holds_a_secret(name: str) -> None:
    for pod in pods(overlay(name)):
        assert not [thing for thing in overlay(name) if thing["kind"] == "Secret"]
        assert "env" not in pod.container


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_cluster_demands_a_token(name: str) -> None:
    found = clusters(overlay(name))
    assert set(found) == {
        "RayCluster cluster",
        "RayJob train",
        "RayJob tune",
        "RayCronJob nightly",
        "RayService metaart",
    }
    for described in found.values():
        # Without the name of a Secret KubeRay makes one, with a random token, for each cluster.
        assert described["authOptions"] == {"mode": "token"}
        assert tuple(map(int, described["rayVersion"].split("."))) >= (2, 52, 0)
        assert described["headGroupSpec"].get("serviceType", "ClusterIP") == "ClusterIP"
        assert "enableIngress" not in described["headGroupSpec"]


@pytest.mark.parametrize("name", OVERLAYS)
def test_clusters_are_as_kuberay_takes_them(name: str) -> None:
    for described in clusters(overlay(name)).values():
        assert described["enableInTreeAutoscaling"] is True
        assert described["autoscalerOptions"]["version"] == "v2"
        assert described["autoscalerOptions"]["securityContext"]["allowPrivilegeEscalation"] is False
        templates = [described["headGroupSpec"], *described["workerGroupSpecs"]]
        # The second autoscaler replaces pods itself.
        assert all(template["template"]["spec"].get("restartPolicy", "Never") == "Never" for template in templates)
        for group in described["workerGroupSpecs"]:
            assert 0 <= group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
            assert group["maxReplicas"] > 0
        # These are behind feature gates, off unless asked for: KubeRay would refuse the cluster.
        assert not {"networkPolicy", "tlsOptions", "historyServerOptions", "upgradeStrategy"} & set(described)
    heads = [thing["metadata"]["name"] for thing in overlay(name) if thing["kind"] in LONGEST_NAME]
    assert len(set(heads)) == len(heads), "KubeRay gives the heads' services, NAME-head-svc, to whoever comes first"
    for thing in overlay(name):
        if thing["kind"] in LONGEST_NAME:
            own = thing["metadata"]["name"]
            assert re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]", own)
            assert len(own) <= LONGEST_NAME[thing["kind"]]


@pytest.mark.parametrize("name", OVERLAYS)
def test_to_apply_an_overlay_again_touches_no_job(name: str) -> None:
    """What stands holds no RayJob, and nothing is held back by a field that `kubectl apply` would set back."""
    assert not [thing for thing in standing(name) if thing["kind"] == "RayJob"]
    assert ("RayCronJob" in {thing["kind"] for thing in standing(name)}) == (name == "gpu")
    assert "'suspend'" not in str(overlay(name))


@pytest.mark.parametrize("name", OVERLAYS)
@pytest.mark.parametrize("job", JOBS)
def test_a_folder_starts_one_job_and_nothing_else(name: str, job: str) -> None:
    thing = started(name, job)
    assert thing["kind"] == ("RayCronJob" if job == "nightly" else "RayJob")
    assert (thing["metadata"]["name"], thing["metadata"]["namespace"]) == (job, "metaart")


@pytest.mark.parametrize("name", OVERLAYS)
def test_jobs_have_clusters_of_their_own_that_go_with_them(name: str) -> None:
    for owner, job in jobs(overlay(name)).items():
        assert job["shutdownAfterJobFinishes"] is True
        assert job["submissionMode"] == "K8sJobMode"
        assert job["backoffLimit"] > 0
        assert "clusterSelector" not in job
        labels = {
            pod.labels["app.kubernetes.io/instance"]
            for pod in pods(overlay(name))
            if pod.owner == owner and pod.role in {"head", "worker", "submitter"}
        }
        assert labels == {owner.split()[1]}
        assert job["submitterPodTemplate"]["spec"]["restartPolicy"] == "Never"


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_clusters_of_jobs_are_like_the_one_that_stands_by(name: str) -> None:
    """But for how many workers they begin with, and whose they are."""

    def like(described: dict[str, object]) -> str:
        text = re.sub(r"'app.kubernetes.io/instance': '\w+'|'(minReplicas|replicas)': \d+", "", str(described))
        return re.sub(r"\s+", " ", text)

    found = clusters(overlay(name))
    stands_by = like(found["RayCluster cluster"])
    assert all(like(described) == stands_by for owner, described in found.items() if "Job" in owner)


@pytest.mark.parametrize("name", OVERLAYS)
def test_upgrades_of_the_service_are_without_a_gap(name: str) -> None:
    service = named(overlay(name), "RayService", "metaart")["spec"]
    strategy = service["upgradeStrategy"]
    if name == "dev-cpu":
        assert strategy == {"type": "NewCluster"}
    else:
        assert strategy["type"] == "NewClusterWithIncrementalUpgrade"
        options = strategy["clusterUpgradeOptions"]
        assert 0 < options["stepSizePercent"] <= options["maxSurgePercent"] <= 100
        assert options["intervalSeconds"] > 0
    # Whoever asked the old cluster gets an answer before it, or a worker of it, goes.
    longest = yaml.safe_load(service["serveConfigV2"])["applications"][0]["args"]["timeout_s"]
    assert longest < service["rayClusterDeletionDelaySeconds"]
    for group in service["rayClusterConfig"]["workerGroupSpecs"]:
        assert longest < group["template"]["spec"]["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("name", OVERLAYS)
def test_a_sweep_is_over_before_the_next(name: str) -> None:
    nightly = named(overlay(name), "RayCronJob", "nightly")["spec"]
    assert re.fullmatch(r"\d+ \d+ \* \* \*", nightly["schedule"])
    assert nightly["timeZone"] == "Etc/UTC"
    # With the two hours that are over when it begins: all of it sees the same date.
    assert nightly["jobTemplate"]["activeDeadlineSeconds"] <= 22 * 3600
