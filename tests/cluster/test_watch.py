"""Who hangs."""

from __future__ import annotations

import threading
import time

import pytest

from cluster import watch
from cluster.watch import Beacon, Beat, Watch


class Clock:
    """Time that a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(watch.time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_the_one_that_does_not_wait_for_the_others_is_named_with_its_step_and_line(clock: Clock) -> None:
    watched = Watch(hang_s=60)
    for second in range(0, 80, 5):
        clock.now = float(second)
        assert not watched.beat("a", 0, Beat("meta", 7, "engine.py:71", True))
        assert not watched.beat("b", 1, Beat("meta", 7, "data/shards.py:120", False))
        if second < 60:
            assert watched.hanging() == ""
    assert watched.hanging() == "rank 1 hangs at meta step 7, in data/shards.py:120"
    assert watched.hanging() == ""  # said once
    assert watched.beat("a", 0, Beat("meta", 7, "engine.py:71", True))  # and all are told to end


def test_the_one_that_does_not_answer_is_named(clock: Clock) -> None:
    watched = Watch(hang_s=60)
    watched.beat("b", 1, Beat("meta", 7, "maml.py:40", False))
    for second in range(0, 80, 5):
        clock.now = float(second)
        watched.beat("a", 0, Beat("meta", 7, "maml.py:41", False))
    assert watched.hanging() == "rank 1 hangs at meta step 7, and does not answer, last seen in maml.py:40"


def test_slow_steps_are_no_hanging(clock: Clock) -> None:
    watched = Watch(hang_s=60)
    for step in range(20):
        clock.now += 50
        watched.beat("a", 0, Beat("meta", step, "maml.py:41", False))
        assert watched.hanging() == ""


def test_a_group_that_was_started_again_begins_with_a_clean_sheet_and_has_time_to_start(clock: Clock) -> None:
    watched = Watch(hang_s=60)
    watched.beat("a", 0, Beat("meta", 7, "x.py:1", False))
    clock.now = 100.0
    assert watched.hanging()
    assert not watched.beat("c", 0, Beat("", 0, "y.py:1", False))
    clock.now = 999.0
    assert watched.hanging() == ""
    clock.now = 1001.0
    assert watched.hanging() == "rank 0 hangs at the start step 0, and does not answer, last seen in y.py:1"


def test_a_beacon_tells_where_its_training_thread_is(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Beat] = []
    arrived = threading.Event()

    class Method:
        def remote(self, worker: str, rank: int, beat: Beat) -> bool:
            heard.append(beat)
            if beat.step == 3:
                arrived.set()
            return False

    class Handle:
        beat = Method()

    import ray

    monkeypatch.setattr(ray, "get", lambda reference, timeout: reference)
    monkeypatch.setattr(watch, "EVERY_S", 0.01)
    with Beacon(Handle(), rank=1) as beacon:
        beacon.begin("meta", 3)
        while not arrived.wait(0.001):
            time.sleep(0.001)
    assert heard[-1].stage == "meta"
    assert "tests/cluster/test_watch.py:" in heard[-1].where
    assert not heard[-1].waits


def test_a_larger_group_that_comes_after_a_lost_one_is_not_told_to_end(clock: Clock) -> None:
    watched = Watch(hang_s=60)
    watched.beat("a", 0, Beat("meta", 7, "x.py:1", False))
    clock.now = 100.0  # its machine is lost, and for a while there is none
    assert "rank 0 hangs" in watched.hanging()
    assert not watched.beat("new", 1, Beat("", 0, "x.py:1", False))  # heard before the new rank 0
    assert not watched.beat("newer", 0, Beat("", 0, "x.py:1", False))
    assert watched.hanging() == ""
