"""The model behind the gateway: a trained run that takes orders in batches."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import torch
from ray import serve

from metaart.creation.creator import run_folder
from serve.arts import ARTS
from serve.orders import Answer


class Model:
    """One run, one process, one thread of torch. Ray Serve makes replicas of it.

    Args:
        run: run directory; the one that ships with the package if None.
        art: what it is a run of.
        batch_size: orders computed side by side, at most.
        batch_wait_s: how long a batch waits to fill, seconds.
        stuck_after_s: orders that wait so long while nothing is computed mean that the replica hangs, seconds.
    """

    def __init__(self, run: str | None, art: str, batch_size: int, batch_wait_s: float, stuck_after_s: float) -> None:
        torch.set_num_threads(1)
        self._carry_out = ARTS[art].opened(run)
        self._name = run_folder(run, art).name
        self._stuck_after_s = stuck_after_s
        self._waiting, self._computing, self._idle_since = 0, False, time.monotonic()
        self._batch.set_max_batch_size(batch_size)  # type: ignore[attr-defined]
        self._batch.set_batch_wait_timeout_s(batch_wait_s)  # type: ignore[attr-defined]

    async def create(self, order: Any) -> Answer:
        """Carry out one order, together with others that wait."""
        if not self._waiting:
            self._idle_since = time.monotonic()
        self._waiting += 1
        try:
            answer: Answer = await self._batch(order)
            return answer
        finally:
            self._waiting -= 1

    async def ready(self) -> str:
        """The name of the run; answered only once it is loaded."""
        return self._name

    async def check_health(self) -> None:
        """Called by Ray Serve, which replaces a replica that raises: one whose batches stand still must not stay."""
        idle_s = time.monotonic() - self._idle_since
        if self._waiting and not self._computing and idle_s > self._stuck_after_s:
            raise RuntimeError(f"{self._waiting} orders wait and none has been computed for {idle_s:.0f} s")

    @serve.batch
    async def _batch(self, orders: list[Any]) -> list[Answer]:
        self._computing = True
        try:
            # In a thread, so that health checks and cancellations are heard meanwhile.
            return await asyncio.to_thread(self._carry_out, orders)
        finally:
            self._computing, self._idle_since = False, time.monotonic()
