"""Whatever a manifest names is there in the code: modules, arguments, images, versions, ports, commands of Ray."""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray import ray_constants
from ray.serve._private.build_app import build_app
from ray.serve.schema import ServeDeploySchema

import cluster.train
import metaart
import metaart.cli
from metaart.recipes import recipe
from serve.app import build
from tests.k8s.dockerfile import read
from tests.k8s.manifests import FOLDER, OVERLAYS, ROOT, Thing, clusters, jobs, named, number, overlay, pods
from tune.config import SWEEP

PINS = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines())
EVERY_JOB = [(name, job) for name in OVERLAYS for job in ("RayJob train", "RayJob tune", "RayCronJob nightly")]


def words(entrypoint: str) -> list[str]:
    """The words of an entry point as the program gets them.

    KubeRay gives it to the shell of the submitter, whose words Ray joins for the shell of the head.
    """
    arrived = split("sh", subprocess.list2cmdline(split("bash", entrypoint)))
    return split("sh", arrived[2]) if arrived[:2] == ["sh", "-c"] else arrived


def split(shell: str, text: str) -> list[str]:
    """What a shell makes of a command's words."""
    done = subprocess.run([shell, "-euc", f"printf '%s\\0' {text}"], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split("\0")[:-1]


def known_options(module: str) -> set[str]:
    """The options that a module's --help names."""
    with contextlib.redirect_stdout(io.StringIO()) as said, pytest.raises(SystemExit):
        importlib.import_module(module).main(["--help"])
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", said.getvalue()))


@pytest.mark.parametrize(("name", "job"), EVERY_JOB)
def test_the_entry_point_of_a_job_is_a_module_that_knows_its_options(name: str, job: str) -> None:
    python, minus, module, recipe_name, *arguments = words(jobs(overlay(name))[job]["entrypoint"])
    assert (python, minus) == ("python", "-m")
    assert recipe(recipe_name)
    assert module == ("cluster.train" if job == "RayJob train" else "tune.search")
    assert not {word for word in arguments if word.startswith("--")} - known_options(module)


def told(text: str) -> list[Thing]:
    """The JSON objects that follow each other in a text."""
    found, rest = [], text.strip()
    while rest:
        thing, end = json.JSONDecoder().raw_decode(rest)
        found.append(thing)
        rest = rest[end:].strip()
    return found


@pytest.mark.parametrize("name", OVERLAYS)
def test_a_training_job_asks_for_a_run_that_its_cluster_has_room_for(name: str, capsys: Any) -> None:
    """`cluster.train` asks at once what is there, so the pods that KubeRay starts with must be enough."""
    job = jobs(overlay(name))["RayJob train"]
    arguments = words(job["entrypoint"])[3:]
    assert "--resume" in arguments, "a new cluster after a failure goes on with what the last one wrote"
    assert arguments[arguments.index("--storage") + 1].startswith("file:///storage/")
    assert cluster.train.main([*arguments, "--show"]) == 0
    run, asked = told(capsys.readouterr().out)
    assert run["data"] == "/storage/data/music"
    assert asked["workers"] <= min(run["pretrain"]["tasks"], run["meta"]["tasks"])
    there = {"cpus": 0.0, "gpus": 0.0}
    for group in job["rayClusterSpec"]["workerGroupSpecs"]:
        limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
        there["cpus"] += group["minReplicas"] * number(limits["cpu"])
        there["gpus"] += group["minReplicas"] * number(limits.get("nvidia.com/gpu", 0))
        assert group["replicas"] == group["minReplicas"]
    for kind, free in there.items():
        assert asked["workers"] * asked[f"{kind}_per_worker"] <= free, kind
    assert (asked["gpus_per_worker"] > 0) == (name == "gpu")


@pytest.mark.parametrize("job", ["RayJob tune", "RayCronJob nightly"])
def test_a_sweep_is_begun_and_after_a_failure_gone_on_with(job: str, tmp_path: Path) -> None:
    """`tune.search --resume` wants one that was begun."""
    entrypoint = jobs(overlay("gpu"))[job]["entrypoint"].replace("/storage", str(tmp_path))
    first = words(entrypoint)
    assert "--resume" not in first
    folder = Path(first[first.index("--out") + 1])
    folder.mkdir(parents=True)
    (folder / SWEEP).touch()
    assert words(entrypoint) == [*first, "--resume"]


def test_the_sweep_of_a_night_does_not_go_on_with_that_of_the_last() -> None:
    folder = words(jobs(overlay("gpu"))["RayCronJob nightly"]["entrypoint"])
    assert re.fullmatch(r"/storage/sweeps/\d{4}-\d\d-\d\d", folder[folder.index("--out") + 1])


@pytest.mark.parametrize("name", OVERLAYS)
def test_data_are_written_where_the_jobs_read_them(name: str) -> None:
    command = named(overlay(name), "Job", "prepare")["spec"]["template"]["spec"]["containers"][0]["command"]
    program, *arguments = command
    assert program == "metaart"
    options = metaart.cli._parser().parse_args(arguments)
    for job in jobs(overlay(name)).values():
        asked = words(job["entrypoint"])
        assert asked[asked.index("--data") + 1] == str(options.out)


def serve_config(name: str) -> tuple[ServeDeploySchema, Thing]:
    """The configuration of the service, by Ray's own schema, and the object that holds it."""
    service = named(overlay(name), "RayService", "metaart")
    text = yaml.safe_load(service["spec"]["serveConfigV2"])
    return ServeDeploySchema.model_validate(text), service


@functools.cache
def deployments(name: str) -> dict[str, Any]:
    """What the service is made of, as the code builds it, by name."""
    (application,) = serve_config(name)[0].applications
    return {made.name: made for made in build_app(build(application.args), name=application.name).deployments}


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_service_is_one_that_can_be_built(name: str) -> None:
    config, _ = serve_config(name)
    (application,) = config.applications
    module, _, attribute = application.import_path.partition(":")
    assert getattr(importlib.import_module(module), attribute) is build
    assert {deployment.name for deployment in application.deployments} <= set(deployments(name))


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_smallest_service_has_room_and_stays_off_the_head(name: str) -> None:
    config, service = serve_config(name)
    (application,) = config.applications
    changed = {deployment.name: deployment.ray_actor_options for deployment in application.deployments}
    needed = 0.0
    for deployment, made in deployments(name).items():
        options = made.ray_actor_options if deployment not in changed else changed[deployment].model_dump()
        assert options["num_cpus"] > 0, f"{deployment} could run on the head"
        scaled = made._deployment_config.autoscaling_config
        needed += options["num_cpus"] * (scaled.min_replicas if scaled else made.num_replicas)
    there = 0.0
    for group in service["spec"]["rayClusterConfig"]["workerGroupSpecs"]:
        limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
        there += group["minReplicas"] * number(limits["cpu"])
    assert needed <= there
    assert service["spec"]["rayClusterConfig"]["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"


@pytest.mark.parametrize("name", OVERLAYS)
def test_ports_are_those_that_ray_and_the_service_open(name: str) -> None:
    config, _ = serve_config(name)
    expected = {
        "gcs-server": ray_constants.DEFAULT_PORT,
        "dashboard": ray_constants.DEFAULT_DASHBOARD_PORT,
        "metrics": 8080,  # KubeRay starts Ray with --metrics-export-port=8080
        "serve": config.http_options.port,
    }
    assert config.http_options.host == "0.0.0.0"
    for pod in pods(overlay(name)):
        ports = {port["name"]: port["containerPort"] for port in pod.container.get("ports", [])}
        assert ports == {port: expected[port] for port in ports}
        if pod.role in {"head", "worker"}:
            assert pod.metadata["annotations"]["prometheus.io/port"] == str(ports["metrics"])
        assert ("serve" in ports) == (pod.owner == "RayService metaart")


@pytest.mark.parametrize("name", OVERLAYS)
def test_images_are_those_that_the_dockerfile_builds_in_this_version(name: str) -> None:
    targets = {stage.name for stage in read(FOLDER / "Dockerfile")}
    images = {pod.container["image"] for pod in pods(overlay(name))}
    (image,) = images
    match = re.fullmatch(r"metaart-(\w+):(\S+)", image)
    assert match
    assert match[1] in targets
    assert match[2] == metaart.__version__
    assert (match[1] == "cuda") == (name == "gpu")
    comment = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
    assert f"docker build -f k8s/Dockerfile --target {match[1]} " in comment
    assert f"-t {image} ." in comment


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_version_of_ray_is_the_one_that_is_installed(name: str) -> None:
    assert {described["rayVersion"] for described in clusters(overlay(name)).values()} == {PINS["ray"]}


@pytest.mark.parametrize("name", OVERLAYS)
def test_health_is_asked_where_ray_answers_without_a_token(name: str) -> None:
    from ray.dashboard.http_server_agent import PUBLIC_EXACT_PATHS

    for pod in pods(overlay(name)):
        if pod.role not in {"head", "worker"}:
            continue
        asked = re.findall(r"localhost:(\d+)(/[\w/-]+)", str(pod.container["readinessProbe"].get("exec", "")))
        for probe in ("livenessProbe", "readinessProbe"):
            got = pod.container[probe].get("httpGet")
            asked += [(str(got["port"]), got["path"])] if got else []
        agent = str(ray_constants.DEFAULT_DASHBOARD_AGENT_LISTEN_PORT)
        assert (agent, "/api/healthz") in asked
        assert {path for port, path in asked if port == agent} <= set(PUBLIC_EXACT_PATHS)
        proxied = ("8000", "/-/healthz") in asked
        assert proxied == (pod.owner == "RayService metaart" and pod.role == "worker"), pod.name


@pytest.mark.parametrize("name", OVERLAYS)
def test_workers_drain_themselves_by_a_command_that_ray_has(name: str) -> None:
    from ray.scripts.scripts import cli

    workers = [pod for pod in pods(overlay(name)) if pod.role == "worker"]
    assert workers
    for pod in workers:
        shell, flag, script = pod.container["lifecycle"]["preStop"]["exec"]["command"]
        drain, _, wait = script.partition(" && sleep ")
        assert (shell, flag) == ("bash", "-c")
        program, command, *arguments = words(drain)
        assert (program, command) == ("ray", "drain-node")
        asked = cli.commands[command].make_context(command, arguments).params
        assert asked["reason"] == "DRAIN_NODE_REASON_PREEMPTION", "Ray refuses the other where anything runs"
        assert asked["deadline_remaining_seconds"] == int(wait)
        assert pod.spec["terminationGracePeriodSeconds"] >= int(wait) + 15, pod.name


def test_what_the_guide_names_is_there() -> None:
    text = (ROOT / "docs/kubernetes.md").read_text(encoding="utf-8")
    for path in re.findall(r"\bk8s/[\w./-]*\w", text):
        assert Path(ROOT / path).exists(), path
    names = {(thing["kind"].lower(), thing["metadata"]["name"]) for name in OVERLAYS for thing in overlay(name)}
    asked = re.findall(r"kubectl [^\n`]*?\b(rayjob|raycronjob|rayservice|raycluster|job)[ /](\w+)", text)
    assert len(asked) > 3
    assert set(asked) <= names
    for image in re.findall(r"metaart-\w+:\d[\w.]*", text):
        assert image.endswith(f":{metaart.__version__}")
