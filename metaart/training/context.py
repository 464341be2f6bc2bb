"""Where training runs: which share of the work is this process's, and whom it reports to and asks."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metaart.config import RunConfig
from metaart.training.sharing import SharedFolder, Sharing

Report = Callable[[dict[str, Any]], None]


class Interrupted(Exception):
    """Training was asked to stop (SIGINT) and left a checkpoint."""


@dataclass(frozen=True)
class TrainContext:
    """Where the loop runs; by itself: one process, which nobody stops and nobody listens to.

    Attributes:
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
        sharing: how what rank 0 writes into the run directory reaches the others.
    """

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

    @classmethod
    def of(cls, config: RunConfig, **settings: Any) -> TrainContext:
        """One that logs and writes checkpoints as often as a run asks."""
        return cls(log_every=config.log_every, checkpoint_every=config.checkpoint_every, **settings)

    def share(self, first: int, end: int) -> range:
        """The indices of this rank's tasks among those from `first` to below `end`."""
        return range(first + self.rank, end, self.world)

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


@contextmanager
def stop_on_sigint() -> Iterator[threading.Event]:
    """An event that SIGINT sets; a second SIGINT interrupts at once. Outside the main thread nothing sets it."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # Python hands signals to the main thread alone
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
