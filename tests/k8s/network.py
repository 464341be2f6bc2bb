"""What network policies let through, by the rules of Kubernetes, for the fields that the manifests use.

Reads `podSelector`, `namespaceSelector`, `ports` of one protocol and `policyTypes`; refuses what it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Peer:
    """One end of a connection.

    Attributes:
        labels: of the pod; None for what is no pod.
        namespace: labels of its namespace.
    """

    labels: Mapping[str, str] | None
    namespace: Mapping[str, str] = field(default_factory=lambda: {"kubernetes.io/metadata.name": "metaart"})


STRANGER = Peer({"app": "stranger"}, {"kubernetes.io/metadata.name": "default"})
INTERNET = Peer(None, {})


def reaches(policies: list[dict[str, Any]], source: Peer, target: Peer, port: int, protocol: str = "TCP") -> bool:
    """Whether a connection is let out at one end and let in at the other."""
    return _lets(policies, "Egress", source, target, port, protocol) and _lets(
        policies, "Ingress", target, source, port, protocol
    )


def _lets(policies: list[dict[str, Any]], way: str, own: Peer, other: Peer, port: int, protocol: str) -> bool:
    """Whether the policies of one end let a connection pass in one direction."""
    if own.labels is None or own.namespace.get("kubernetes.io/metadata.name") != "metaart":
        return True  # none of ours
    specs = [policy["spec"] for policy in policies if selects(policy["spec"]["podSelector"], own.labels)]
    specs = [spec for spec in specs if way in spec["policyTypes"]]
    rules = [rule for spec in specs for rule in spec.get(way.lower(), [])]
    return not specs or any(_matches(rule, way, other, port, protocol) for rule in rules)


def _matches(rule: dict[str, Any], way: str, other: Peer, port: int, protocol: str) -> bool:
    assert set(rule) <= {"from", "to", "ports"}
    ports = rule.get("ports")
    if ports is not None and not any(entry["port"] == port and entry["protocol"] == protocol for entry in ports):
        return False
    peers = rule.get("from" if way == "Ingress" else "to")
    return peers is None or any(_is(peer, other) for peer in peers)


def _is(peer: dict[str, Any], other: Peer) -> bool:
    assert peer
    assert set(peer) <= {"podSelector", "namespaceSelector"}
    if other.labels is None:
        return False
    if "namespaceSelector" in peer:
        there = selects(peer["namespaceSelector"], other.namespace)
    else:
        there = other.namespace.get("kubernetes.io/metadata.name") == "metaart"
    return there and selects(peer.get("podSelector", {}), other.labels)


def selects(selector: dict[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; an empty one matches all."""
    assert set(selector) <= {"matchLabels", "matchExpressions"}
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for expression in selector.get("matchExpressions", []):
        key, operator = expression["key"], expression["operator"]
        assert operator in {"In", "NotIn", "Exists"}
        if operator == "Exists" and key not in labels:
            return False
        if operator == "In" and labels.get(key) not in expression["values"]:
            return False
        if operator == "NotIn" and labels.get(key) in expression["values"]:
            return False
    return True
