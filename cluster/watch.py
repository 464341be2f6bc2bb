"""A watchdog: which worker hangs, at which step and in which line, and its end so that the group starts again.

It also gives back what a group holds whose controller died.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any, Self

EVERY_S = 1.0
SILENT_S = 15.0
START_S = 900.0
"""Before the first step: importing and starting takes as long as it takes on a busy machine."""
WAITING = ("torch/distributed/", "deepspeed/comm/")
"""Code in which a worker waits for the others."""


@dataclass(frozen=True)
class Beat:
    """What a worker says of itself once a second.

    Attributes:
        stage: of training; empty before the first step.
        step: at hand, from 1.
        where: line that its training thread is in.
        waits: whether it waits there for the other workers.
        group: Ray's placement group that its resources are from.
    """

    stage: str
    step: int
    where: str
    waits: bool
    group: Any = None


class Watch:
    """Takes the beats of all workers of a run; a Ray actor, held by the driver.

    Args:
        hang_s: seconds without a step of any worker that are too many; with 0 nothing hangs.
    """

    def __init__(self, hang_s: float) -> None:
        self._hang_s = hang_s
        self._beats: dict[str, tuple[int, Beat, float]] = {}
        self._reached, self._since, self._found = ("", 0), time.monotonic(), ""

    def beat(self, worker: str, rank: int, beat: Beat) -> bool:
        """Take one; True tells the worker to end itself, because some worker of its group hangs."""
        now = time.monotonic()
        if worker not in self._beats and (
            any(seen == rank for seen, _, _ in self._beats.values())
            or all(now - at > SILENT_S for _, _, at in self._beats.values())
        ):
            # The group was started again, perhaps as a larger one; nothing of the one before counts.
            self._beats, self._found = {}, ""
            self._reached, self._since = ("", 0), now
        self._beats[worker] = (rank, beat, now)
        # Workers take steps together: one that begins another means that none hangs.
        if (beat.stage, beat.step) != self._reached:
            self._reached, self._since = (beat.stage, beat.step), now
        return bool(self._found)

    def hanging(self) -> str:
        """Who hangs, at which step and where; empty while all is well. Once said, workers are told to end."""
        now = time.monotonic()
        patience = self._hang_s if self._reached[0] else max(self._hang_s, START_S)
        if not self._hang_s or self._found or not self._beats or now - self._since < patience:
            return ""
        silent = [(rank, beat) for rank, beat, at in self._beats.values() if now - at > SILENT_S]
        busy = [(rank, beat) for rank, beat, _ in self._beats.values() if not beat.waits]
        # Whoever does not answer, or else whoever keeps the others waiting; if all wait for each other, all are named.
        guilty = silent or busy or [(rank, beat) for rank, beat, _ in self._beats.values()]
        self._found = "; ".join(
            f"rank {rank} hangs at {beat.stage or 'the start'} step {beat.step}, "
            + ("and does not answer, last seen " if silent else "")
            + f"in {beat.where}"
            for rank, beat in sorted(guilty, key=lambda entry: entry[0])
        )
        return self._found

    def groups(self) -> list[Any]:
        """The placement groups of the workers that were heard of last."""
        return [beat.group for _, beat, _ in self._beats.values() if beat.group is not None]


class Watchdog:
    """The driver's side: an actor `Watch` on the driver's machine, which outlives those that it watches.

    Args:
        hang_s: seconds without a step that are too many; with 0 nothing hangs.
    """

    def __init__(self, hang_s: float) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self.actor: Any = ray.remote(Watch).options(num_cpus=0, scheduling_strategy=here).remote(hang_s)
        self._asked = 0.0

    def hanging(self) -> str:
        """See `Watch.hanging`; asked once a second at most. A watch that is slow or gone has nothing to say."""
        if time.monotonic() - self._asked < EVERY_S:
            return ""
        self._asked = time.monotonic()
        import ray

        with contextlib.suppress(ray.exceptions.RayError):
            return str(ray.get(self.actor.hanging.remote(), timeout=30))
        return ""

    def close(self) -> None:
        """End the actor, and what is left of the workers.

        A controller that was killed leaves its placement group behind, and a run that is resumed on the same Ray would
        wait for those cores for ever. Ray Train's own cleaner removes it only where there is an API server to ask.
        """
        import ray

        with contextlib.suppress(Exception):  # Ray itself may be gone
            groups = ray.get(self.actor.groups.remote(), timeout=30)
            ray.kill(self.actor)
            for group in groups:
                ray.util.remove_placement_group(group)


class Beacon:
    """Sends a worker's beats from a thread of its own while a context lasts.

    Args:
        watch: handle of the actor `Watch`.
        rank: of this worker.
        group: Ray's placement group that the worker's resources are from.
    """

    def __init__(self, watch: Any, rank: int, group: Any = None) -> None:
        self._watch, self._rank, self._group = watch, rank, group
        self._training = threading.get_ident()
        self._at, self._done = ("", 0), threading.Event()

    def begin(self, stage: str, step: int) -> None:
        """Say which step begins."""
        self._at = (stage, step)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._send, daemon=True, name="beacon")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join(timeout=5)

    def _send(self) -> None:
        import ray

        # New with every start: ranks and numbers of processes come again.
        worker = f"{self._rank}-{os.getpid()}-{time.monotonic_ns()}"
        while True:
            frame = sys._current_frames().get(self._training)
            beat = Beat(*self._at, *_line(frame), self._group)
            with contextlib.suppress(Exception):  # a driver that is gone or slow is no reason to stop training
                if ray.get(self._watch.beat.remote(worker, self._rank, beat), timeout=30):
                    # Nothing gentler reaches a thread that waits inside a collective.
                    os.kill(os.getpid(), signal.SIGKILL)
            if self._done.wait(EVERY_S):
                return


def _line(frame: FrameType | None) -> tuple[str, bool]:
    """The innermost line of ours in a stack, or else the innermost, and whether it waits for other workers."""
    lines = []
    while frame is not None:
        lines.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    if not lines:
        return "no line", False
    # Only the innermost calls say what a worker does now.
    waits = any(part in file for file, _ in lines[:6] for part in WAITING)
    ours = [(file, line) for file, line in lines if "/site-packages/" not in file and "/lib/python" not in file]
    file, line = (ours or lines)[0]
    return f"{'/'.join(file.split('/')[-3:])}:{line}", waits
