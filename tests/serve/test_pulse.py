"""When a replica stands still."""

from __future__ import annotations

import pytest

from serve.pulse import Pulse


class Clock:
    """Seconds that go on when they are told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_one_that_has_nothing_to_do_is_well(clock: Clock) -> None:
    pulse = Pulse(10, 60, clock)
    clock.now += 1e6
    pulse.check()
    with pulse.order():
        clock.now += 10
        pulse.check()


def test_orders_that_wait_while_nothing_is_computed_mean_that_it_hangs(clock: Clock) -> None:
    pulse = Pulse(10, 60, clock)
    with pulse.order(), pulse.order():
        clock.now += 11
        with pytest.raises(RuntimeError, match="2 orders wait and none has been computed for 11 s"):
            pulse.check()
        with pulse.batch():
            clock.now += 60
            pulse.check()
        clock.now += 10
        pulse.check()


def test_a_batch_that_is_computed_too_long_means_that_it_hangs(clock: Clock) -> None:
    pulse = Pulse(10, 60, clock)
    with pulse.order():
        with pulse.batch():
            clock.now += 61
            with pytest.raises(RuntimeError, match="one batch has been computed for 61 s"):
                pulse.check()
        pulse.check()
    with pulse.batch():  # whoever asked for it may be gone
        clock.now += 61
        with pytest.raises(RuntimeError, match="one batch"):
            pulse.check()


def test_a_batch_that_fails_is_over(clock: Clock) -> None:
    pulse = Pulse(10, 60, clock)
    with pytest.raises(KeyError), pulse.order(), pulse.batch():
        raise KeyError
    clock.now += 1e6
    pulse.check()
