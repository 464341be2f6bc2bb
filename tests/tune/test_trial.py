"""A trial in this process: it is judged on validation hands alone, shares the pooled stage, and can be stopped."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from cluster.config import ClusterConfig
from metaart.config import RunConfig, override
from metaart.data.shards import Dataset
from metaart.errors import UserError
from metaart.recipes import recipe
from metaart.training.checkpoint import load_tensors, newest_checkpoint
from metaart.training.journal import read_metrics
from metaart.training.plan import POOLED, WEIGHTS, plan_run, pooled_config
from metaart.training.run import prepare_run, take_over_pooled, train_run
from tune.records import DIVERGED, FINISHED, RUNNING, note, read_trial, trial_folder
from tune.trial import Job, run_trial, take_pooled, train_pooled

SINUSOID = ["domain.hidden_size=8", "meta.steps=9", "meta.tasks=3", "meta.validate_every=3", "meta.validation_tasks=6",
            "batching.mode=vmap", "checkpoint_every=100"]  # fmt: skip


def sinusoid_job(folder: Path, *settings: str) -> Job:
    return Job(override(recipe("sinusoid"), [*SINUSOID, *settings]), ClusterConfig(workers=1), folder, None)


def test_a_trial_reports_its_best_validation_so_far_and_ends_as_the_same_run_alone(tmp_path: Path) -> None:
    job, point, reports = sinusoid_job(tmp_path), {"algorithm.alpha": "0.05"}, []
    note(tmp_path, 0, point, RUNNING)
    reports.append(run_trial(job, 0, point, reports.append))
    trial = read_trial(tmp_path, 0)
    assert trial.outcome == FINISHED
    assert [step for step, _ in trial.validations] == [3, 6, 9]
    lowest = [min(loss for _, loss in trial.validations[: count + 1]) for count in range(3)]
    assert reports == [{"step": step, "validation": loss} for step, loss in zip((3, 6, 9), lowest, strict=True)]

    alone = override(job.config, ["algorithm.alpha=0.05"])
    plan = plan_run(alone, tmp_path / "alone")
    prepare_run(plan, resume=False)
    train_run(plan)
    torch.testing.assert_close(
        load_tensors(trial_folder(tmp_path, 0) / WEIGHTS), load_tensors(tmp_path / "alone" / WEIGHTS), rtol=0, atol=0
    )


def test_a_trial_that_is_stopped_leaves_a_checkpoint_from_which_it_could_go_on(tmp_path: Path) -> None:
    job, point = sinusoid_job(tmp_path), {"algorithm.alpha": "0.05"}
    note(tmp_path, 0, point, RUNNING)
    steps: list[int] = []

    def stop_at_6(line: dict[str, Any]) -> None:
        steps.append(line["step"])
        if line["step"] == 6 and steps.count(6) == 1:
            raise SystemExit(0)

    with pytest.raises(SystemExit):
        run_trial(job, 0, point, stop_at_6)
    assert newest_checkpoint(trial_folder(tmp_path, 0) / "meta" / "checkpoints") is not None
    assert read_trial(tmp_path, 0).outcome == RUNNING  # who stopped it notes why
    assert read_trial(tmp_path, 0).steps == 6
    assert run_trial(job, 0, point, stop_at_6) == {"step": 9, "validation": read_trial(tmp_path, 0).best}
    assert steps == [3, 6]  # nothing is trained twice
    assert read_trial(tmp_path, 0).outcome == FINISHED


def test_a_trial_that_diverges_is_noted_with_the_reason_and_disturbs_nothing(tmp_path: Path) -> None:
    job, point, reports = sinusoid_job(tmp_path, "algorithm.steps=5"), {"algorithm.alpha": "1e30"}, []
    note(tmp_path, 0, point, RUNNING)
    assert run_trial(job, 0, point, reports.append) is None
    trial = read_trial(tmp_path, 0)
    assert (trial.outcome, trial.best, reports) == (DIVERGED, None, [])
    assert "finite" in trial.why


@pytest.fixture
def music(tiny_config: RunConfig, music_data: Path, tmp_path: Path) -> Job:
    """A job whose data folder has no test shards, and whose remaining ones are a copy."""
    data = tmp_path / "data"
    shutil.copytree(music_data, data)
    return Job(dataclasses.replace(tiny_config, data=str(data)), ClusterConfig(workers=1), tmp_path / "sweep", None)


def shards_of(data: Path, split: str) -> list[Path]:
    dataset = Dataset.open(data)
    shards = {entry["name"]: data / "shards" / entry["shard"] for entry in dataset.metadata["groups"]}
    return [shards[group] for group in dataset.splits[split]]


def test_test_hands_are_never_opened(music: Job) -> None:
    """With the shards of the test groups replaced by nonsense a trial runs; with those of validation it cannot."""
    poisoned = shards_of(Path(music.config.data), "test")
    assert poisoned
    for path in poisoned:
        path.write_bytes(b"whoever reads this fails")
    point = {"algorithm.alpha": "0.01"}
    note(music.folder, 0, point, RUNNING)
    run_trial(music, 0, point, lambda _: None)
    assert read_trial(music.folder, 0).outcome == FINISHED
    for path in shards_of(Path(music.config.data), "validation"):
        path.write_bytes(b"whoever reads this fails")
    with pytest.raises(UserError, match="damaged"):
        run_trial(music, 1, point, lambda _: None)


def test_the_pooled_stage_is_trained_once_for_all_trials(music: Job) -> None:
    job = dataclasses.replace(music, pooled=music.folder / "pooled")
    lines: list[dict[str, Any]] = []
    plan = plan_run(job.config, job.folder)
    train_pooled(job, plan, lines.append, lambda: False)
    assert {line["stage"] for line in lines} == {"pretrain"}
    trained = len(lines)
    train_pooled(job, plan, lines.append, lambda: False)
    assert len(lines) == trained
    for number, alpha in enumerate(("0.01", "0.02")):
        run_trial(job, number, {"algorithm.alpha": alpha}, lambda _: None)
        folder = trial_folder(job.folder, number)
        assert not (folder / "pretrain").exists()
        assert (folder / POOLED).read_bytes() == (job.folder / "pooled" / POOLED).read_bytes()
        assert read_metrics(folder)["pretrain"] == read_metrics(job.folder / "pooled")["pretrain"]  # what it has cost


def test_trials_that_search_the_network_train_a_pooled_stage_for_each_and_share_equal_ones(music: Job) -> None:
    for number, (size, alpha) in enumerate((("12", "0.01"), ("10", "0.01"), ("12", "0.02"))):
        run_trial(music, number, {"domain.hidden_size": size, "algorithm.alpha": alpha}, lambda _: None)
    trained = [(trial_folder(music.folder, number) / "pretrain").exists() for number in range(3)]
    assert trained == [True, True, False]
    weights = [(trial_folder(music.folder, number) / POOLED).read_bytes() for number in range(3)]
    assert weights[0] == weights[2] != weights[1]


def test_pooled_weights_of_another_run_are_taken_over(music: Job, tiny_run: Path, tmp_path: Path) -> None:
    take_pooled(plan_run(music.config, music.folder, start_from=tiny_run), tmp_path / "pooled")
    assert (tmp_path / "pooled" / POOLED).read_bytes() == (tiny_run / POOLED).read_bytes()
    take_over_pooled(plan_run(pooled_config(music.config), tmp_path / "pooled", start_from=tiny_run))
    assert (tmp_path / "pooled" / POOLED).read_bytes() == (tiny_run / POOLED).read_bytes()
    with pytest.raises(UserError, match="safetensors"):
        plan_run(music.config, music.folder, start_from=tmp_path / "nothing")
    with pytest.raises(UserError, match="weights of this configuration"):
        plan_run(override(music.config, ["domain.hidden_size=20"]), music.folder, start_from=tiny_run)
