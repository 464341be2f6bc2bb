"""Whether a replica still gets on with what it was asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Pulse:
    """Knows what waits and what is computed, and since when.

    Args:
        idle_s: how long orders may wait while nothing is computed, seconds.
        busy_s: how long one batch may be computed, seconds.
        clock: seconds that never go back.
    """

    def __init__(self, idle_s: float, busy_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._idle_s, self._busy_s, self._clock = idle_s, busy_s, clock
        self._waiting, self._idle_since = 0, clock()
        self._busy_since: float | None = None

    @contextmanager
    def order(self) -> Iterator[None]:
        """While an order is here."""
        if not self._waiting:
            self._idle_since = self._clock()
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    @contextmanager
    def batch(self) -> Iterator[None]:
        """While a batch is computed; there is one at a time."""
        self._busy_since = self._clock()
        try:
            yield
        finally:
            self._busy_since, self._idle_since = None, self._clock()

    def check(self) -> None:
        """Raise `RuntimeError` where it stands still."""
        now = self._clock()
        if self._busy_since is not None:
            if now - self._busy_since > self._busy_s:
                raise RuntimeError(f"one batch has been computed for {now - self._busy_since:.0f} s")
        elif self._waiting and now - self._idle_since > self._idle_s:
            raise RuntimeError(
                f"{self._waiting} orders wait and none has been computed for {now - self._idle_since:.0f} s"
            )
