"""Sweeps on Ray: proposals and rungs that survive a restart, and whole small sweeps, one of them killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cluster.config import ClusterConfig
from metaart.config import from_json, override
from metaart.recipes import recipe
from metaart.training.journal import read_metrics
from tune.config import Sweep, SweepConfig, prepare_sweep
from tune.keys import read_space
from tune.records import DIVERGED, FINISHED, RUNNING, STOPPED, Trial, note, read_trial, read_trials, trial_folder
from tune.shelf import Shelf
from tune.sweep import RAY_FILES, Halving, Proposals, concurrent, search
from tune.trial import Job, run_trial

ROOT = Path(__file__).resolve().parents[2]
TINY = ["domain.hidden_size=8", "meta.steps=27", "meta.tasks=3", "meta.validate_every=1", "meta.validation_tasks=6",
        "batching.mode=vmap"]  # fmt: skip


def sweep_in(folder: Path, *settings: str, workers: int = 1, **how: Any) -> Sweep:
    config = override(recipe("sinusoid"), [*TINY, *settings])
    space = tuple(read_space(["alpha=loguniform(1e-3,1)"], config))
    return Sweep(config, ClusterConfig(workers=workers), space, SweepConfig(**how), folder)


def ray_trial(number: int) -> Any:
    """A trial as Ray Tune hands it to a scheduler."""
    return SimpleNamespace(trial_id=f"t{number}", config={"number": number, "point": {}})


def losses(number: int) -> list[tuple[int, float]]:
    """Validations of a made-up trial; every third number is good, the others get worse and worse."""
    level = 1.0 + (number % 3) + 0.01 * number
    return [(step, level - 0.001 * step) for step in range(1, 28)]


def decide(halving: Halving, number: int) -> tuple[str, int]:
    """Report a trial's validations until it is stopped; what became of it, and its last step."""
    halving.on_trial_add(None, ray_trial(number))
    for step, loss in losses(number):
        if halving.on_trial_result(None, ray_trial(number), {"step": step, "validation": loss}) == "STOP":
            return STOPPED, step
    return FINISHED, 27


def test_rungs_are_what_they_were_after_a_restart(tmp_path: Path) -> None:
    """Ten trials in a row end alike, whether ASHA saw the first six itself or was told of them."""
    sweep = sweep_in(tmp_path)
    assert sweep.first_rung == 1
    for number in range(10):
        note(tmp_path, number, {}, RUNNING)
    shelf = Shelf(tmp_path)
    whole = Halving(sweep, shelf, [])
    expected = [decide(whole, number) for number in range(10)]
    assert {outcome for outcome, _ in expected} == {FINISHED, STOPPED}
    assert [read_trial(tmp_path, number).outcome == STOPPED for number in range(10)] == [
        outcome == STOPPED for outcome, _ in expected
    ]
    earlier = [
        Trial(number, {}, outcome, losses(number)[:step], step) for number, (outcome, step) in enumerate(expected[:6])
    ]
    resumed = Halving(sweep, shelf, earlier)
    assert [decide(resumed, number) for number in range(6, 10)] == expected[6:]
    # One that was cut off in the middle stands at the rungs that it had passed, once.
    cut_off = Trial(5, {}, RUNNING, losses(5)[: expected[5][1]])
    assert decide(Halving(sweep, shelf, [*earlier[:5], cut_off]), 6) == expected[6]


def proposals(sweep: Sweep, trials: list[Trial]) -> Proposals:
    return Proposals(sweep, Shelf(sweep.folder), trials, lambda _: None)


def test_unfinished_trials_come_first_and_ended_ones_never(tmp_path: Path) -> None:
    sweep = sweep_in(tmp_path, trials=5, searcher="random", seed=1)
    fresh = proposals(sweep_in(tmp_path / "fresh", trials=5, searcher="random", seed=1), [])
    points = [fresh.suggest(str(number)) for number in range(5)]
    assert [point["number"] for point in points] == [0, 1, 2, 3, 4]
    assert fresh.suggest("5") == "FINISHED"
    outcomes = (FINISHED, RUNNING, STOPPED, DIVERGED)
    trials = [Trial(number, points[number]["point"], outcome) for number, outcome in enumerate(outcomes)]
    again = proposals(sweep, trials)
    assert [again.suggest("a"), again.suggest("b"), again.suggest("c")] == [points[1], points[4], "FINISHED"]
    assert read_trial(tmp_path, 1).point == points[1]["point"]


def test_a_trial_whose_folder_was_deleted_is_done_again_and_no_other_touched(tmp_path: Path) -> None:
    sweep = sweep_in(tmp_path, trials=5, searcher="random", seed=1)
    points = [proposals(sweep_in(tmp_path / "fresh", trials=9, searcher="random", seed=1), []).suggest("0")]
    trials = [Trial(number, {"algorithm.alpha": str(number + 1.0)}, FINISHED) for number in (0, 1, 3, 4)]
    again = proposals(sweep, trials)
    suggested = again.suggest("a")
    assert suggested["number"] == 2
    assert suggested["point"] != points[0]["point"]
    assert again.suggest("b") == "FINISHED"
    assert [trial.number for trial in read_trials(tmp_path)] == [2]


@pytest.mark.parametrize(
    ("workers", "cpus", "gpus", "there", "most", "expected"),
    [
        (1, 1, 0, {"CPU": 8.0}, 0, 8),
        (2, 1, 0, {"CPU": 8.0}, 0, 4),
        (2, 3, 0, {"CPU": 8.0}, 0, 1),
        (1, 1, 1, {"CPU": 8.0, "GPU": 3.0}, 0, 3),
        (1, 1, 0, {"CPU": 8.0}, 2, 2),
        (3, 1, 0, {"CPU": 2.0}, 0, 1),
    ],
)
def test_trials_times_workers_fit_the_machine(
    workers: int, cpus: int, gpus: int, there: dict[str, float], most: int, expected: int
) -> None:
    cluster = ClusterConfig(workers=workers, cpus_per_worker=cpus, gpus_per_worker=gpus)
    assert concurrent(cluster, most, there) == expected


@pytest.mark.ray
@pytest.mark.timeout(600)
def test_a_sweep_stops_the_poor_and_trains_the_good_to_the_end(ray_session: None, tmp_path: Path) -> None:
    sweep = sweep_in(tmp_path / "sweep", trials=5, searcher="random")
    prepare_sweep(sweep, resume=False)
    note(sweep.folder, 0, {"algorithm.alpha": "1e+30"}, RUNNING)  # it will have no validation to report
    ended: list[int] = []
    trials = search(sweep, None, announce=lambda trial: ended.append(trial.number))
    assert sorted(ended) == [trial.number for trial in trials] == list(range(5))
    outcomes = [trial.outcome for trial in trials]
    assert outcomes[0] == DIVERGED
    assert set(outcomes[1:]) == {FINISHED, STOPPED}
    for trial in trials[1:]:
        assert trial.steps == 27 if trial.outcome == FINISHED else trial.steps in (1, 3, 9, 27)
        config = from_json((trial_folder(sweep.folder, trial.number) / "config.json").read_text(encoding="utf-8"))
        assert str(config.algorithm.alpha) == trial.point["algorithm.alpha"]
    assert not (sweep.folder / RAY_FILES).exists()
    assert search(sweep, None) == trials  # there is nothing left to do


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_trial_of_several_workers_is_judged_like_one_of_a_single_process(ray_session: None, tmp_path: Path) -> None:
    sweep = sweep_in(tmp_path / "sweep", "meta.steps=3", workers=2, trials=1, searcher="random")
    prepare_sweep(sweep, resume=False)
    (trial,) = search(sweep, None)
    assert (trial.outcome, [step for step, _ in trial.validations]) == (FINISHED, [1, 2, 3])
    alone = Job(sweep.config, ClusterConfig(workers=1), tmp_path / "alone", None)
    run_trial(alone, 0, trial.point, lambda _: None)
    expected = read_trial(alone.folder, 0).validations
    assert [loss for _, loss in trial.validations] == pytest.approx([loss for _, loss in expected], rel=1e-5)


def finished(out: Path) -> dict[int, bytes]:
    """What the trials that ended wrote, by number."""
    ended = [trial.number for trial in read_trials(out) if trial.outcome in (FINISHED, STOPPED)]
    return {number: (trial_folder(out, number) / "metrics.jsonl").read_bytes() for number in ended}


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_sweep_that_is_killed_goes_on_and_repeats_no_trial_that_ended(tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    settings = [*TINY, "meta.steps=200", "meta.validate_every=40"]
    asked = [sys.executable, "-m", "tune.search", "sinusoid", "--space", "alpha=loguniform(1e-3,1)", "--trials", "5",
             "--searcher", "random", "--scheduler", "none", "--out", str(out), "--concurrent", "1",
             *[word for key in settings for word in ("--set", key)]]  # fmt: skip
    first = subprocess.Popen(asked, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while first.poll() is None and not (out.exists() and len(finished(out)) >= 2):
        time.sleep(0.02)
    assert first.poll() is None, first.communicate()[1]
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    before = finished(out)
    assert 2 <= len(before) < 5
    assert not (out / "best.json").exists()

    second = subprocess.run([*asked, "--resume"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    after = read_trials(out)
    assert [trial.outcome for trial in after] == [FINISHED] * 5
    for number, metrics in before.items():
        folder = trial_folder(out, number)
        assert (folder / "metrics.jsonl").read_bytes() == metrics
        assert f"trial {number}:" not in second.stderr
    assert [max(read_metrics(trial_folder(out, number))["meta"]) for number in range(5)] == [200] * 5
    best = min(after, key=lambda trial: trial.best or 0.0)
    config = from_json((out / "best.json").read_text(encoding="utf-8"))
    assert str(config.algorithm.alpha) == best.point["algorithm.alpha"]
    assert json.loads((out / "results.json").read_text(encoding="utf-8"))["best"]["number"] == best.number
    assert f"{best.best:.4f}" in second.stdout
