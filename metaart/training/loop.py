"""The training loop: the only one, whoever calls it."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from metaart.config import StageConfig
from metaart.errors import UserError
from metaart.tasks import Task, TaskStream, num_tasks
from metaart.training.checkpoint import (
    checkpoints,
    load_checkpoint,
    prune_checkpoints,
    remove_partials,
    save_checkpoint,
    save_tensors,
)
from metaart.training.context import Interrupted, TrainContext, stop_on_sigint
from metaart.training.step import OuterStep

BEST = "best.safetensors"
VALIDATED_AT_ONCE = 32
"""Tasks of one turn of a validation: so many fit where a training step of the usual size does."""


class Diverged(UserError):
    """The loss left the finite numbers; the last checkpoint holds weights from before."""


@dataclass(frozen=True)
class Stage:
    """What one stage trains on.

    Attributes:
        name: `pretrain` or `meta`.
        config: steps, rates, validation.
        folder: where its checkpoints and best weights go; rank 0 writes there, all ranks read.
        tasks: to train on.
        validation: tasks to validate on, or None.
        units: counts what a batch costs, for example tokens passed forward and backward.
    """

    name: str
    config: StageConfig
    folder: Path
    tasks: TaskStream
    validation: TaskStream | None
    units: Callable[[Task], int]


def train(stage: Stage, outer_step: OuterStep, context: TrainContext) -> None:
    """Take the stage's steps, from its newest checkpoint if there is one.

    Task `i` of step `s` is the same for every number of ranks; rank r takes the tasks r, r + world, ... PyTorch's
    generators start every step from (seed, step, rank) too, so that a resumed run needs no state of theirs. Where
    validation is on, `best.safetensors` holds the best validated weights; otherwise the last ones.

    Raises:
        Interrupted: SIGINT came or `context.stop` said so; a checkpoint was written after the step at hand.
        Diverged: a loss or a weight is no finite number any more.
    """
    config = stage.config
    progress = _progress(stage, outer_step, context)
    # Ranks that go on from different checkpoints would wait for each other at different steps, for ever.
    if not context.agreed(progress["step"]):
        raise RuntimeError(f"rank {context.rank} goes on from step {progress['step']} of {stage.name}, others do not")
    started, pace = time.monotonic() - progress["seconds"], _Pace(progress["step"])

    with stop_on_sigint() as sigint, torch.random.fork_rng():
        for step in range(progress["step"], config.steps):
            context.begin(stage.name, step + 1)
            _seed_generators(stage, step, context)
            tasks = stage.tasks.batch(step, context.share(0, config.tasks))
            log = step % context.log_every == 0 or step + 1 == config.steps
            before = outer_step.evaluate(tasks, "before") if log else None  # of the weights that this step begins with
            loss = _finite(outer_step(tasks, config.rate(step)), stage, step)
            progress |= {"step": step + 1, "units": progress["units"] + _units(stage, tasks), "validation": None}
            line: dict[str, Any] = {"stage": stage.name, "step": step + 1, "loss": loss}
            if log:
                line |= {"before": before, "units": progress["units"], "rate": config.rate(step)}
                line |= {"tasks_per_s": pace.steps_per_s(step + 1) * config.tasks}
            validated = _due(step, config.validate_every, config.steps) and stage.validation is not None
            if validated:
                line["validation"] = _validate(stage, outer_step, context, progress)
            if log or validated:
                context.report(line)
            # Both are asked at every step, as all ranks must ask the same things in the same order.
            stop, save = context.stop() or sigint.is_set(), context.save()
            if stop or save or _due(step, context.checkpoint_every, config.steps):
                progress["seconds"] = time.monotonic() - started
                _save(stage, outer_step, context, progress)
            if stop:
                raise Interrupted(f"{stage.name} stopped after step {step + 1}")
        if progress["best"] is None:  # nothing was validated: the last weights are the best known
            _keep_as_best(stage, outer_step, context, config.steps - 1)


class _Pace:
    """How fast steps go, from one line of metrics to the next."""

    def __init__(self, step: int) -> None:
        self._step, self._at = step, time.monotonic()

    def steps_per_s(self, step: int) -> float:
        """Since the last call, or since it was made; `step` is the number of steps taken."""
        now = time.monotonic()
        rate = (step - self._step) / max(now - self._at, 1e-9)
        self._step, self._at = step, now
        return rate


def validation_loss(stage: Stage, outer_step: OuterStep, context: TrainContext) -> float:
    """Mean query loss after adaptation over the stage's validation tasks, the same tasks every time.

    They are taken some 32 at a time, every rank in the same number of turns: an evaluation is a joint one.
    """
    assert stage.validation is not None
    count = stage.config.validation_tasks
    turns = math.ceil(count / VALIDATED_AT_ONCE)
    bounds = [count * turn // turns for turn in range(turns + 1)]
    total = 0.0
    for first, end in itertools.pairwise(bounds):
        tasks = stage.validation.batch(0, context.share(first, end))
        total += outer_step.evaluate(tasks, "after") * (end - first)
    return total / count


def _validate(stage: Stage, outer_step: OuterStep, context: TrainContext, progress: dict[str, Any]) -> float:
    """The validation loss of the step just taken; the weights are kept where none was lower before."""
    step = progress["step"] - 1
    loss = _finite(validation_loss(stage, outer_step, context), stage, step)
    progress["validation"] = loss
    if progress["best"] is None or loss < progress["best"]:
        progress["best"] = loss
        _keep_as_best(stage, outer_step, context, step)
    return loss


def _units(stage: Stage, tasks: Task) -> int:
    """What a step costs on all ranks together, judged by this rank's share: the others' tasks are not looked at."""
    return stage.units(tasks) * stage.config.tasks // max(1, num_tasks(tasks))


def _progress(stage: Stage, outer_step: OuterStep, context: TrainContext) -> dict[str, Any]:
    """Where the newest whole checkpoint leaves off; a damaged one is passed over, and that is said.

    Raises:
        UserError: all checkpoints are damaged.
    """
    if context.rank == 0:
        remove_partials(stage.folder)
    damaged: UserError | None = None
    for path in reversed(checkpoints(stage.folder / "checkpoints")):
        try:
            state, progress = load_checkpoint(path)
        except UserError as error:
            damaged = error
            context.report({"stage": stage.name, "step": 0, "note": f"passed over {path.name}: {error.got}"})
            continue
        outer_step.load_state_dict(state)
        return progress
    if damaged is not None:
        raise damaged
    return {"step": 0, "best": None, "units": 0, "seconds": 0.0}


def _seed_generators(stage: Stage, step: int, context: TrainContext) -> None:
    # Not from the step before: a run that begins anew at any step draws what one that never stopped draws there.
    sequence = np.random.SeedSequence([stage.tasks.seed, step, context.rank])
    torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0]))


def _save(stage: Stage, outer_step: OuterStep, context: TrainContext, progress: dict[str, Any]) -> None:
    state = _finite_state(stage, outer_step, progress["step"] - 1)
    folder = stage.folder / "checkpoints"
    path = folder / f"step-{progress['step']:07d}"
    if context.rank == 0:
        save_checkpoint(path, state, progress)
    context.sharing.send(path)
    if context.rank == 0:
        for deleted in prune_checkpoints(folder, best=context.keep_best):
            context.sharing.drop(deleted)


def _keep_as_best(stage: Stage, outer_step: OuterStep, context: TrainContext, step: int) -> None:
    state = _finite_state(stage, outer_step, step)
    if context.rank == 0:
        stage.folder.mkdir(parents=True, exist_ok=True)
        save_tensors(stage.folder / BEST, state["weights"])
    context.sharing.send(stage.folder / BEST)


def _finite(loss: float, stage: Stage, step: int) -> float:
    if not math.isfinite(loss):
        raise Diverged(
            expected=f"the {stage.name} loss to stay finite",
            got=f"{loss} at step {step + 1}",
            fix=f"Lower {stage.name}.outer_lr or algorithm.alpha, or set {stage.name}.clip_norm, in a new run.",
        )
    return loss


def _finite_state(stage: Stage, outer_step: OuterStep, step: int) -> dict[str, dict[str, Tensor]]:
    state = outer_step.state_dict()
    if not all(bool(value.isfinite().all()) for value in state["weights"].values()):
        _finite(math.nan, stage, step)
    return state


def _due(step: int, every: int, steps: int) -> bool:
    return every > 0 and ((step + 1) % every == 0 or step + 1 == steps)
