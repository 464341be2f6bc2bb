"""The training loop: the only one, whoever calls it."""

from __future__ import annotations

import itertools
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from metaart.algorithms import Batching, MetaAlgorithm
from metaart.config import StageConfig
from metaart.data.sampler import TaskSampler
from metaart.errors import UserError
from metaart.tasks import Task, num_tasks, to_device
from metaart.training.checkpoint import (
    checkpoints,
    load_checkpoint,
    prune_checkpoints,
    remove_partials,
    save_checkpoint,
    save_tensors,
)
from metaart.training.sharing import SharedFolder, Sharing
from metaart.training.step import OuterStep

Report = Callable[[dict[str, Any]], None]


class Interrupted(Exception):
    """Training was asked to stop (SIGINT) and left a checkpoint."""


class Diverged(UserError):
    """The loss left the finite numbers; the last checkpoint holds weights from before."""


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
        keep_best: checkpoints that are kept, besides the two newest, because they validated best.
        begin: called with stage and step (from 1) before each step, on every rank.
        stop: asked after each step, on every rank; all ranks get the same answer. True leaves a checkpoint and stops.
        save: asked then too, in the same way. True leaves a checkpoint and goes on.
        agreed: whether all ranks go on from this step; asked once, on every rank.
        device: where to compute.
        sharing: how what rank 0 writes into the folder reaches the others.
    """

    folder: Path
    rank: int = 0
    world: int = 1
    report: Report = field(default=lambda _: None)
    log_every: int = 20
    checkpoint_every: int = 200
    keep_best: int = 0
    begin: Callable[[str, int], None] = field(default=lambda _stage, _step: None)
    stop: Callable[[], bool] = field(default=lambda: False)
    save: Callable[[], bool] = field(default=lambda: False)
    agreed: Callable[[int], bool] = field(default=lambda _step: True)
    device: str = "cpu"
    sharing: Sharing = field(default_factory=SharedFolder)

    def wait_for(self, path: Path, timeout_s: float = 300.0) -> None:
        """Block until rank 0 has written a file that every rank goes on from.

        Raises:
            TimeoutError: it did not come.
        """
        deadline = time.monotonic() + timeout_s
        while not self.sharing.seek(path):
            if time.monotonic() > deadline:
                raise TimeoutError(f"rank {self.rank} waited {timeout_s:.0f} s for {path} from rank 0")
            time.sleep(0.05)


def train(stage: Stage, outer_step: OuterStep, place: Place) -> None:
    """Take the stage's steps, from its newest checkpoint if there is one.

    Task `i` of step `s` is the same for every number of ranks; rank r takes the tasks r, r + world, ... PyTorch's
    generators start every step from (seed, step, rank) too, so that a resumed run needs no state of theirs. Where
    validation is on, `best.safetensors` holds the best validated weights; otherwise the last ones.

    Raises:
        Interrupted: SIGINT came or `place.stop` said so; a checkpoint was written after the step at hand.
        Diverged: a loss or a weight is no finite number any more.
    """
    config, share = stage.config, range(place.rank, stage.config.tasks, place.world)
    progress = _progress(stage, outer_step, place)
    if not place.agreed(progress["step"]):
        raise RuntimeError(f"rank {place.rank} goes on from step {progress['step']} of {stage.name}, others do not")
    started, logged, clock = time.monotonic() - progress["seconds"], progress["step"], time.monotonic()

    with stop_on_sigint() as sigint, torch.random.fork_rng():
        for step in range(progress["step"], config.steps):
            place.begin(stage.name, step + 1)
            _seed_generators(stage, step, place)
            tasks = stage.sampler.batch(step, share)
            log = step % place.log_every == 0 or step + 1 == config.steps
            before = outer_step.evaluate(tasks, adapted=False) if log else None
            loss = _finite(outer_step(tasks, config.rate(step)), stage, step)
            units = stage.units(tasks) * config.tasks // max(1, num_tasks(tasks))  # of all ranks, judged by this one's
            progress |= {"step": step + 1, "units": progress["units"] + units, "validation": None}
            line: dict[str, Any] = {"stage": stage.name, "step": step + 1, "loss": loss}
            if log:
                elapsed, clock = time.monotonic() - clock, time.monotonic()
                line |= {"before": before, "units": progress["units"], "rate": config.rate(step)}
                line |= {"tasks_per_s": (step + 1 - logged) * config.tasks / max(elapsed, 1e-9)}
                logged = step + 1
            if _due(step, config.validate_every, config.steps) and stage.validation is not None:
                line["validation"] = _finite(validation_loss(stage, outer_step, place), stage, step)
                progress["validation"] = line["validation"]
                if progress["best"] is None or line["validation"] < progress["best"]:
                    progress["best"] = line["validation"]
                    _keep_as_best(stage, outer_step, place, step)
            if len(line) > 3:
                place.report(line)
            stop, save = place.stop() or sigint.is_set(), place.save()
            if stop or save or _due(step, place.checkpoint_every, config.steps):
                progress["seconds"] = time.monotonic() - started
                _save(stage, outer_step, place, progress)
            if stop:
                raise Interrupted(f"{stage.name} stopped after step {step + 1}")
        if progress["best"] is None:
            _keep_as_best(stage, outer_step, place, config.steps - 1)


def validation_loss(stage: Stage, outer_step: OuterStep, place: Place) -> float:
    """Mean query loss after adaptation over the stage's validation tasks, the same tasks every time.

    They are taken some 32 at a time, every rank in the same number of turns: an evaluation is a joint one.
    """
    assert stage.validation is not None
    count = stage.config.validation_tasks
    turns = math.ceil(count / 32)
    bounds = [count * turn // turns for turn in range(turns + 1)]
    total = 0.0
    for first, end in itertools.pairwise(bounds):
        tasks = stage.validation.batch(0, range(first + place.rank, end, place.world))
        total += outer_step.evaluate(tasks, adapted=True) * (end - first)
    return total / count


def _progress(stage: Stage, outer_step: OuterStep, place: Place) -> dict[str, Any]:
    """Where the newest whole checkpoint leaves off; a damaged one is passed over, and that is said.

    Raises:
        UserError: all checkpoints are damaged.
    """
    if place.rank == 0:
        remove_partials(place.folder)
    damaged: UserError | None = None
    for path in reversed(checkpoints(place.folder / "checkpoints")):
        try:
            state, progress = load_checkpoint(path)
        except UserError as error:
            damaged = error
            place.report({"stage": stage.name, "step": 0, "note": f"passed over {path.name}: {error.got}"})
            continue
        outer_step.load_state_dict(state)
        return progress
    if damaged is not None:
        raise damaged
    return {"step": 0, "best": None, "units": 0, "seconds": 0.0}


def _seed_generators(stage: Stage, step: int, place: Place) -> None:
    sequence = np.random.SeedSequence([stage.sampler.seed, step, place.rank])
    torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0]))


def _save(stage: Stage, outer_step: OuterStep, place: Place, progress: dict[str, Any]) -> None:
    state = _finite_state(stage, outer_step, progress["step"] - 1)
    folder = place.folder / "checkpoints"
    path = folder / f"step-{progress['step']:07d}"
    if place.rank == 0:
        save_checkpoint(path, state, progress)
    place.sharing.send(path)
    if place.rank == 0:
        for deleted in prune_checkpoints(folder, best=place.keep_best):
            place.sharing.drop(deleted)


def _keep_as_best(stage: Stage, outer_step: OuterStep, place: Place, step: int) -> None:
    state = _finite_state(stage, outer_step, step)
    if place.rank == 0:
        place.folder.mkdir(parents=True, exist_ok=True)
        save_tensors(place.folder / "best.safetensors", state["weights"])
    place.sharing.send(place.folder / "best.safetensors")


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


@contextmanager
def stop_on_sigint() -> Iterator[threading.Event]:
    """An event that SIGINT sets; a second SIGINT interrupts at once. Outside the main thread nothing sets it."""
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


def measured_batching(algorithm: MetaAlgorithm, tasks: Task, device: str = "cpu") -> Batching:
    """`vmap` or `loop`, whichever takes this batch forward and backward faster on this device.

    Each is tried once to warm up and twice to count; the better of the two counts.
    """
    algorithm, tasks = algorithm.to(device), to_device(tasks, device)
    parameters, seconds = list(algorithm.parameters()), {}
    for mode in ("vmap", "loop"):
        algorithm.batching = Batching(mode, algorithm.batching.chunk)
        times = []
        for _ in range(3):
            start = time.perf_counter()
            torch.autograd.grad(algorithm(tasks), parameters, allow_unused=True)
            if torch.device(device).type == "cuda":
                torch.cuda.synchronize(device)
            times.append(time.perf_counter() - start)
        seconds[algorithm.batching] = min(times[1:])
    return min(seconds, key=lambda batching: seconds[batching])
