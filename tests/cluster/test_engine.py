"""Two DeepSpeed workers take the steps that one process takes, at every ZeRO stage."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from cluster.config import ClusterConfig
from cluster.worker import STOP, Assignment
from cluster.zero import DeepSpeedConfig
from metaart.algorithms import LossKind, MetaAlgorithm
from metaart.config import RunConfig, StageConfig, override
from metaart.tasks import Task
from metaart.training.checkpoint import load_checkpoint, load_tensors, newest_checkpoint
from metaart.training.context import Interrupted, TrainContext
from metaart.training.journal import Journal, read_metrics
from metaart.training.plan import plan_run
from metaart.training.run import POOLED, WEIGHTS, prepare_run, train_run
from metaart.training.step import LocalStep
from tests.cluster.engine import SGD, assert_same_training, by_workers, in_one_process, sinusoid

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

STAGES = (0, 1, 2, 3)
ADAM = [*SGD, "pretrain.steps=0", "meta.optimizer=adam", "meta.outer_lr=0.01", "meta.validation_tasks=1"]
FP64 = ["deepspeed.zero_stage=0", "deepspeed.precision=fp64"]
EXACT = {"fp64": FP64, "fp64 in parts": [*FP64, "deepspeed.micro_batches=2"], "fp64 in turns": FP64}
"""Settings of the cluster that train in float64, where DeepSpeed can: at stage 0."""
BF16 = ["deepspeed.zero_stage=2", "deepspeed.precision=bf16"]
KINDS = {
    "second order": (SGD, STAGES),
    "clipped": ([*SGD, "meta.clip_norm=0.3", "batching.mode=loop"], (0, 2, 3)),
    "adam in turns": (ADAM, (1, 3)),
}
"""Settings, and the ZeRO stages that they are tried at: all there are, or those whose partitions differ."""


class Exact(LocalStep):
    """One process in float64."""

    def __init__(self, algorithm: MetaAlgorithm, stage: StageConfig) -> None:
        super().__init__(algorithm.double(), stage)

    def __call__(self, tasks: Task, rate: float) -> float:
        return super().__call__(exact(tasks), rate)

    def evaluate(self, tasks: Task, kind: LossKind) -> float:
        return super().evaluate(exact(tasks), kind)


def exact(tasks: Task) -> Task:
    return tasks.mapped(lambda side: {name: value.double() for name, value in side.items()})


def exactly(config: RunConfig, folder: Path, *, stop: Callable[[], bool] = lambda: False) -> None:
    prepare_run(plan_run(config, folder), resume=True)
    with Journal(folder, {}, show=False) as journal:
        train_run(plan_run(config, folder), TrainContext(report=journal, log_every=config.log_every, stop=stop), Exact)


@pytest.fixture(scope="module")
def runs(ray_session: None, tiny_config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run directories of two workers, named by kind and stage, and of one process, named by kind."""
    root, assignments = tmp_path_factory.mktemp("engine"), []

    def assigned(config: RunConfig, folder: Path, stage: int, threshold: int = 0) -> Assignment:
        prepare_run(plan_run(config, folder), resume=folder.exists())
        return Assignment(config, ClusterConfig(deepspeed=DeepSpeedConfig(stage, threshold)), folder)  # type: ignore[arg-type]

    for kind, (settings, stages) in KINDS.items():
        config = sinusoid(settings)
        in_one_process(config, root / kind)
        for stage in stages:
            folder = root / f"{kind}, {stage}"
            if kind == "adam in turns":  # one process takes the first step, two workers the second
                with pytest.raises(Interrupted):
                    in_one_process(config, folder, stop=lambda: True)
                (folder / STOP).touch()
            assignments.append(assigned(config, folder, stage))
    assignments.append(assigned(sinusoid(SGD), root / "second order, 3 with whole weights", 3, threshold=100_000))
    for name, settings in EXACT.items():
        if name == "fp64 in turns":  # one process takes the first step, two workers the second, one process the others
            with pytest.raises(Interrupted):
                exactly(sinusoid(SGD), root / name, stop=lambda: True)
            (root / name / STOP).touch()
        assignments.append(assigned(sinusoid(SGD), root / name, 0))
        assignments[-1] = dataclasses.replace(assignments[-1], cluster=override(ClusterConfig(), settings))
    assignments.append(assigned(sinusoid(SGD), root / "bf16", 2))
    assignments[-1] = dataclasses.replace(assignments[-1], cluster=override(ClusterConfig(), BF16))
    music = override(tiny_config, ["pretrain.tasks=5", "pretrain.optimizer=sgd", "meta.steps=0", "log_every=1"])
    in_one_process(music, root / "music")
    assignments.append(assigned(music, root / "music, 1", 1))
    by_workers(assignments)
    return root


@pytest.mark.parametrize("stage", [*map(str, STAGES), "3 with whole weights"])
def test_two_workers_take_the_steps_of_one_process(runs: Path, stage: str) -> None:
    assert_same_training(runs / f"second order, {stage}", runs / "second order", POOLED, WEIGHTS)


@pytest.mark.parametrize("stage", KINDS["clipped"][1])
def test_the_norm_that_is_clipped_is_of_all_ranks_together(runs: Path, stage: int) -> None:
    assert_same_training(runs / f"clipped, {stage}", runs / "clipped", WEIGHTS)
    free, clipped = load_tensors(runs / "second order" / WEIGHTS), load_tensors(runs / "clipped" / WEIGHTS)
    assert max(float((free[name] - clipped[name]).abs().max()) for name in free) > 1e-3  # the bound was reached


@pytest.mark.parametrize("stage", KINDS["adam in turns"][1])
def test_a_run_changes_hands_between_one_process_and_two_workers(runs: Path, stage: int) -> None:
    folder = runs / f"adam in turns, {stage}"
    _, progress = load_checkpoint(newest_checkpoint(folder / "meta" / "checkpoints") or folder)
    assert progress["step"] == 2
    in_one_process(sinusoid(ADAM), folder)  # validated by one task, so that the second worker had none at step 2
    assert_same_training(folder, runs / "adam in turns", WEIGHTS)


@pytest.mark.parametrize("name", EXACT)
def test_in_float64_two_workers_and_one_differ_by_rounding_alone(runs: Path, name: str, tmp_path: Path) -> None:
    exactly(sinusoid(SGD), tmp_path)
    if name == "fp64 in turns":
        _, progress = load_checkpoint(newest_checkpoint(runs / name / "pretrain" / "checkpoints") or tmp_path)
        assert progress["step"] == 2
        exactly(sinusoid(SGD), runs / name)
    for file in (POOLED, WEIGHTS):
        ours, expected = load_tensors(runs / name / file), load_tensors(tmp_path / file)
        assert all(value.dtype == torch.float64 for value in ours.values())
        torch.testing.assert_close(ours, expected, rtol=0, atol=1e-9)
    for step, line in read_metrics(tmp_path)["meta"].items():
        assert read_metrics(runs / name)["meta"][step]["loss"] == pytest.approx(line["loss"], abs=1e-9)


def test_bf16_learns_about_the_same_and_keeps_fp32(runs: Path) -> None:
    ours, expected = load_tensors(runs / "bf16" / WEIGHTS), load_tensors(runs / "second order" / WEIGHTS)
    assert all(value.dtype == torch.float32 for value in ours.values())
    differences = [float((ours[name] - expected[name]).abs().max()) for name in ours]
    assert 1e-6 < max(differences) < 0.02


def test_pieces_of_unequal_length_are_weighed_by_their_tokens(runs: Path) -> None:
    assert_same_training(runs / "music, 1", runs / "music", POOLED)
