"""The model behind the gateway: a trained run that takes orders in batches."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any

import torch
from ray import serve

from metaart.creation.creator import Creator
from metaart.errors import UserError
from metaart.tasks import Examples, Params

LOG = logging.getLogger("ray.serve")


@dataclass(frozen=True)
class Order:
    """What one request asks of a model, checked and ready to compute.

    Attributes:
        support: the examples to adapt to.
        wish: what to create, in the art's own terms (`ComposeRequest`).
        steps: adaptation steps; the number the run was trained for if None.
    """

    support: Examples
    wish: Any
    steps: int | None = None


@dataclass(frozen=True)
class Failed:
    """An order that broke the model in a way nobody foresaw; the log has the traceback."""

    reason: str


Answer = bytes | UserError | Failed
"""What becomes of an order. Errors are values: an exception inside a batch would be everybody's."""


class Model:
    """One run, one process, one thread of torch. Ray Serve makes replicas of it.

    Args:
        run: run directory; the one that ships with the package if None.
        art: whose shipped run.
        batch_size: orders computed side by side, at most.
        batch_wait_s: how long a batch waits to fill, seconds.
        stuck_after_s: orders that wait so long while nothing is computed mean that the replica hangs, seconds.
    """

    def __init__(self, run: str | None, art: str, batch_size: int, batch_wait_s: float, stuck_after_s: float) -> None:
        torch.set_num_threads(1)
        self._creator = Creator(run, art)
        self._stuck_after_s = stuck_after_s
        self._waiting, self._computing, self._idle_since = 0, False, time.monotonic()
        self._batch.set_max_batch_size(batch_size)  # type: ignore[attr-defined]
        self._batch.set_batch_wait_timeout_s(batch_wait_s)  # type: ignore[attr-defined]

    async def create(self, order: Order) -> Answer:
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
        return self._creator.run.name

    async def check_health(self) -> None:
        """Called by Ray Serve, which replaces a replica that raises: one whose batches stand still must not stay."""
        idle_s = time.monotonic() - self._idle_since
        if self._waiting and not self._computing and idle_s > self._stuck_after_s:
            raise RuntimeError(f"{self._waiting} orders wait and none has been computed for {idle_s:.0f} s")

    @serve.batch
    async def _batch(self, orders: list[Order]) -> list[Answer]:
        self._computing = True
        try:
            # In a thread, so that health checks and cancellations are heard meanwhile.
            return await asyncio.to_thread(carry_out, self._creator, orders)
        finally:
            self._computing, self._idle_since = False, time.monotonic()


def carry_out(creator: Creator, orders: list[Order]) -> list[Answer]:
    """Adapt to each order in turn, then create all together; never raises, whatever an order holds."""
    answers: list[Answer] = [Failed("not begun")] * len(orders)
    adapted: dict[int, Params] = {}
    for place, order in enumerate(orders):
        try:
            adapted[place] = creator.adapt(order.support, order.steps)
        except Exception as error:
            answers[place] = _as_value(error)
    try:
        made = creator.render(list(adapted.values()), [orders[place].wish for place in adapted])
        for place, artefact in zip(adapted, made, strict=True):
            answers[place] = artefact
    except Exception:
        LOG.exception("a batch of %d could not be created together; each order is tried alone", len(adapted))
        for place, params in adapted.items():
            try:
                (answers[place],) = creator.render([params], [orders[place].wish])
            except Exception as error:
                answers[place] = _as_value(error)
    return answers


def _as_value(error: Exception) -> UserError | Failed:
    if isinstance(error, UserError):
        return error
    LOG.error("an order failed", exc_info=error)
    return Failed(type(error).__name__)
