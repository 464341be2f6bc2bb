"""What requests ask of models, and what becomes of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from metaart.artists.run import Creator
from metaart.errors import UserError
from metaart.tasks import Examples, Params

LOG = logging.getLogger("ray.serve")
T = TypeVar("T")


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


@dataclass(frozen=True)
class TooLate:
    """An order that nobody waited for any more when its turn came."""


Answer = bytes | UserError | Failed | TooLate
"""What becomes of an order. Errors are values: an exception inside a batch would be everybody's."""

Wanted = Callable[[int], bool]
"""Whether anybody still waits for the order at this place of a batch."""

CarryOut = Callable[[list[Any], Wanted], list[Answer]]
"""A loaded run: a batch of orders to what becomes of each; it never raises."""


@dataclass(eq=False)
class Asked:
    """An order on its way to be carried out.

    Attributes:
        order: in the art's own terms.
        deadline: when whoever asked stops waiting, on the monotonic clock of this process.
        abandoned: whether whoever asked is gone already.
    """

    order: Any
    deadline: float
    abandoned: bool = False

    def wanted(self) -> bool:
        """Whether anybody waits for it."""
        return not self.abandoned and time.monotonic() < self.deadline


def carry_out_wanted(carry: CarryOut, asked: Sequence[Asked]) -> list[Answer]:
    """Carry out the orders that somebody waits for; what nobody does is `TooLate` when its turn comes."""
    return carry([entry.order for entry in asked], lambda place: asked[place].wanted())


def _always(place: int) -> bool:  # noqa: ARG001
    return True


def carry_out(creator: Creator, orders: list[Order], wanted: Wanted = _always) -> list[Answer]:
    """Adapt to each order in turn, then create all together; never raises, whatever an order holds."""
    answers: list[Answer] = [TooLate()] * len(orders)
    adapted: dict[int, Params] = {}
    for place, order in enumerate(orders):
        if not wanted(place):
            continue
        try:
            adapted[place] = creator.adapt(order.support, order.steps)
        except Exception as error:
            answers[place] = _as_value(error)
    adapted = {place: params for place, params in adapted.items() if wanted(place)}
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


def one_by_one(work: Callable[[T], bytes], orders: Sequence[T], wanted: Wanted = _always) -> list[Answer]:
    """Carry out each order by itself; never raises, whatever an order holds."""
    answers: list[Answer] = []
    for place, order in enumerate(orders):
        try:
            answers.append(work(order) if wanted(place) else TooLate())
        except Exception as error:
            answers.append(_as_value(error))
    return answers


def _as_value(error: Exception) -> UserError | Failed:
    if isinstance(error, UserError):
        return error
    LOG.error("an order failed", exc_info=error)
    return Failed(type(error).__name__)
