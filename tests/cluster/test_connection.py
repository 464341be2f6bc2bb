"""Ray is started again where a busy machine took too long, and nowhere else."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import ray
from ray.autoscaler import sdk

from cluster.access import MODE
from cluster.config import ClusterConfig
from cluster.connection import API_SERVER, NOBODY, STARTS, ray_connection
from metaart.errors import UserError

SLOW = "The current node timed out during startup. This could happen because some of the raylet failed to startup."


@pytest.fixture
def tokenless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the environment ask for no token, whatever this machine has: one that is sent would stay in it."""
    monkeypatch.setenv(MODE, "disabled")


@pytest.fixture
def head(tokenless: None) -> Iterator[str]:
    """The address of somebody who listens, as the head of a cluster does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


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


@pytest.mark.parametrize(("ours", "asked"), [(True, NOBODY), (False, "http://mine:8265")])
def test_only_a_ray_of_our_own_is_kept_apart(
    ours: bool, asked: str, head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setenv(API_SERVER, "http://mine:8265")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    monkeypatch.setattr(ray, "init", lambda **options: seen.append(os.environ[API_SERVER]))
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 9.0})
    with ray_connection(ClusterConfig(), "local" if ours else head):
        assert os.environ[API_SERVER] == "http://mine:8265"
    assert seen == [asked]


def test_a_cluster_that_is_too_small_is_left_again(head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[bool] = []
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", lambda **options: None)
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 1.0})
    monkeypatch.setattr(ray, "shutdown", lambda: left.append(True))
    with pytest.raises(UserError, match="at most the 1 CPUs"), ray_connection(ClusterConfig(), head):
        pass
    assert left == [True]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1:1", "Connection refused"),
        ("10.0.0.5", "not of the form HOST:PORT"),
        ("10.0.0.5:head", "Port could not be cast"),
        ("nobody.invalid:6379", "nobody.invalid:6379: "),
    ],
)
def test_an_address_at_which_nobody_listens_is_refused_at_once(
    address: str, reason: str, tokenless: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", lambda **options: pytest.fail("Ray tries for two minutes"))
    with pytest.raises(UserError, match=reason), ray_connection(ClusterConfig(), address):
        pass


@pytest.mark.ray
def test_its_processes_ask_no_other_ray_of_this_machine_whether_an_actor_lives(ray_session: None) -> None:
    """A `serve run` beside it would say that it knows no such actor, and Ray Train would take that for its death."""

    @ray.remote(num_cpus=0)
    def ask() -> str:
        from ray.util.state import get_actor
        from ray.util.state.exception import RayStateApiException

        with pytest.raises(RayStateApiException) as error:
            get_actor("0" * 32, timeout=10)
        return str(error.value)

    assert NOBODY in ray.get(ask.remote())


def test_a_cluster_that_grows_is_asked_and_waited_for(head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cores, asked = [0.0], []

    def request(bundles: list[dict[str, int]]) -> None:
        asked.append(bundles)

    def sleep(seconds: float) -> None:
        cores[0] += 1.5 * seconds

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", lambda **options: None)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": cores[0]})
    monkeypatch.setattr(sdk, "request_resources", request)
    cluster = ClusterConfig(workers=4, least_workers=2, cpus_per_worker=3)
    with ray_connection(cluster, head, 600, sleep=sleep):
        assert cores[0] == 6
        assert asked == [[{"CPU": 3}, {"CPU": 3}]]
    assert asked[1:] == [[]]  # taken back
    with ray_connection(cluster, head, 600, sleep=sleep):
        assert len(asked) == 2  # there is room, so nothing is asked for
    cores[0] = 0
    refused = pytest.raises(UserError, match="--wait-for-workers 600")
    with refused, ray_connection(cluster, head, 0.01, sleep=lambda seconds: None):
        pass
    assert asked[-1] == []
