"""The model behind the gateway: a trained run that takes orders in batches."""

from __future__ import annotations

import asyncio
import time

import torch
from ray import serve

from metaart.artists.art import Art
from metaart.arts import ARTS, load
from metaart.domains import DOMAINS, RegisteredDomain
from serve.orders import Answer, Asked, Order, carry_out_wanted
from serve.pulse import Pulse


class Replica:
    """One run, one process, one thread of torch. Ray Serve makes as many as there is load for.

    Args:
        art: what the run is of.
        domain: what it learned.
        run: run directory; the one that ships with the package if None.
        batch_size: orders computed side by side, at most.
        batch_wait_s: how long a batch waits to fill, seconds.
        idle_s: orders that wait so long while nothing is computed mean that the replica hangs, seconds.
        busy_s: so does a batch that is computed so long, seconds.
    """

    def __init__(
        self, art: Art, domain: RegisteredDomain, run: str | None, batch_size: int, batch_wait_s: float, idle_s: float,
        busy_s: float,
    ) -> None:  # fmt: skip
        torch.set_num_threads(1)
        # The process that started the service may have registered arts that this one, a new one, knows nothing of.
        ARTS.setdefault(art.name, art)
        DOMAINS.setdefault(art.name, domain)
        self._run = load(run, art.name)
        self._pulse = Pulse(idle_s, busy_s)
        self._batch.set_max_batch_size(batch_size)  # type: ignore[attr-defined]
        self._batch.set_batch_wait_timeout_s(batch_wait_s)  # type: ignore[attr-defined]

    async def create(self, order: Order, within_s: float) -> Answer:
        """Carry out one order, together with others that wait, if its turn comes within so many seconds."""
        asked = Asked(order, time.monotonic() + within_s)
        with self._pulse.order():
            try:
                answer: Answer = await self._batch(asked)
                return answer
            finally:
                asked.abandoned = True

    async def check_health(self) -> None:
        """Called by Ray Serve, which replaces a replica that raises: one whose batches stand still must not stay."""
        self._pulse.check()

    @serve.batch
    async def _batch(self, asked: list[Asked]) -> list[Answer]:
        with self._pulse.batch():
            # In a thread, so that health checks and cancellations are heard meanwhile.
            return await asyncio.to_thread(carry_out_wanted, self._run, asked)
