"""What requests ask of models, and what becomes of it; one kind of order for all arts."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metaart.artists.art import Made, Request, Use
from metaart.artists.requests import artists_of
from metaart.artists.works import Work
from metaart.errors import UserError

if TYPE_CHECKING:
    from metaart.artists.run import Run

LOG = logging.getLogger("ray.serve")


@dataclass(frozen=True)
class Order:
    """What one request asks of a model: options that were checked, files that were counted and that nobody has parsed.

    Attributes:
        route: of the use that is meant, of those of the model's art.
        works: to adapt to.
        files: beside them, by the names of the use's inputs.
        options: of the use.
        extras: names of what is to be made beside.
    """

    route: str
    works: tuple[Work, ...]
    files: Mapping[str, Work]
    options: Any
    extras: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Failed:
    """An order that broke the model in a way nobody foresaw; the log has the traceback."""

    reason: str


@dataclass(frozen=True)
class TooLate:
    """An order that nobody waited for any more when its turn came."""


Answer = Made | UserError | Failed | TooLate
"""What becomes of an order. Errors are values: an exception inside a batch would be everybody's."""

Wanted = Callable[[int], bool]
"""Whether anybody still waits for the order with this index in a batch."""


@dataclass(eq=False)
class Asked:
    """An order on its way to be carried out.

    Attributes:
        order: what is asked.
        deadline: when whoever asked stops waiting, on the monotonic clock of this process.
        abandoned: whether whoever asked is gone already.
    """

    order: Order
    deadline: float
    abandoned: bool = False

    def wanted(self) -> bool:
        """Whether anybody waits for it."""
        return not self.abandoned and time.monotonic() < self.deadline


def carry_out_wanted(run: Run, asked: Sequence[Asked]) -> list[Answer]:
    """Carry out the orders that somebody waits for; what nobody does is `TooLate` when its turn comes."""
    return carry_out(run, [entry.order for entry in asked], lambda index: asked[index].wanted())


def _always(index: int) -> bool:  # noqa: ARG001
    return True


def carry_out(run: Run, orders: Sequence[Order], wanted: Wanted = _always) -> list[Answer]:
    """Adapt to the works of each order in turn, then make all together; never raises, whatever an order holds."""
    # By index: what is not wanted any more drops out on the way and leaves the others where they were.
    answers: dict[int, Answer] = {}
    requests: dict[str, dict[int, Request]] = {}
    for index, order in enumerate(orders):
        if wanted(index):
            try:
                requests.setdefault(order.route, {})[index] = _request(run, order)
            # Whatever it is: one order must not take the others of its batch along.
            except Exception as error:
                answers[index] = _as_value(error)
    for route, of_route in requests.items():
        use = use_at(run, route)
        groups = [of_route] if use.together else [{index: request} for index, request in of_route.items()]
        for group in groups:
            answers |= _made(run, use, group, wanted)
    return [answers.get(index, TooLate()) for index in range(len(orders))]


def use_at(run: Run, route: str) -> Use:
    """What a run's art offers at a route."""
    return next(use for use in run.art.uses if use.route == route)


def _request(run: Run, order: Order) -> Request:
    use, steps = use_at(run, order.route), getattr(order.options, "steps", None)
    return Request(artists_of(run, use, order.works, steps), order.options, order.files, order.extras, order.works)


def _made(run: Run, use: Use, requests: Mapping[int, Request], wanted: Wanted) -> dict[int, Answer]:
    """What becomes of requests for one use. Where one of them breaks all, each half is tried, down to each alone."""
    # Asked again: adapting to the works of the others took its time.
    requests = {index: request for index, request in requests.items() if wanted(index)}
    try:
        return dict(zip(requests, run.make(use, list(requests.values())), strict=True))
    except Exception as error:
        if len(requests) == 1:
            return dict.fromkeys(requests, _as_value(error))
        LOG.warning("%d orders could not be made together (%s); each half is tried", len(requests), error)
    # Most of the others are made together still: one bad file must not cost everybody the speed of a batch.
    indices = list(requests)
    halves = indices[: len(indices) // 2], indices[len(indices) // 2 :]
    first, second = (_made(run, use, {index: requests[index] for index in half}, wanted) for half in halves)
    return first | second


def _as_value(error: Exception) -> UserError | Failed:
    if isinstance(error, UserError):
        return error
    LOG.error("an order failed", exc_info=error)
    return Failed(type(error).__name__)
