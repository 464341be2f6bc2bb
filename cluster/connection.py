"""A connection to Ray: to a cluster that runs, or to one that is started on this machine for the while."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from cluster.access import refused, send_token_if_any
from cluster.config import ClusterConfig
from metaart.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
API_SERVER, NOBODY = "RAY_API_SERVER_ADDRESS", "http://127.0.0.1:9"
REACH_S = 10.0
WAIT_HELP = "for a cluster that starts machines when they are needed: ask for them and wait so long (0)"
PASSED_ON = ("TUNE_FUNCTION_THREAD_TIMEOUT_S",)
"""What processes on a cluster's machines read from their environment, as those that this machine starts do."""
STARTS = 3
"""How often a Ray of our own is started at most: a busy machine may not manage in the time that Ray gives it."""


def named_cluster(address: str | None) -> str | None:
    """The address of a running cluster: this one, or else the environment's; None for a Ray of this machine alone."""
    address = address or os.environ.get("RAY_ADDRESS")
    return None if address == "local" else address


@contextmanager
def ray_connection(
    cluster: ClusterConfig,
    address: str | None = None,
    wait_s: float = 0.0,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """A connection to Ray: the one there is, that at an address, or else a Ray started on this machine for the while.

    Args:
        cluster: who is to work there.
        address: of a running cluster; `auto` finds it; the environment's RAY_ADDRESS if left out.
        wait_s: for how long a running cluster may take to start the machines that are missing.
        sleep: passes so many seconds between two looks at whether they are there.

    Raises:
        UserError: nothing answers at the address, or what is there is too small; this machine before Ray is started.
    """
    # Read when Ray is imported or started, so set before.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.2")
    address = named_cluster(address)
    if address:
        send_token_if_any()
    import ray

    # Whoever connected before also ends the connection.
    if ray.is_initialized():
        refuse_too_many(cluster, ray.cluster_resources())  # type: ignore[no-untyped-call]
        yield
        return
    options: dict[str, Any] = {"address": address or "local", "log_to_driver": False, "logging_level": "error"}
    if address:
        inherited = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        options["runtime_env"] = {"env_vars": {"PYTHONPATH": _python_path(), **inherited}}
    else:
        # Processes that this machine starts read it from here; those of a cluster were started by somebody else.
        os.environ["PYTHONPATH"] = _python_path()
        os.environ.setdefault("RAY_TRAIN_ENABLE_PREEMPTION_WATCHER", "0")  # one process less to start
        here = this_machine()
        refuse_too_many(cluster, here)
        options |= {"num_cpus": here["CPU"], "num_gpus": here["GPU"], "include_dashboard": False}
    try:
        if address and address != "auto":
            reach(address)
        with _token_errors() if address else apart():
            start_ray(**options)
    except UserError:
        raise
    except (ConnectionError, ValueError, ray.exceptions.AuthenticationError) as error:
        raise UserError(
            expected="the address of a running Ray, and its token",
            got=f"{address}: {str(error).splitlines()[0]}",
            fix="Start one with `python -m cluster.start head`, or leave --address out to have one started here.",
        ) from error
    try:
        if address:
            with _asked_for(cluster, wait_s, sleep):
                yield
        else:
            yield
    finally:
        ray.shutdown()


@contextmanager
def _asked_for(cluster: ClusterConfig, wait_s: float, sleep: Callable[[float], None]) -> Iterator[None]:
    """Wait until a cluster that grows by itself has room; what it was asked for stays until the context ends."""
    import ray
    from ray.autoscaler.sdk import request_resources

    def there() -> dict[str, Any]:
        found: dict[str, Any] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        return found

    if not wait_s or not lacking(cluster, there()):
        refuse_too_many(cluster, there())
        yield
        return
    each = {"CPU": cluster.cpus_per_worker} | ({"GPU": 1} if cluster.gpus_per_worker else {})
    print(f"waiting up to {wait_s:.0f} s for machines with {cluster.needed}", file=sys.stderr)
    try:
        request_resources(bundles=[each] * cluster.fewest)
        deadline = time.monotonic() + wait_s
        while lacking(cluster, there()) and time.monotonic() < deadline:
            sleep(1.0)
        refuse_too_many(cluster, there())
        yield
    finally:
        # What is asked for stays asked for until it is taken back, and would keep machines running.
        request_resources(bundles=[])


def reach(address: str) -> None:
    """Look whether somebody listens at an address, HOST:PORT or a URL; Ray itself would try for minutes.

    Raises:
        ConnectionError: nobody does.
        ValueError: it is no address.
    """
    parts = urlsplit(address if "//" in address else f"//{address}")
    # A URL may leave its port to its scheme.
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    if not parts.hostname or not port:
        raise ValueError("not of the form HOST:PORT")
    try:
        socket.create_connection((parts.hostname, port), REACH_S).close()
    except OSError as error:
        raise ConnectionError(str(error)) from error


@contextmanager
def _token_errors() -> Iterator[None]:
    """Turn what Ray writes to standard error once a second for a wrong token into one `UserError`."""
    sys.stderr.flush()
    # By file descriptor: Ray writes from C++, which knows nothing of sys.stderr.
    screen = os.dup(2)
    with tempfile.TemporaryFile() as words:
        os.dup2(words.fileno(), 2)
        try:
            yield
        except ConnectionError as error:
            if b"InvalidAuthToken" in _written(words):
                raise refused("none, or another, which it refused") from error
            raise
        finally:
            os.dup2(screen, 2)
            os.close(screen)
        # Whatever else Ray said is shown after all.
        os.write(2, _written(words))


def _written(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


@contextmanager
def apart() -> Iterator[None]:
    """A Ray that is started within it asks no other Ray of this machine about itself.

    Ray Train asks an API server whether its controller is alive, and removes the workers if not. Ours has none, so Ray
    would look for one on the machine, and that of a `serve run` beside it has never heard of the controller.
    """
    before = os.environ.get(API_SERVER)
    os.environ[API_SERVER] = NOBODY
    try:
        yield
    finally:
        if before is None:
            del os.environ[API_SERVER]
        else:
            os.environ[API_SERVER] = before


def this_machine() -> dict[str, int]:
    """The cores that this process may use and the GPUs that PyTorch sees, under Ray's names."""
    import torch

    return {"CPU": len(os.sched_getaffinity(0)), "GPU": torch.cuda.device_count()}


def refuse_too_many(cluster: ClusterConfig, there: dict[str, Any]) -> None:
    """Raise `UserError` where the workers need more than there is; Ray would wait for it for ever."""
    for name in lacking(cluster, there):
        each = "cpus_per_worker" if name == "CPU" else "gpus_per_worker"
        raise UserError(
            expected=f"at most the {there.get(name, 0):g} {name}s that are there",
            got=f"{cluster.fewest} workers with {getattr(cluster, each)} each, {cluster.needed[name]} in all",
            fix=f"Use fewer --workers, --set {each}=..., or the --address of a larger cluster. For one that starts "
            "machines when they are needed, add --wait-for-workers 600.",
        )


def lacking(cluster: ClusterConfig, there: dict[str, Any]) -> list[str]:
    """Ray's names of what the workers need more of than there is."""
    return [name for name, needed in cluster.needed.items() if needed > there.get(name, 0)]


def start_ray(**options: Any) -> None:
    """`ray.init`, again where a busy machine took longer than the 30 seconds that Ray gives its own node.

    Raises:
        UserError: it took longer each time.
    """
    import ray

    for left in reversed(range(STARTS)):
        try:
            ray.init(**options)
        except Exception as error:  # Ray has no class of its own for it
            if "timed out during startup" not in str(error):
                raise
            if not left:
                raise UserError(
                    expected="a machine with time to start Ray",
                    got=f"{STARTS} starts that took more than 30 seconds each",
                    fix="Try again when less else is running.",
                ) from error
            ray.shutdown()
        else:
            return


def _python_path() -> str:
    return os.pathsep.join(
        dict.fromkeys([str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))])
    )
