"""What docs/kubernetes.md names is there."""

from __future__ import annotations

import re

import pytest

import metaart
from tests.k8s.commands import options_of
from tests.k8s.manifests import FOLDER, JOBS, OVERLAYS, ROOT, overlay

# Lines that a backslash continues count as one.
GUIDE = (ROOT / "docs/kubernetes.md").read_text(encoding="utf-8").replace("\\\n", "")


def test_paths_objects_and_images() -> None:
    for path in re.findall(r"\bk8s/[\w./-]*\w", GUIDE):
        assert (ROOT / path).exists(), path
    names = {(thing["kind"].lower(), thing["metadata"]["name"]) for name in OVERLAYS for thing in overlay(name)}
    asked = re.findall(r"kubectl [^\n`]*?\b(rayjob|raycronjob|rayservice|raycluster|job)[ /](\w+)", GUIDE)
    assert len(asked) >= 3
    assert set(asked) <= names
    for image in re.findall(r"metaart-\w+:\d[\w.]*", GUIDE):
        assert image.endswith(f":{metaart.__version__}")


def test_what_stands_is_applied_and_a_job_is_created_or_deleted() -> None:
    asked = re.findall(r"kubectl (\w+) -k k8s/overlays/([\w-]+)(?:/(\w+))?", GUIDE)
    assert {(verb, job) for verb, _, job in asked} >= {("apply", ""), ("create", "train"), ("delete", "train")}
    for verb, name, job in asked:
        assert (FOLDER / "overlays" / name / job / "kustomization.yaml").exists()
        expected = {"": {"apply"}, "nightly": {"apply", "delete"}}.get(job, {"create", "delete"})
        assert verb in expected | {"kustomize"}, (verb, name, job)
        assert job in {"", *JOBS}


@pytest.mark.parametrize("module", ["cluster.train"])
def test_options_of_commands_and_that_they_wait_for_workers(module: str) -> None:
    """On the cluster that stands by there are none before somebody asks."""
    asked = [words.split() for words in re.findall(rf"python -m {re.escape(module)}([^\n`]*)", GUIDE)]
    assert asked
    for words in asked:
        assert {word for word in words if word.startswith("--")} <= options_of(module)
        assert "--wait-for-workers" in words
