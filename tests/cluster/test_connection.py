"""Ray is started again where a busy machine took too long, and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
import ray

from cluster.config import ClusterConfig
from cluster.connection import API_SERVER, NOBODY, STARTS, ray_connection
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


@pytest.mark.parametrize(("address", "asked"), [("local", NOBODY), ("10.0.0.5:6379", "http://mine:8265")])
def test_only_a_ray_of_our_own_is_kept_apart(address: str, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setenv(API_SERVER, "http://mine:8265")
    monkeypatch.setattr("cluster.connection.send_token_if_any", lambda: None)  # it changes the environment
    monkeypatch.setattr("cluster.connection.reach", lambda address: None)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    monkeypatch.setattr(ray, "init", lambda **options: seen.append(os.environ[API_SERVER]))
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 9.0})
    with ray_connection(ClusterConfig(), address):
        assert os.environ[API_SERVER] == "http://mine:8265"
    assert seen == [asked]


def test_a_cluster_that_is_too_small_is_left_again(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[bool] = []
    monkeypatch.setattr("cluster.connection.send_token_if_any", lambda: None)
    monkeypatch.setattr("cluster.connection.reach", lambda address: None)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", lambda **options: None)
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 1.0})
    monkeypatch.setattr(ray, "shutdown", lambda: left.append(True))
    with pytest.raises(UserError, match="at most the 1 CPUs"), ray_connection(ClusterConfig(), "10.0.0.5:6379"):
        pass
    assert left == [True]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1", "Connection refused"),
        ("10.0.0.5", "not of the form HOST:PORT"),
        ("10.0.0.5:head", "Port could not be cast"),
        ("nobody.invalid:6379", "nobody.invalid:6379: "),
    ],
)
def test_an_address_at_which_nobody_listens_is_refused_at_once(
    address: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cluster.connection.send_token_if_any", lambda: None)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", lambda **options: pytest.fail("Ray tries for two minutes"))
    with pytest.raises(UserError, match=said), ray_connection(ClusterConfig(), address):
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


def test_a_cluster_that_grows_is_asked_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    cores, asked = [0.0], []

    def request(bundles: list[dict[str, int]]) -> None:
        asked.append(bundles)

    def sleep(seconds: float) -> None:
        cores[0] += 1.5

    monkeypatch.setattr("cluster.connection.send_token_if_any", lambda: None)
    monkeypatch.setattr("cluster.connection.reach", lambda address: None)
    monkeypatch.setattr("cluster.connection.time.sleep", sleep)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", lambda **options: None)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": cores[0]})
    monkeypatch.setattr("ray.autoscaler.sdk.request_resources", request)
    cluster = ClusterConfig(workers=4, least_workers=2, cpus_per_worker=3)
    with ray_connection(cluster, "10.0.0.5:6379", 600):
        assert cores[0] == 6
        assert asked == [[{"CPU": 3}, {"CPU": 3}]]
    assert asked[1:] == [[]]  # taken back
    with ray_connection(cluster, "10.0.0.5:6379", 600):
        assert len(asked) == 2  # there is room, so nothing is asked for
    cores[0] = 0
    monkeypatch.setattr("cluster.connection.time.sleep", lambda seconds: None)
    with pytest.raises(UserError, match="--wait-for-workers 600"), ray_connection(cluster, "10.0.0.5:6379", 0.01):
        pass
    assert asked[-1] == []
