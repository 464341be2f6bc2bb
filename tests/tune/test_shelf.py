"""A sweep that a storage keeps: driver and trials have a copy each, as on machines of their own."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from cluster.config import ClusterConfig
from cluster.storage import Storage
from metaart.config import RunConfig, override
from metaart.recipes import recipe
from metaart.training.checkpoint import load_tensors
from metaart.training.journal import read_metrics
from metaart.training.plan import plan_run
from metaart.training.run import POOLED, WEIGHTS, prepare_run, train_run
from tune.records import FINISHED, RUNNING, STOPPED, read_trials
from tune.search import main
from tune.shelf import Shelf, on_this_machine
from tune.trial import Job, run_trial, take_pooled

SINUSOID = ["domain.hidden_size=8", "meta.steps=9", "meta.tasks=3", "meta.validate_every=3", "meta.validation_tasks=6",
            "batching.mode=vmap", "checkpoint_every=100"]  # fmt: skip
POINT = {"algorithm.alpha": "0.05"}
LINE = '{"stage": "meta", "step": 1, "loss": 1.0}\n'


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Of a sweep whose driver has a folder that no trial sees."""
    config = override(recipe("sinusoid"), SINUSOID)
    return Job(config, ClusterConfig(workers=1), tmp_path / "driver", None, f"file://{tmp_path}/kept")


def test_a_trial_ends_as_it_does_in_a_folder_and_the_driver_sees_it(job: Job, tmp_path: Path) -> None:
    storage = Storage(job.storage)
    shelf = Shelf(job.folder, storage)
    shelf.note(0, POINT, RUNNING)
    with on_this_machine(job, 0) as here:
        assert here.folder not in (job.folder, tmp_path / "kept")
        run_trial(here, 0, POINT, lambda _: None)
        assert shelf.trial(0).outcome == RUNNING  # it is not yet where others see it
    assert not here.folder.exists()
    trial = shelf.trial(0)
    assert (trial.outcome, trial.steps) == (FINISHED, 9)
    assert not list(job.folder.rglob("*.safetensors"))  # weights stay on the storage

    alone = override(job.config, ["algorithm.alpha=0.05"])
    prepare_run(plan_run(alone, tmp_path / "alone"), resume=False)
    train_run(plan_run(alone, tmp_path / "alone"))
    storage.get(f"trials/0000/{WEIGHTS}", tmp_path / WEIGHTS)
    ours, expected = load_tensors(tmp_path / WEIGHTS), load_tensors(tmp_path / "alone" / WEIGHTS)
    assert all(bool((ours[name] == expected[name]).all()) for name in expected)


def test_a_trial_that_was_stopped_goes_on_elsewhere(job: Job) -> None:
    shelf, steps = Shelf(job.folder, Storage(job.storage)), []

    def stop_at_6(line: dict[str, Any]) -> None:
        steps.append(line["step"])
        if steps == [3, 6]:
            raise SystemExit(0)

    shelf.note(0, POINT, RUNNING)
    with pytest.raises(SystemExit), on_this_machine(job, 0) as here:
        run_trial(here, 0, POINT, stop_at_6)
    assert shelf.trial(0).steps == 6
    with on_this_machine(job, 0) as here:
        assert (run_trial(here, 0, POINT, steps.append) or {})["step"] == 9
    assert steps == [3, 6]  # nothing is trained twice
    assert shelf.trials()[0].outcome == FINISHED


def test_what_the_driver_wrote_is_not_undone_by_a_trial_nor_the_other_way_round(job: Job) -> None:
    storage = Storage(job.storage)
    shelf = Shelf(job.folder, storage)
    shelf.note(0, POINT, RUNNING)
    with on_this_machine(job, 0) as here:
        shelf.note(0, POINT, STOPPED)
        (here.folder / "trials" / "0000" / "metrics.jsonl").write_text(LINE)
    shelf.bring()
    shelf.keep()
    assert shelf.trials()[0].outcome == STOPPED
    assert storage.read("trials/0000/metrics.jsonl") == LINE.encode()


def test_the_pooled_stage_reaches_every_trial(tiny_config: RunConfig, tiny_run: Path, tmp_path: Path) -> None:
    job = Job(tiny_config, ClusterConfig(workers=1), tmp_path / "driver", tmp_path / "driver" / "pooled",
              f"file://{tmp_path}/kept")  # fmt: skip
    assert job.pooled is not None
    shelf = Shelf(job.folder, Storage(job.storage))
    take_pooled(plan_run(job.config, job.folder, start_from=tiny_run), job.pooled)
    shelf.keep()
    shelf.note(1, POINT, RUNNING)
    with on_this_machine(job, 1) as here:
        assert here.pooled == here.folder / "pooled"
        run_trial(here, 1, POINT, lambda _: None)
    storage = Storage(job.storage)
    assert storage.read(f"trials/0001/{POOLED}") == (tiny_run / POOLED).read_bytes()
    with on_this_machine(dataclasses.replace(job, pooled=None), 2) as here:  # each trial has its own: one may be equal
        assert (here.folder / "trials" / "0001" / POOLED).exists()


def test_a_storage_of_this_machine_is_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["sinusoid", "--trials", "2", "--dry-run"]
    assert main([*words, "--storage", f"file://{tmp_path}/sweep", "--out", str(tmp_path)]) == 2
    assert "both" in capsys.readouterr().err
    assert main([*words, "--storage", f"file://{tmp_path}/sweep"]) == 0
    assert json.loads(capsys.readouterr().out)["how"]["trials"] == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_sweep_on_an_object_store_is_begun_and_gone_on_with(
    ray_session: None, object_store: str, tmp_path: Path, workers: int, capsys: pytest.CaptureFixture[str]
) -> None:
    storage = Storage(object_store).child(f"{tmp_path.name}-{workers}")
    settings = [word for setting in SINUSOID for word in ("--set", setting)]
    words = ["sinusoid", "--searcher", "random", "--scheduler", "none", "--storage", storage.url, *settings,
             "--workers", str(workers)]  # fmt: skip
    assert main([*words, "--trials", "2"]) == 0, capsys.readouterr().err
    first = storage.read("trials/0001/metrics.jsonl")
    assert main([*words, "--trials", "2"]) == 2  # there is a sweep already
    assert "--resume" in capsys.readouterr().err
    assert main([*words, "--trials", "3", "--resume"]) == 0, capsys.readouterr().err
    assert storage.read("trials/0001/metrics.jsonl") == first  # nothing is trained twice
    assert {"best.json", "results.json", "losses.png", "index.html", "sweep.json"} <= set(storage.files())
    assert len(json.loads(storage.read("results.json"))["trials"]) == 3
    for number in range(3):
        assert storage.exists(f"trials/{number:04d}/{WEIGHTS}")
    for name in storage.files("trials/0002"):
        storage.get(name, tmp_path / "fetched" / name)
    (trial,) = read_trials(tmp_path / "fetched")
    assert trial.outcome == FINISHED
    assert list(read_metrics(tmp_path / "fetched" / "trials" / "0002")["meta"])[-1] == 9
