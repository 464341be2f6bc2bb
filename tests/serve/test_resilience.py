"""What the service does under load, when callers hang up, and when a replica dies."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.processes import titled
from tests.serve.client import Client, assert_problem

pytestmark = pytest.mark.ray

MODEL = "ray::ServeReplica:metaart:music"


def wishes(count: int, bars: int = 4) -> list[dict[str, Any]]:
    return [{"options": {"bars": bars, "seed": seed}} for seed in range(count)]


def wait_until_all_run() -> None:
    """Until no replica of music is loading or going away: Ray Serve does not ask such a one whether it is well."""
    from ray import serve

    deadline = time.monotonic() + 120
    while set(serve.status().applications["metaart"].deployments["music"].replica_states) != {"RUNNING"}:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_callers_who_hang_up_leave_the_others_and_the_service_alone(service: Client) -> None:
    def hang_up(seed: int) -> None:
        with pytest.raises(httpx.TimeoutException):
            service.compose(options={"bars": 50, "seed": seed}, timeout=0.2)

    alone = [service.compose(**wish).content for wish in wishes(3)]
    with ThreadPoolExecutor(6) as pool:
        gone = list(pool.map(hang_up, range(6)))
        answers = service.compose_many(wishes(3))

    assert len(gone) == 6
    assert [answer.content for answer in answers] == alone


@pytest.mark.slow
def test_a_killed_replica_costs_no_request(service: Client) -> None:
    expected = [service.compose(**wish).content for wish in wishes(12)]
    victims = titled(MODEL)
    assert victims
    with ThreadPoolExecutor(1) as pool:
        answers = pool.submit(service.compose_many, wishes(12))
        time.sleep(0.1)
        assert not answers.done()
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        assert [answer.status_code for answer in answers.result()] == [200] * 12
        assert [answer.content for answer in answers.result()] == expected
    assert not set(titled(MODEL)) & set(victims)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_replica_that_hangs_is_replaced_and_its_requests_are_answered(service: Client) -> None:
    """Three health checks of 10 s are missed, then the replica has 20 s to stop before its requests go elsewhere."""
    expected = [service.compose(**wish).content for wish in wishes(4)]
    wait_until_all_run()
    hung = titled(MODEL)
    assert hung
    for process in hung:
        os.kill(process, signal.SIGSTOP)
    try:
        answers = service.compose_many(wishes(4))
        assert [answer.content for answer in answers] == expected
        assert set(titled(MODEL)) - set(hung)
        deadline = time.monotonic() + 60
        while set(titled(MODEL)) & set(hung):
            assert time.monotonic() < deadline, "what hung is still there"
            time.sleep(0.5)
    finally:
        for process in hung:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


@pytest.mark.slow
def test_too_much_at_once_is_refused_and_a_replica_is_added(service: Client) -> None:
    refused: list[httpx.Response] = []
    deadline = time.monotonic() + 60
    while (len(titled(MODEL)) < 2 or not refused) and time.monotonic() < deadline:
        answers = service.compose_many(wishes(40, bars=8))
        assert {answer.status_code for answer in answers} <= {200, 503}
        assert any(answer.status_code == 200 for answer in answers)
        refused += [answer for answer in answers if answer.status_code == 503]

    assert len(titled(MODEL)) == 2
    assert int(refused[0].headers["retry-after"]) > 0
    assert "queue is full" in assert_problem(refused[0], 503)["detail"]
    assert httpx.get(f"{service.url}/readyz").status_code == 200
