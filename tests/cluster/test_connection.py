"""Ray is started again where a busy machine took too long, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import ray

from cluster.config import ClusterConfig
from cluster.connection import STARTS, ray_connection
from metaart.errors import UserError

SLOW = "The current node timed out during startup. This could happen because some of the raylet failed to startup."


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Exception | None]], list[dict[str, Any]]]:
    """Have `ray.init` do one thing after the other; what it was called with."""

    def follow(script: list[Exception | None]) -> list[dict[str, Any]]:
        asked: list[dict[str, Any]] = []

        def init(**options: Any) -> None:
            asked.append(options)
            if error := script[len(asked) - 1]:
                raise error

        monkeypatch.setattr(ray, "is_initialized", lambda: False)
        monkeypatch.setattr(ray, "shutdown", lambda: None)
        monkeypatch.setattr(ray, "init", init)
        return asked

    return follow


def test_a_slow_start_is_tried_again(starts: Callable[[list[Exception | None]], list[dict[str, Any]]]) -> None:
    asked = starts([Exception(SLOW), None])
    with ray_connection(ClusterConfig(), "local"):
        assert len(asked) == 2
    assert asked[0] == asked[1]


def test_a_machine_without_time_is_told_so(starts: Callable[[list[Exception | None]], list[dict[str, Any]]]) -> None:
    asked = starts([Exception(SLOW)] * STARTS)
    with pytest.raises(UserError, match="a machine with time to start Ray"), ray_connection(ClusterConfig(), "local"):
        pass
    assert len(asked) == STARTS


def test_another_failure_is_raised_at_once(starts: Callable[[list[Exception | None]], list[dict[str, Any]]]) -> None:
    asked = starts([RuntimeError("out of sockets")])
    with pytest.raises(RuntimeError, match="out of sockets"), ray_connection(ClusterConfig(), "local"):
        pass
    assert len(asked) == 1
