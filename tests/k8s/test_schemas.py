"""Every object of every overlay is what its kind may be, by strict schemas that do refuse."""

from __future__ import annotations

import copy
import os
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.k8s.manifests import FOLDER, JOBS, OVERLAYS, Thing, kubectl, kustomize, overlay
from tests.k8s.schemas import PACKED, RAY, ray_validator, schema_of, unpacked, validate

SHARED = FOLDER.parents[1] / "shared/crds"
COMPONENTS = sorted({path.name for path in (FOLDER / "components").iterdir()} - {"job-cluster"})


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_object_of_an_overlay_is_valid(name: str) -> None:
    things = overlay(name)
    for thing in things:
        validate(thing)
    names = [(thing["kind"], thing["metadata"]["name"]) for thing in things]
    assert len(set(names)) == len(names)
    assert {*RAY, "PersistentVolumeClaim", "NetworkPolicy", "PodDisruptionBudget", "Namespace", "Job"} == {
        kind for kind, _ in names
    }
    assert {thing["metadata"].get("namespace", "metaart") for thing in things} == {"metaart"}


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize("job", ["", *JOBS])
def test_every_component_renders_on_what_stands_and_on_a_job(component: str, job: str, tmp_path: Path) -> None:
    """Those that no overlay names are for users to add."""
    kubectl()
    relative = os.path.relpath(FOLDER, tmp_path)
    resource, components = (f"jobs/{job}", [component, "job-cluster"]) if job else ("base", [component])
    (tmp_path / "kustomization.yaml").write_text(
        f"resources: [{relative}/{resource}]\n"
        f"components: [{', '.join(f'{relative}/components/{name}' for name in components)}]\n"
    )
    things = kustomize(tmp_path)
    assert [thing["metadata"]["name"] for thing in things if "Job" in thing["kind"]] == [job or "prepare"]
    for thing in things:
        validate(thing)


def _misspelt(thing: Thing) -> None:
    thing["spec"]["headGroupSpek"] = {}


def _deep(thing: Thing) -> None:
    thing["spec"]["headGroupSpec"]["template"]["spec"]["containers"][0]["livenessProb"] = {}


def _wrong_type(thing: Thing) -> None:
    thing["spec"]["workerGroupSpecs"][0]["maxReplicas"] = "many"


def _wrong_word(thing: Thing) -> None:
    thing["spec"]["authOptions"]["mode"] = "tokens"


def _missing(thing: Thing) -> None:
    del thing["spec"]["headGroupSpec"]


@pytest.mark.parametrize("harm", [_misspelt, _deep, _wrong_type, _wrong_word, _missing])
def test_the_schemas_refuse_what_is_wrong_with_a_cluster(harm: object) -> None:
    (cluster,) = [copy.deepcopy(thing) for thing in overlay("gpu") if thing["kind"] == "RayCluster"]
    validate(cluster)
    harm(cluster)  # type: ignore[operator]
    with pytest.raises(jsonschema.ValidationError):
        validate(cluster)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("NetworkPolicy", ("spec", "podSelectr"), {}),
        ("PodDisruptionBudget", ("spec", "minAvailable"), [1]),
        ("Job", ("spec", "template", "spec", "containers", 0, "imagePullPolice"), "Always"),
        ("PersistentVolumeClaim", ("spec", "accessModes"), "ReadWriteMany"),
    ],
)
def test_the_schemas_refuse_what_is_wrong_with_the_rest(kind: str, path: tuple[str | int, ...], value: object) -> None:
    thing = copy.deepcopy(next(thing for thing in overlay("gpu") if thing["kind"] == kind))
    parent = thing
    for key in path[:-1]:
        parent = parent[key]  # type: ignore[index]
    parent[path[-1]] = value  # type: ignore[index]
    with pytest.raises(jsonschema.ValidationError):
        validate(thing)


@pytest.mark.parametrize("kind", RAY)
def test_the_packed_schemas_are_whole(kind: str) -> None:
    """Closed at the top and inside a container; and those that KubeRay publishes, where these are at hand."""
    schema = ray_validator(kind).schema
    assert schema["properties"]["spec"]["additionalProperties"] is False
    assert "terminationGracePeriodSeconds" in str(schema)
    published = SHARED / f"{RAY[kind]}.yaml"
    if published.exists():
        assert schema_of(yaml.load(published.read_bytes(), yaml.CSafeLoader)) == unpacked(RAY[kind])
    assert sum(path.stat().st_size for path in PACKED.iterdir()) < 100_000


def test_yaml_is_found_here_alone() -> None:
    """Everything that is configured elsewhere is typed."""
    outside = [
        path
        for part in ("metaart", "cluster", "tune", "serve", "benchmarks", "scripts", "tests", "docs")
        for path in (FOLDER.parent / part).rglob("*.y*ml")
    ]
    assert outside == []
