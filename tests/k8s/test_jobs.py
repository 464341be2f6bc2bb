"""What the jobs run: modules, arguments, folders, and that their clusters have room for it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cluster.train
import metaart.cli
from metaart.recipes import recipe
from metaart.training.run import POOLED
from tests.k8s.commands import after, options_of, split
from tests.k8s.manifests import OVERLAYS, Thing, jobs, named, number, overlay
from tune.config import SWEEP, SweepConfig

SWEEPS = ["RayJob tune", "RayCronJob nightly"]
EVERY_JOB = [(name, job) for name in OVERLAYS for job in ("RayJob train", *SWEEPS)]


@pytest.fixture
def words(tmp_path: Path) -> Callable[..., list[str]]:
    """Carries out an entry point on a day, /storage being the test's folder, and gives the words that Python gets.

    KubeRay gives it to the shell of the submitter, whose words Ray joins for the shell of the head.
    """
    programs = {"python": "printf '%s\\0' python \"$@\"", "date": 'exec /usr/bin/date -d "$TODAY" "$@"'}
    (tmp_path / "bin").mkdir()
    for name, does in programs.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / "bin" / name).chmod(0o755)

    def run(entrypoint: str, day: str = "2026-11-27") -> list[str]:
        command = subprocess.list2cmdline(split("bash", entrypoint.replace("/storage", str(tmp_path))))
        there = os.environ | {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "TODAY": day}
        done = subprocess.run(["sh", "-euc", command], capture_output=True, text=True, check=True, env=there)
        assert done.stderr == ""
        return done.stdout.replace(str(tmp_path), "/storage").split("\0")[:-1]

    return run


@pytest.mark.parametrize(("name", "job"), EVERY_JOB)
def test_the_entry_point_of_a_job_is_a_module_that_knows_its_options(name: str, job: str, words: Any) -> None:
    python, minus, module, recipe_name, *arguments = words(jobs(overlay(name))[job]["entrypoint"])
    assert (python, minus) == ("python", "-m")
    assert recipe(recipe_name)
    assert module == ("cluster.train" if job == "RayJob train" else "tune.search")
    assert not {word for word in arguments if word.startswith("--")} - options_of(module)


def things_in(text: str) -> list[Thing]:
    """The JSON objects that follow each other in a text."""
    found, rest = [], text.strip()
    while rest:
        thing, end = json.JSONDecoder().raw_decode(rest)
        found.append(thing)
        rest = rest[end:].strip()
    return found


@pytest.mark.parametrize("name", OVERLAYS)
def test_a_training_job_asks_for_a_run_that_its_cluster_may_grow_to(name: str, capsys: Any, words: Any) -> None:
    """Its cluster begins with none of the workers: it waits for those that the autoscaler starts."""
    job = jobs(overlay(name))["RayJob train"]
    arguments = words(job["entrypoint"])[3:]
    assert "--resume" in arguments, "a new cluster after a failure goes on with what the last one wrote"
    assert after("--storage", arguments).startswith("file:///storage/")
    assert int(after("--wait-for-workers", arguments)) >= 600
    assert cluster.train.main([*arguments, "--show"]) == 0
    run, asked = things_in(capsys.readouterr().out)
    assert run["data"] == "/storage/data/music"
    assert asked["workers"] <= min(run["pretrain"]["tasks"], run["meta"]["tasks"])
    there = {"cpus": 0.0, "gpus": 0.0}
    for group in job["rayClusterSpec"]["workerGroupSpecs"]:
        limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
        there["cpus"] += group["maxReplicas"] * number(limits["cpu"])
        there["gpus"] += group["maxReplicas"] * number(limits.get("nvidia.com/gpu", 0))
        assert group["replicas"] == group["minReplicas"] == 0
    for kind, free in there.items():
        assert asked["workers"] * asked[f"{kind}_per_worker"] <= free, kind
    assert (asked["gpus_per_worker"] > 0) == (name == "gpu")


@pytest.mark.parametrize("name", OVERLAYS)
@pytest.mark.parametrize("job", SWEEPS)
def test_a_sweep_begins_with_workers(name: str, job: str) -> None:
    """`tune.search` asks at once how many trials have room."""
    groups = jobs(overlay(name))[job]["rayClusterSpec"]["workerGroupSpecs"]
    assert all(group["replicas"] == group["minReplicas"] for group in groups)
    assert [group["groupName"] for group in groups if group["minReplicas"]] == ["cpu"]


@pytest.mark.parametrize("job", SWEEPS)
def test_a_sweep_is_begun_and_after_a_failure_gone_on_with(job: str, tmp_path: Path, words: Any) -> None:
    """`tune.search --resume` wants one that was begun."""
    entrypoint = jobs(overlay("gpu"))[job]["entrypoint"]
    first = words(entrypoint)
    assert "--resume" not in first
    folder = tmp_path / Path(after("--out", first)).relative_to("/storage")
    folder.mkdir(parents=True)
    (folder / SWEEP).touch()
    assert words(entrypoint) == [*first, "--resume"]


@pytest.mark.parametrize("job", SWEEPS)
def test_a_sweep_starts_from_the_pooled_weights_of_the_training_job(job: str, tmp_path: Path, words: Any) -> None:
    """Once there are any."""
    found = jobs(overlay("gpu"))
    first = words(found[job]["entrypoint"])
    assert "--start-from" not in first
    run = after("--storage", words(found["RayJob train"]["entrypoint"])).removeprefix("file://")
    folder = tmp_path / Path(run).relative_to("/storage")
    folder.mkdir(parents=True)
    (folder / POOLED).touch()
    assert words(found[job]["entrypoint"]) == [*first, "--start-from", run]


def test_a_night_has_a_folder_and_a_seed_of_its_own(words: Any) -> None:
    entrypoint = jobs(overlay("gpu"))["RayCronJob nightly"]["entrypoint"]
    nights = [words(entrypoint, day) for day in ("2026-11-27", "2026-11-28", "9999-12-31")]
    assert [after("--out", night) for night in nights[:2]] == [
        "/storage/sweeps/2026-11-27",
        "/storage/sweeps/2026-11-28",
    ]
    seeds = [int(after("--seed", night)) for night in nights]
    assert len({SweepConfig(seed=seed) for seed in seeds}) == 3


def test_the_sweeps_of_two_weeks_are_kept_and_all_that_is_no_night(tmp_path: Path, words: Any) -> None:
    for name, age_days in {"2026-11-01": 20, "2026-11-14": 13, "music": 99, "2026-best": 99}.items():
        (tmp_path / "sweeps" / name / "trials").mkdir(parents=True)
        aged_s = time.time() - age_days * 86400 - 3600
        os.utime(tmp_path / "sweeps" / name, (aged_s, aged_s))
    words(jobs(overlay("gpu"))["RayCronJob nightly"]["entrypoint"])
    assert sorted(path.name for path in (tmp_path / "sweeps").iterdir()) == ["2026-11-14", "2026-best", "music"]


@pytest.mark.parametrize("name", OVERLAYS)
def test_data_are_written_where_the_jobs_read_them(name: str, words: Any) -> None:
    command = named(overlay(name), "Job", "prepare")["spec"]["template"]["spec"]["containers"][0]["command"]
    program, *arguments = command
    assert program == "metaart"
    options = metaart.cli._parser().parse_args(arguments)
    for job in jobs(overlay(name)).values():
        assert after("--data", words(job["entrypoint"])) == str(options.out)
