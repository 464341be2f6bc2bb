"""The loop on its own: what it measures, when it stops, and how ranks share a batch."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from metaart.algorithms import Batching, LossKind
from metaart.algorithms.maml import MAML, MAMLConfig
from metaart.algorithms.pooled import Pooled, PooledConfig
from metaart.config import StageConfig
from metaart.data.sampler import EpisodeConfig, TaskSampler
from metaart.domains.sinusoid.domain import SinusoidConfig, SinusoidDomain
from metaart.tasks import BaseLearner, Task, num_tasks, select
from metaart.training.checkpoint import load_checkpoint, load_tensors, newest_checkpoint
from metaart.training.context import Interrupted, TrainContext
from metaart.training.loop import Diverged, Stage, train, validation_loss
from metaart.training.measured_batching import measured_batching
from metaart.training.step import LocalStep

DOMAIN = SinusoidDomain(SinusoidConfig(hidden_size=4))
EPISODE = EpisodeConfig(support=3, query=3)
CONFIG = StageConfig(steps=6, tasks=3, episode=EPISODE, validate_every=2, validation_tasks=5, outer_lr=0.01)


def stage(folder: Path = Path(), **settings: Any) -> Stage:
    config = replace(CONFIG, **settings)
    train_tasks = TaskSampler(DOMAIN.hands(None, "train", varied=True), EPISODE, seed=1)
    validation = TaskSampler(DOMAIN.hands(None, "validation", varied=False), EPISODE, seed=2)
    validated = validation if config.validate_every else None
    return Stage("meta", config, folder, train_tasks, validated, lambda tasks: 1)


def local_step(the_stage: Stage, make_learner: Callable[[], nn.Module] = DOMAIN.learner) -> LocalStep:
    torch.manual_seed(0)
    base = BaseLearner(make_learner(), DOMAIN.loss, DOMAIN.loss)
    algorithm = MAML(base, MAMLConfig(steps=1), Batching("loop"))
    return LocalStep(algorithm, the_stage.config)


def dropping() -> nn.Module:
    return nn.Sequential(nn.Linear(1, 16), nn.Dropout(0.5), nn.Linear(16, 1))


def test_lines_say_what_happened(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = []
    the_stage = stage(tmp_path)
    train(the_stage, local_step(the_stage), TrainContext(report=lines.append, log_every=4))
    assert [(line["step"], "before" in line, "validation" in line) for line in lines] == [
        (1, True, False), (2, False, True), (4, False, True), (5, True, False), (6, True, True)]  # fmt: skip
    assert all(line["stage"] == "meta" and math.isfinite(line["loss"]) for line in lines)
    assert [line["rate"] for line in lines if "rate" in line] == [CONFIG.rate(0), CONFIG.rate(4), CONFIG.rate(5)]


def test_the_weights_kept_are_the_best_validated(tmp_path: Path) -> None:
    """A rate so high that things get worse: the best is then not the last."""
    the_stage = stage(tmp_path, validate_every=1, outer_lr=2.0, anneal=False, warmup=0.0)
    lines: list[dict[str, Any]] = []
    seen: dict[int, dict[str, Tensor]] = {}
    step = local_step(the_stage)

    def report(line: dict[str, Any]) -> None:
        lines.append(line)
        seen[line["step"]] = step.state_dict()["weights"]

    train(the_stage, step, TrainContext(report=report))
    best = min(lines, key=lambda line: line["validation"])
    assert best["step"] != 6
    best_weights = load_tensors(tmp_path / "best.safetensors")
    assert all(torch.equal(value, seen[best["step"]][name]) for name, value in best_weights.items())
    newest = newest_checkpoint(tmp_path / "checkpoints")
    assert newest is not None
    state, progress = load_checkpoint(newest)
    assert progress["best"] == best["validation"]
    assert all(torch.equal(value, seen[6][name]) for name, value in state["weights"].items())


def test_without_validation_the_last_weights_are_kept(tmp_path: Path) -> None:
    the_stage = stage(tmp_path, validate_every=0)
    step = local_step(the_stage)
    train(the_stage, step, TrainContext())
    best_weights = load_tensors(tmp_path / "best.safetensors")
    assert all(torch.equal(value, best_weights[name]) for name, value in step.state_dict()["weights"].items())


def test_sigint_ends_the_step_at_hand_with_a_checkpoint(tmp_path: Path) -> None:
    the_stage = stage(tmp_path)

    def interrupt(line: dict[str, Any]) -> None:
        if line["step"] == 3:
            os.kill(os.getpid(), signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted, match="after step 3"):
        train(the_stage, local_step(the_stage), TrainContext(report=interrupt, log_every=1))
    assert signal.getsignal(signal.SIGINT) is handler
    assert newest_checkpoint(tmp_path / "checkpoints") == tmp_path / "checkpoints" / "step-0000003"


def test_a_second_sigint_does_not_wait(tmp_path: Path) -> None:
    the_stage = stage(tmp_path)

    def interrupt(line: dict[str, Any]) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    with pytest.raises(KeyboardInterrupt):
        train(the_stage, local_step(the_stage), TrainContext(report=interrupt, log_every=1))
    assert newest_checkpoint(tmp_path / "checkpoints") is None


def test_dropout_goes_on_bit_for_bit_and_the_callers_generator_is_left_alone(tmp_path: Path) -> None:
    one, cut = stage(tmp_path / "whole"), stage(tmp_path / "cut")
    whole, first, second = (local_step(one, dropping) for _ in range(3))
    torch.manual_seed(11)
    train(one, whole, TrainContext())
    drawn = torch.rand(1)
    torch.manual_seed(11)
    assert torch.equal(drawn, torch.rand(1))
    calls = iter([False, False, True])
    with pytest.raises(Interrupted):
        train(cut, first, TrainContext(stop=lambda: next(calls)))
    torch.manual_seed(12)
    train(cut, second, TrainContext())
    for name, value in whole.state_dict()["weights"].items():
        assert torch.equal(value, second.state_dict()["weights"][name])


@pytest.mark.parametrize(
    "settings", [{"optimizer": "sgd", "outer_lr": 1e30}, {"optimizer": "sgd", "outer_lr": 3e38, "steps": 1}]
)
@pytest.mark.parametrize("validate_every", [0, 1])
def test_divergence_is_said_and_never_saved(tmp_path: Path, settings: dict[str, Any], validate_every: int) -> None:
    the_stage = stage(tmp_path, validate_every=validate_every, warmup=0.0, **settings)
    with pytest.raises(Diverged) as caught:
        train(the_stage, local_step(the_stage), TrainContext(checkpoint_every=1))
    assert "meta loss" in caught.value.expected
    assert "meta.outer_lr" in caught.value.fix
    saved = [*tmp_path.rglob("weights.safetensors"), *tmp_path.rglob("best.safetensors")]
    assert all(value.isfinite().all() for path in saved for value in load_tensors(path).values())


class Tallying:
    """An outer step that notes which tasks it was given to evaluate, and says their number."""

    def __init__(self) -> None:
        self.turns: list[Task] = []

    def __call__(self, tasks: Task, rate: float) -> float:
        raise AssertionError("validation must not train")

    def evaluate(self, tasks: Task, kind: LossKind) -> float:
        assert kind == "after"
        self.turns.append(tasks)
        return float(len(self.turns))

    def state_dict(self) -> dict[str, dict[str, Tensor]]:
        return {}

    def load_state_dict(self, state: dict[str, dict[str, Tensor]]) -> None: ...


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 2, 33, 65, 100])
def test_ranks_validate_in_as_many_turns_and_share_all_tasks(world: int, count: int) -> None:
    the_stage = stage(validation_tasks=count)
    ranks = [Tallying() for _ in range(world)]
    losses = {validation_loss(the_stage, ranks[rank], TrainContext(rank, world)) for rank in range(world)}
    assert len({len(rank.turns) for rank in ranks}) == 1
    assert len(losses) == 1
    tasks = [select(turn, index) for rank in ranks for turn in rank.turns for index in range(num_tasks(turn))]
    assert the_stage.validation is not None
    expected = the_stage.validation.batch(0, range(count)).query["y"]
    drawn = torch.stack([task.query["y"] for task in tasks])
    assert len(tasks) == count
    assert torch.equal(drawn.flatten(1).sort(0).values, expected.flatten(1).sort(0).values)


def test_validation_is_the_mean_over_its_tasks() -> None:
    the_stage = stage(validation_tasks=70)
    step = local_step(the_stage)
    assert the_stage.validation is not None
    with torch.no_grad():
        mean = step.algorithm.losses(the_stage.validation.batch(0, range(70))).mean().item()
    assert validation_loss(the_stage, step, TrainContext()) == pytest.approx(mean, rel=1e-5)


class Sleepy(Pooled):
    """Takes its time in one mode of batching."""

    slow_mode = ""

    def batch_loss(self, tasks: Task, kind: LossKind) -> Tensor:
        if self.batching.mode == self.slow_mode:
            time.sleep(0.1)
        return super().batch_loss(tasks, kind)


@pytest.mark.parametrize(("slow", "fast"), [("vmap", "loop"), ("loop", "vmap")])
def test_the_faster_batching_is_taken_with_the_chunk_asked_for(slow: str, fast: str) -> None:
    algorithm = Sleepy(DOMAIN.base_learner(), PooledConfig(), Batching("auto", chunk=2))
    algorithm.slow_mode = slow
    chosen = measured_batching(algorithm, stage().tasks.batch(0, range(3)))
    assert (chosen.mode, chosen.chunk) == (fast, 2)


def test_waiting_for_a_file_that_never_comes_ends(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError, match="rank 1"):
        TrainContext(rank=1, world=2).wait_for(tmp_path / "never", timeout_s=0.1)


class Dealt:
    """A stream of tasks that is no sampler: the same few tasks at every step, whoever asks."""

    seed = 3

    def __init__(self, tasks: Task) -> None:
        self._tasks = tasks

    def batch(self, step: int, share: Sequence[int]) -> Task:
        return select(self._tasks, slice(share[0], share[-1] + 1))


def test_a_stage_takes_whatever_yields_tasks(tmp_path: Path) -> None:
    drawn = stage(tmp_path)
    dealt = replace(drawn, tasks=Dealt(drawn.tasks.batch(0, range(3))))
    lines: list[dict[str, Any]] = []
    train(dealt, local_step(dealt), TrainContext(report=lines.append, log_every=1))
    assert lines[0]["before"] > lines[-1]["before"]  # the same tasks again and again are learned
    assert load_tensors(tmp_path / "best.safetensors")
