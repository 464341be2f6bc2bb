"""What requests ask of models, and what becomes of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from metaart.creation.creator import Creator
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


Answer = bytes | UserError | Failed
"""What becomes of an order. Errors are values: an exception inside a batch would be everybody's."""

CarryOut = Callable[[list[Any]], list[Answer]]
"""A loaded run: a batch of orders to what becomes of each; it never raises."""


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


def one_by_one(work: Callable[[T], bytes], orders: Sequence[T]) -> list[Answer]:
    """Carry out each order by itself; never raises, whatever an order holds."""
    answers: list[Answer] = []
    for order in orders:
        try:
            answers.append(work(order))
        except Exception as error:
            answers.append(_as_value(error))
    return answers


def _as_value(error: Exception) -> UserError | Failed:
    if isinstance(error, UserError):
        return error
    LOG.error("an order failed", exc_info=error)
    return Failed(type(error).__name__)
