"""Who may reach whom, decided from the rendered policies for every pod that an overlay leads to."""

from __future__ import annotations

import pytest

from tests.k8s.manifests import OVERLAYS, Pod, Thing, overlay, pods
from tests.k8s.network import INTERNET, STRANGER, Peer, reaches, selects

PORTS = [22, 53, 80, 443, 6379, 6443, 8000, 8076, 8080, 8265, 8443, 10001, 11000, 44217, 44227, 52365]
"""Ray's, the service's, and some others."""
KUBERNETES = {443, 6443, 8443}
"""Where API servers listen: their service, most of them, minikube's."""
NEIGHBOUR = Peer({"app": "stranger"})
OPERATOR = Peer({"app.kubernetes.io/component": "kuberay-operator"}, {"kubernetes.io/metadata.name": "kuberay-system"})
PROMETHEUS = Peer({"app.kubernetes.io/name": "prometheus"}, {"kubernetes.io/metadata.name": "monitoring"})
GATEWAY = Peer({"gateway.networking.k8s.io/gateway-name": "metaart-gateway"})
DNS = Peer({"k8s-app": "kube-dns"}, {"kubernetes.io/metadata.name": "kube-system"})


def policies(name: str) -> list[Thing]:
    return [thing for thing in overlay(name) if thing["kind"] == "NetworkPolicy"]


def of(pod: Pod) -> Peer:
    return Peer(pod.labels)


def serving(pod: Pod) -> bool:
    return pod.owner == "RayService metaart"


def node(pod: Pod) -> bool:
    return pod.role in {"head", "worker"}


@pytest.mark.parametrize("name", OVERLAYS)
@pytest.mark.parametrize(
    "source", [STRANGER, INTERNET, Peer({"app": "stranger"})], ids=["pod", "internet", "neighbour"]
)
def test_only_the_serve_port_is_reached_from_outside(name: str, source: Peer) -> None:
    """A pod of another namespace, what is no pod at all, and a pod of this namespace that is none of ours."""
    rules = policies(name)
    outside = [
        (pod.name, port) for pod in pods(overlay(name)) for port in PORTS if reaches(rules, source, of(pod), port)
    ]
    if source.labels is not None and source != STRANGER:
        assert outside == []  # not even let out
    else:
        assert outside == [("RayService metaart worker serve", 8000)]


def reachable(rules: list[Thing], name: str) -> set[tuple[str, str, int]]:
    """Who may reach what of a part of the pods, and where."""
    some = {"RayCluster cluster", "RayJob train", "RayService metaart", "Job prepare"}
    ours = {pod.name: of(pod) for pod in pods(overlay(name)) if pod.owner in some} | {"gateway": GATEWAY}
    others = {"operator": OPERATOR, "prometheus": PROMETHEUS, "dns": DNS, "stranger": STRANGER, "internet": INTERNET}
    ends = ours | others
    return {
        (source, target, port)
        for source in ends
        for target in ends
        if source in ours or target in ours
        for port in (53, 80, 443, 6379, 6443, 8000, 8080, 8265, 8443)
        if reaches(rules, ends[source], ends[target], port, "UDP" if (target, port) == ("dns", 53) else "TCP")
    }


@pytest.mark.parametrize("name", OVERLAYS)
def test_no_policy_is_idle(name: str) -> None:
    """Without any one of them something else is reached, or something is not; without all, everything is."""
    rules = policies(name)
    whole = reachable(rules, name)
    for left_out in rules:
        rest = [policy for policy in rules if policy is not left_out]
        assert reachable(rest, name) != whole, left_out["metadata"]["name"]
    assert len(reachable([], name)) > 2 * len(whole)


@pytest.mark.parametrize("name", OVERLAYS)
def test_a_pod_of_no_known_kind_is_reached_by_nobody(name: str) -> None:
    unknown = Peer({"app": "new"})
    others = [of(pod) for pod in pods(overlay(name))] + [STRANGER, INTERNET, OPERATOR, PROMETHEUS]
    assert not [port for other in others for port in PORTS if reaches(policies(name), other, unknown, port)]


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_operator_reaches_heads_and_prometheus_the_metrics(name: str) -> None:
    rules = policies(name)
    for pod in pods(overlay(name)):
        operator = {port for port in PORTS if reaches(rules, OPERATOR, of(pod), port)}
        prometheus = {port for port in PORTS if reaches(rules, PROMETHEUS, of(pod), port)}
        everybody = {8000} if serving(pod) and pod.role == "worker" else set()
        assert operator == ({8265, 8000} if pod.role == "head" else everybody), pod.name
        assert prometheus == ({8080} if node(pod) else set()) | everybody, pod.name


@pytest.mark.parametrize("name", OVERLAYS)
def test_nodes_of_one_cluster_talk_freely_and_the_service_with_nobody_else(name: str) -> None:
    rules, nodes = policies(name), [pod for pod in pods(overlay(name)) if node(pod)]
    assert {serving(pod) for pod in nodes} == {True, False}
    for source in nodes:
        for target in nodes:
            open_ports = {port for port in PORTS if reaches(rules, of(source), of(target), port)}
            if source.owner == target.owner:
                assert open_ports == set(PORTS), f"{source.name} to {target.name}"
            elif serving(source) != serving(target):
                rest = open_ports - KUBERNETES
                assert not rest, f"{source.name} to {target.name}: {rest}"


@pytest.mark.parametrize("name", OVERLAYS)
def test_submitters_reach_the_dashboard_of_their_job(name: str) -> None:
    rules, all_pods = policies(name), pods(overlay(name))
    submitters = [pod for pod in all_pods if pod.role == "submitter"]
    assert len(submitters) == 3
    for source in submitters:
        (head,) = [pod for pod in all_pods if pod.owner == source.owner and pod.role == "head"]
        assert {port for port in PORTS if reaches(rules, of(source), of(head), port)} == {8265}


@pytest.mark.parametrize("name", OVERLAYS)
def test_what_is_let_out(name: str) -> None:
    """Names are resolved by all; object stores are for training; heads ask Kubernetes; the service's workers nobody."""
    rules = policies(name)
    for pod in pods(overlay(name)):
        assert reaches(rules, of(pod), DNS, 53, "UDP")
        out = {port for port in PORTS if reaches(rules, of(pod), INTERNET, port)}
        stores = {443} if node(pod) and not serving(pod) else set()
        kubernetes = KUBERNETES if pod.role == "head" else set()
        assert out == stores | kubernetes, pod.name


def test_the_gateway_reaches_the_service_and_nothing_of_ray() -> None:
    rules = policies("gpu")
    assert {port for port in PORTS if reaches(rules, INTERNET, GATEWAY, port)} == {80}
    for pod in pods(overlay("gpu")):
        reached = {port for port in PORTS if reaches(rules, GATEWAY, of(pod), port)}
        assert reached == ({8000} if serving(pod) and pod.role == "worker" else set()), pod.name


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_disruption_budget_keeps_pods_that_there_are(name: str) -> None:
    """And every head; with a number, the one thing that Kubernetes can count for pods of Ray."""
    budgets = [thing["spec"] for thing in overlay(name) if thing["kind"] == "PodDisruptionBudget"]
    selection = []
    for budget in budgets:
        assert set(budget) == {"minAvailable", "selector"}
        assert budget["minAvailable"] == 1
        found = [pod for pod in pods(overlay(name)) if selects(budget["selector"], pod.labels)]
        assert len({pod.owner for pod in found}) == 1
        selection += found
    assert len(selection) == len({pod.name for pod in selection}), "Kubernetes evicts no pod that two budgets keep"
    assert {pod.name for pod in selection} == {
        pod.name for pod in pods(overlay(name)) if pod.role == "head" or (serving(pod) and pod.role == "worker")
    }
