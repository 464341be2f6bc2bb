"""One service for all tests of this folder."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from metaart.config import override
from metaart.data.prepare import prepare
from tests.conftest import Shared, trained
from tests.serve.client import Client
from tests.verse.lines import Lines
from tests.verse.registries import register, verse

SETTINGS = {
    "replica_cpus": 0,
    "batch_size": 4,
    "batch_wait_s": 0.05,
    "max_queued": 16,
    "max_replicas": 2,
    "upscale_delay_s": 1,
}


class ServedRuns(NamedTuple):
    """The tiny runs that the service of these tests has, by the name of their setting."""

    music: Path
    style: Path
    critique: Path
    rating: Path
    verse: Path


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def examples(midi_folder: Path) -> tuple[bytes, ...]:
    """Three pieces by one hand."""
    return tuple(path.read_bytes() for path in sorted((midi_folder / "composer-0").glob("*.mid"))[:3])


@pytest.fixture(scope="session")
def verse_run(shared: Shared) -> Path:
    """A finished tiny run of an art that lives in the tests."""
    register()
    data = shared("data/verses", lambda out: prepare(Lines(), out, workers=1, progress=False))
    return shared("runs/verse", trained(override(verse(), [f"data={data}", "meta.steps=2"])))


@pytest.fixture(scope="session")
def served_runs(tiny_run: Path, style_run: Path, critique_run: Path, rating_run: Path, verse_run: Path) -> ServedRuns:
    """Of every art that is served."""
    return ServedRuns(tiny_run, style_run, critique_run, rating_run, verse_run)


@pytest.fixture(scope="package")
def service(ray_session: None, served_runs: ServedRuns, examples: tuple[bytes, ...]) -> Iterator[Client]:
    """The application with the tiny runs, on a free port."""
    from ray import serve

    from serve.app import build

    port = free_port()
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    serve.run(build({**{art: str(run) for art, run in served_runs._asdict().items()}, **SETTINGS}), name="metaart")
    yield Client(f"http://127.0.0.1:{port}", examples)
    serve.shutdown()
