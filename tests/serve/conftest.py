"""One service for all tests of this folder."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serve.client import Client

SETTINGS = {
    "replica_cpus": 0,
    "batch_size": 4,
    "batch_wait_s": 0.05,
    "max_queued": 16,
    "max_replicas": 2,
    "upscale_delay_s": 1,
}


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def examples(midi_folder: Path) -> tuple[bytes, ...]:
    """Three pieces by one hand."""
    return tuple(path.read_bytes() for path in sorted((midi_folder / "composer-0").glob("*.mid"))[:3])


@pytest.fixture(scope="package")
def service(ray_session: None, tiny_run: Path, examples: tuple[bytes, ...]) -> Iterator[Client]:
    """The application with the tiny run, on a free port."""
    from ray import serve

    from serve.app import build

    port = free_port()
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    serve.run(build({"music": str(tiny_run), **SETTINGS}), name="metaart")
    yield Client(f"http://127.0.0.1:{port}", examples)
    serve.shutdown()
