"""What the ranks of a run tell each other between steps: that training is to stop, or that a machine is about to go."""

from __future__ import annotations

import time
from collections.abc import Callable

import ray.train
import torch
from torch import distributed

LOOK_EVERY_S = 5.0


class Signals:
    """Answers of which each is the same on every rank; every rank asks for the same ones in the same order.

    Args:
        rank: of this worker; rank 0 decides.
        asked: whether the driver wishes that training stops; called on rank 0 alone.
        device: that the ranks talk through.
    """

    def __init__(self, rank: int, asked: Callable[[], bool], device: torch.device) -> None:
        self._rank, self._asked, self._device = rank, asked, device
        self._look, self._looked, self._saved_for = False, time.monotonic(), ""

    def stop(self) -> bool:
        """Whether to leave a checkpoint and stop; the same message says whether `save` is to look."""
        look = self._rank == 0 and time.monotonic() - self._looked > LOOK_EVERY_S
        message = torch.tensor([float(self._rank == 0 and self._asked()), float(look)], device=self._device)
        distributed.broadcast(message, src=0)
        stop, self._look = (bool(word) for word in message)
        return stop

    def save(self) -> bool:
        """Whether a machine of the run is about to be taken away: once a notice, looked for every few seconds."""
        if not self._look:
            return False
        self._looked = time.monotonic()
        notice = ray.train.get_preemption_info()
        new = notice is not None and str(notice) != self._saved_for
        self._saved_for = str(notice)
        return new

    def agreed(self, step: int) -> bool:
        """Whether every rank goes on from this step; else one of them could not read what the others read."""
        steps = torch.tensor([float(step), -float(step)], dtype=torch.float64, device=self._device)
        distributed.all_reduce(steps, distributed.ReduceOp.MAX)
        return bool(steps[0] == -steps[1])
