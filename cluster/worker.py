"""What each Ray Train worker does: the library's one training loop, with a DeepSpeed engine for its step."""

from __future__ import annotations

import dataclasses
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from cluster.config import ClusterConfig
from cluster.storage import PATIENCE_S, Storage
from cluster.stored import StoredRun, bring_run
from cluster.watch import Beacon
from metaart.algorithms import MetaAlgorithm
from metaart.config import RunConfig, StageConfig
from metaart.training.context import Interrupted, TrainContext
from metaart.training.journal import Journal
from metaart.training.loop import Diverged
from metaart.training.plan import plan_run
from metaart.training.run import train_run
from metaart.training.step import OuterStep

STOP = "stop-requested"
"""A file in the run directory; while it is there, workers leave a checkpoint after the step at hand and stop."""


@dataclass(frozen=True)
class Assignment:
    """What a worker is to do; it travels to its process, which builds the rest from it.

    Attributes:
        config: of the run; its paths are absolute.
        cluster: who trains.
        folder: the run directory, absolute, that all workers see; unused where there is a storage.
        storage: URL of where the run is kept instead; empty if it is not.
        watch: handle of the actor `cluster.watch.Watch`, or None.
    """

    config: RunConfig
    cluster: ClusterConfig
    folder: Path
    storage: str = ""
    watch: Any = None


def train_worker(settings: dict[str, Any]) -> Exception | None:
    """Train one rank's share of {"assignment": Assignment} to the end.

    Returns:
        What ended it early on all ranks alike, so that starting again would not help: `Interrupted` or `Diverged`.
    """
    import ray.train
    import ray.train.torch
    from torch import distributed

    from cluster.signals import Signals

    assignment: Assignment = settings["assignment"]
    device = ray.train.torch.get_device()
    os.environ["DS_ACCELERATOR"] = device.type  # before DeepSpeed is imported, which looks for hardware of its own
    if device.type == "cuda":  # DeepSpeed's way to be told the device; Ray may have given this worker any of them
        os.environ["LOCAL_RANK"] = str(device.index)
    from cluster.engine import EngineStep

    torch.set_num_threads(assignment.cluster.cpus_per_worker)
    rank, world = distributed.get_rank(), distributed.get_world_size()

    def make_step(algorithm: MetaAlgorithm, stage: StageConfig) -> OuterStep:
        return EngineStep(algorithm, stage, assignment.cluster.deepspeed, str(device))

    with ExitStack() as stack:
        folder, context = stack.enter_context(_run_directory(assignment, rank))
        signals = Signals(rank, _asked_to_stop(assignment, folder), device)
        if assignment.watch is not None:
            beacon = stack.enter_context(Beacon(assignment.watch, rank, ray.util.get_current_placement_group()))
            context = dataclasses.replace(context, begin=beacon.begin)
        context = dataclasses.replace(
            context,
            world=world,
            device=str(device),
            stop=signals.stop,
            save=signals.save,
            agreed=signals.agreed,
        )
        if assignment.cluster.least_workers:
            context.report(
                {"stage": "cluster", "step": 0, "note": f"{world} of up to {assignment.cluster.workers} workers"}
            )
        try:
            train_run(plan_run(assignment.config, folder), context, make_step)
        except (Interrupted, Diverged) as end:
            return end
    return None


@contextmanager
def _run_directory(assignment: Assignment, rank: int) -> Iterator[tuple[Path, TrainContext]]:
    """The run directory of a rank, that all share or a copy of what a storage keeps, and how it is written to."""
    context = TrainContext.of(assignment.config, rank=rank, keep_best=assignment.cluster.keep_best)
    if not assignment.storage:
        with Journal(assignment.folder, {}, rank=rank, show=False) as journal:
            yield assignment.folder, dataclasses.replace(context, report=journal)
        return
    storage = Storage(assignment.storage, PATIENCE_S)
    with tempfile.TemporaryDirectory(prefix="metaart-") as name:
        folder = Path(name)
        bring_run(storage, folder)
        sharing = StoredRun(storage, folder, rank)
        with ExitStack() as stack:
            stack.callback(sharing.send_journal)  # when it has been closed, which draws the curves
            journal = stack.enter_context(Journal(folder, {}, rank=rank, show=False))

            def report(line: dict[str, Any]) -> None:
                journal(line)
                sharing.send_metrics()

            yield folder, dataclasses.replace(context, report=report, sharing=sharing)


def _asked_to_stop(assignment: Assignment, folder: Path) -> Callable[[], bool]:
    """Whether the driver wishes that training stops; a storage is asked once a second at most."""
    if not assignment.storage:
        return (folder / STOP).exists
    storage, last = Storage(assignment.storage), [0.0]

    def asked() -> bool:
        if time.monotonic() - last[0] < 1.0:
            return False
        last[0] = time.monotonic()
        try:
            return storage.exists(STOP)
        except OSError:  # it is away; that is no reason to stop
            return False

    return asked
