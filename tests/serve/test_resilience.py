"""What the service does under load, when callers hang up, and when a replica dies."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from metaart.creation import Creator
from metaart.score.compose import ComposeRequest
from serve.model import Model, Order
from serve.studio import Model as Deployed
from serve.studio import Studio
from tests.serve.client import Client, assert_problem

pytestmark = pytest.mark.ray

MODEL = "ray::ServeReplica:metaart:music"


def replicas() -> list[int]:
    """Process ids of the model's replicas in this session's Ray."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if " ".join(process.cmdline()).startswith(MODEL):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def wishes(count: int, bars: int = 4) -> list[dict[str, Any]]:
    return [{"options": {"bars": bars, "seed": seed}} for seed in range(count)]


def test_callers_who_hang_up_leave_the_others_and_the_service_alone(service: Client) -> None:
    def hang_up(seed: int) -> None:
        with pytest.raises(httpx.TimeoutException):
            service.compose(options={"bars": 100, "seed": seed}, timeout=0.3)

    alone = [service.compose(**wish).content for wish in wishes(3)]
    with ThreadPoolExecutor(6) as pool:
        gone = list(pool.map(hang_up, range(6)))
        answers = service.compose_many(wishes(3))

    assert len(gone) == 6
    assert [answer.content for answer in answers] == alone


def test_a_killed_replica_costs_no_request(service: Client) -> None:
    expected = [service.compose(**wish).content for wish in wishes(12)]
    victims = replicas()
    assert victims
    with ThreadPoolExecutor(1) as pool:
        answers = pool.submit(service.compose_many, wishes(12))
        time.sleep(0.1)
        assert not answers.done()
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        assert [answer.status_code for answer in answers.result()] == [200] * 12
        assert [answer.content for answer in answers.result()] == expected
    assert not set(replicas()) & set(victims)


def test_too_much_at_once_is_refused_and_a_replica_is_added(service: Client) -> None:
    refused: list[httpx.Response] = []
    deadline = time.monotonic() + 60
    while (len(replicas()) < 2 or not refused) and time.monotonic() < deadline:
        answers = service.compose_many(wishes(40, bars=8))
        assert {answer.status_code for answer in answers} <= {200, 503}
        assert any(answer.status_code == 200 for answer in answers)
        refused += [answer for answer in answers if answer.status_code == 503]

    assert len(replicas()) == 2
    assert int(refused[0].headers["retry-after"]) > 0
    assert "queue is full" in assert_problem(refused[0], 503)["detail"]
    assert httpx.get(f"{service.url}/readyz").status_code == 200


class Stalled(Model):
    """A model whose first replica has a dead batch queue, as Ray Serve's have been seen to die."""

    def __init__(self, sign: str, run: str) -> None:
        super().__init__(run, batch_size=4, batch_wait_s=0.0, stuck_after_s=0.5)
        if not Path(sign).exists():
            Path(sign).touch()
            self._batch = self._never  # type: ignore[method-assign]

    async def _never(self, order: Order) -> None:
        await asyncio.Event().wait()


def test_a_replica_whose_batches_stand_still_is_replaced(service: Client, tiny_run: Path, tmp_path: Path) -> None:
    from ray import serve

    creator = Creator(tiny_run)
    support, wish = creator.domain.read(service.examples), ComposeRequest(bars=2)
    options = {"num_replicas": 1, "health_check_period_s": 0.2, "ray_actor_options": {"num_cpus": 0}}
    stalled = serve.deployment(**options)(Stalled).bind(str(tmp_path / "sign"), str(tiny_run))
    handle = serve.run(stalled, name="stalled", route_prefix=None)
    studio = Studio({"music": Deployed(handle, creator.domain, "tiny")}, timeout_s=100)

    piece = asyncio.run(studio.create("music", Order(support, wish)))
    serve.delete("stalled")

    assert piece == creator.create([service.examples], [wish])[0]
