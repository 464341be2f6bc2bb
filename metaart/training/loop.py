"""The training loop: the only one, whoever calls it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from metaart.algorithms import Batching, MetaAlgorithm
from metaart.config import StageConfig
from metaart.data.sampler import TaskSampler
from metaart.tasks import Task, num_tasks
from metaart.training.checkpoint import (
    load_checkpoint,
    newest_checkpoint,
    prune_checkpoints,
    save_checkpoint,
    save_tensors,
)
from metaart.training.step import OuterStep

Report = Callable[[dict[str, Any]], None]


class Interrupted(Exception):  # noqa: N818 - not an error: the run can go on
    """Training was asked to stop (SIGINT) and left a checkpoint."""


@dataclass(frozen=True)
class Stage:
    """What one stage trains on.

    Attributes:
        name: `pretrain` or `meta`.
        config: steps, rates, validation.
        sampler: training tasks.
        validation: validation tasks, or None.
        units: counts what a batch costs, for example tokens passed forward and backward.
    """

    name: str
    config: StageConfig
    sampler: TaskSampler
    validation: TaskSampler | None
    units: Callable[[Task], int]


@dataclass(frozen=True)
class Place:
    """Where the loop runs.

    Attributes:
        folder: of the stage; rank 0 writes there, all ranks read.
        rank: of this process among `world`.
        world: number of processes that share every batch.
        report: called with each line of metrics, on every rank.
        log_every: steps between lines.
        checkpoint_every: steps between checkpoints.
    """

    folder: Path
    rank: int = 0
    world: int = 1
    report: Report = field(default=lambda _: None)
    log_every: int = 20
    checkpoint_every: int = 200

    def wait_for(self, path: Path, timeout_s: float = 300.0) -> None:
        """Block until rank 0 has written a file that every rank goes on from.

        Raises:
            TimeoutError: it did not come.
        """
        deadline = time.monotonic() + timeout_s
        while not path.exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"rank {self.rank} waited {timeout_s:.0f} s for {path} from rank 0")
            time.sleep(0.05)


def train(stage: Stage, outer_step: OuterStep, place: Place) -> None:
    """Take the stage's steps, from its newest checkpoint if there is one.

    Task `i` of step `s` is the same for every number of ranks; rank r takes the tasks r, r + world, ... Where
    validation is on, `best.safetensors` holds the best validated weights; otherwise the last ones.

    Raises:
        Interrupted: SIGINT came; a checkpoint was written after the step at hand.
        FloatingPointError: the loss is no number any more.
    """
    config, best_path = stage.config, place.folder / "best.safetensors"
    checkpoints = place.folder / "checkpoints"
    progress: dict[str, Any] = {"step": 0, "best": None, "units": 0, "seconds": 0.0}
    newest = newest_checkpoint(checkpoints)
    if newest is not None:
        state, progress = load_checkpoint(newest)
        outer_step.load_state_dict(state)
    share = range(place.rank, config.tasks, place.world)
    started, done_before = time.monotonic() - progress["seconds"], progress["step"]
    clock = time.monotonic()

    def save() -> None:
        progress["seconds"] = time.monotonic() - started
        state = outer_step.state_dict()
        if place.rank == 0:
            save_checkpoint(checkpoints / f"step-{progress['step']:07d}", state, progress)
            prune_checkpoints(checkpoints)

    def keep_as_best() -> None:
        state = outer_step.state_dict()
        if place.rank == 0:
            place.folder.mkdir(parents=True, exist_ok=True)
            save_tensors(best_path, state["weights"])

    with _stop_requested() as stop:
        for step in range(done_before, config.steps):
            tasks = stage.sampler.batch(step, share)
            log = step % place.log_every == 0 or step + 1 == config.steps
            before = outer_step.evaluate(tasks, adapted=False) if log else None
            loss = outer_step(tasks, config.rate(step))
            if loss != loss:
                raise FloatingPointError(
                    f"the {stage.name} loss is not a number at step {step}: lower outer_lr or alpha, or set clip_norm"
                )
            progress["step"] = step + 1
            progress["units"] += stage.units(tasks) * place.world
            line: dict[str, Any] = {"stage": stage.name, "step": step + 1, "loss": loss}
            if log:
                steps_timed = min(place.log_every, step + 1 - done_before)
                elapsed, clock = time.monotonic() - clock, time.monotonic()
                line |= {"before": before, "units": progress["units"], "rate": config.rate(step)}
                line |= {"tasks_per_s": steps_timed * config.tasks / max(elapsed, 1e-9)}
            if _due(step, config.validate_every, config.steps) and stage.validation is not None:
                line["validation"] = validation_loss(stage, outer_step, place)
                if progress["best"] is None or line["validation"] < progress["best"]:
                    progress["best"] = line["validation"]
                    keep_as_best()
            if len(line) > 3:
                place.report(line)
            if stop.is_set():
                save()
                raise Interrupted(f"{stage.name} stopped after step {step + 1}")
            if _due(step, place.checkpoint_every, config.steps):
                save()
        if progress["best"] is None:
            keep_as_best()


def validation_loss(stage: Stage, outer_step: OuterStep, place: Place) -> float:
    """Mean query loss after adaptation over the stage's validation tasks, the same tasks every time."""
    assert stage.validation is not None
    indices = range(place.rank, max(stage.config.validation_tasks, place.world), place.world)
    total, count = 0.0, 0
    for first in range(0, len(indices), 32):
        tasks = stage.validation.batch(0, indices[first : first + 32])
        total += outer_step.evaluate(tasks, adapted=True) * num_tasks(tasks)
        count += num_tasks(tasks)
    return total / count


def _due(step: int, every: int, steps: int) -> bool:
    return every > 0 and ((step + 1) % every == 0 or step + 1 == steps)


@contextmanager
def _stop_requested() -> Iterator[threading.Event]:
    """An event that SIGINT sets; a second SIGINT interrupts at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    previous = signal.getsignal(signal.SIGINT)

    def handle(number: int, frame: Any) -> None:  # noqa: ARG001
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    signal.signal(signal.SIGINT, handle)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, previous)


def measured_batching(algorithm: MetaAlgorithm, tasks: Task) -> Batching:
    """`vmap` or `loop`, whichever takes this batch forward and backward faster on this machine.

    Each is tried once to warm up and twice to count; the better of the two counts.
    """
    parameters, seconds = list(algorithm.parameters()), {}
    for mode in ("vmap", "loop"):
        algorithm.batching = Batching(mode, algorithm.batching.chunk)  # type: ignore[arg-type]
        times = []
        for _ in range(3):
            start = time.perf_counter()
            torch.autograd.grad(algorithm(tasks), parameters, allow_unused=True)
            times.append(time.perf_counter() - start)
        seconds[algorithm.batching] = min(times[1:])
    return min(seconds, key=lambda batching: seconds[batching])
