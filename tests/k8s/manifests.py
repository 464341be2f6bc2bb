"""The manifests as `kubectl kustomize` renders them, and the pods that they lead to."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "k8s"
OVERLAYS = sorted(path.name for path in (FOLDER / "overlays").iterdir())
JOBS = sorted(path.name for path in (FOLDER / "jobs").iterdir())
"""In every overlay there is a folder of that name, from which the job is started."""
CLUSTER_OF = {
    "RayCluster": ("spec",),
    "RayJob": ("spec", "rayClusterSpec"),
    "RayCronJob": ("spec", "jobTemplate", "rayClusterSpec"),
    "RayService": ("spec", "rayClusterConfig"),
}
"""Where in each of KubeRay's kinds a Ray cluster is described."""

Thing = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod that an object leads to.

    Attributes:
        owner: kind and name of the object.
        role: `head`, `worker`, `submitter` or `job`.
        group: of a worker, else empty.
        labels: those of the template and those that KubeRay adds.
        spec: of the pod.
        metadata: of the template.
    """

    owner: str
    role: str
    group: str
    labels: dict[str, str]
    spec: Thing
    metadata: Thing

    @property
    def name(self) -> str:
        """For messages."""
        return " ".join(filter(None, (self.owner, self.role, self.group)))

    @property
    def container(self) -> Thing:
        """The one container."""
        (container,) = self.spec["containers"]
        return dict(container)


def kubectl() -> str:
    """The command; without it a test is skipped, but not on the machine of the continuous integration."""
    found = shutil.which("kubectl")
    if found is None:
        assert not os.environ.get("CI"), "the tests of k8s/ need kubectl on the PATH"
        pytest.skip("needs kubectl, 1.27 or newer, to render k8s/: install it as its documentation says")
    return found


def kustomize(folder: Path) -> list[Thing]:
    """The objects that `kubectl kustomize` makes of a folder. Asks no cluster."""
    done = subprocess.run([kubectl(), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", done.stderr
    return [thing for thing in yaml.load_all(done.stdout, yaml.CSafeLoader) if thing]


@cache
def standing(name: str) -> list[Thing]:
    """The objects that stand when an overlay is applied; not to be changed."""
    return kustomize(FOLDER / "overlays" / name)


@cache
def started(name: str, job: str) -> Thing:
    """The one object that a job's folder in an overlay makes; not to be changed."""
    (thing,) = kustomize(FOLDER / "overlays" / name / job)
    return thing


@cache
def overlay(name: str) -> list[Thing]:
    """The objects of an overlay, those of its jobs too; not to be changed."""
    things = standing(name)
    return [*things, *(thing for job in JOBS if (thing := started(name, job)) not in things)]


def named(things: list[Thing], kind: str, name: str) -> Thing:
    """The one object of a kind and name."""
    (thing,) = [thing for thing in things if thing["kind"] == kind and thing["metadata"]["name"] == name]
    return thing


def clusters(things: list[Thing]) -> dict[str, Thing]:
    """The descriptions of Ray clusters, by kind and name of the object."""
    found = {}
    for thing in things:
        if thing["kind"] in CLUSTER_OF:
            spec = thing
            for key in CLUSTER_OF[thing["kind"]]:
                spec = spec[key]
            found[f"{thing['kind']} {thing['metadata']['name']}"] = spec
    return found


def jobs(things: list[Thing]) -> dict[str, Thing]:
    """The specs of jobs of Ray, those of cron jobs too, by kind and name."""
    found = {}
    for thing in things:
        if thing["kind"] in {"RayJob", "RayCronJob"}:
            spec = thing["spec"]
            found[f"{thing['kind']} {thing['metadata']['name']}"] = spec.get("jobTemplate", spec)
    return found


def pods(things: list[Thing]) -> list[Pod]:
    """All pods."""
    return [*_of_clusters(things), *_of_jobs(things)]


def _of_clusters(things: list[Thing]) -> Iterator[Pod]:
    for owner, cluster in clusters(things).items():
        groups = [("head", "", cluster["headGroupSpec"])]
        groups += [("worker", group["groupName"], group) for group in cluster["workerGroupSpecs"]]
        for role, group, described in groups:
            added = {"ray.io/is-ray-node": "yes", "ray.io/node-type": role, "ray.io/group": group or "headgroup"}
            yield _pod(owner, role, group, described["template"], added)


def _of_jobs(things: list[Thing]) -> Iterator[Pod]:
    for owner, job in jobs(things).items():
        yield _pod(owner, "submitter", "", job["submitterPodTemplate"], {})
    for thing in things:
        if thing["kind"] == "Job":
            yield _pod(f"Job {thing['metadata']['name']}", "job", "", thing["spec"]["template"], {})


def _pod(owner: str, role: str, group: str, template: Thing, added: dict[str, str]) -> Pod:
    return Pod(owner, role, group, {**template["metadata"]["labels"], **added}, template["spec"], template["metadata"])


def number(quantity: str | int | float) -> float:
    """A quantity of Kubernetes as a number: cores, bytes."""
    text = str(quantity)
    for unit, factor in (("Ki", 2**10), ("Mi", 2**20), ("Gi", 2**30), ("m", 1e-3)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    return float(text)
