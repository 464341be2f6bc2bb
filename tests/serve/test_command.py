"""`serve run serve.app:build`, as a user types it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.serve.client import Client

pytestmark = pytest.mark.ray

ROOT = Path(__file__).parents[2]
COMMAND = [str(Path(sys.executable).with_name("serve")), "run", "serve.app:build"]
URL = "http://127.0.0.1:8000"


def start(*arguments: str, log: Path) -> subprocess.Popen[bytes]:
    """The command with a Ray of its own."""
    environment = {**os.environ, "RAY_ADDRESS": "local"}
    with log.open("wb") as output:
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A shell that runs these tests in the background has them ignore SIGINT, and what they start too.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )


@pytest.fixture
def served(tiny_run: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command with the tiny run, ready to answer; nothing is left of it afterwards."""
    assert not ready(), "something else is served on port 8000"
    log = tmp_path / "log"
    process = start(f"run={tiny_run}", "style=off", "critique=off", "replica_cpus=0", log=log)
    try:
        deadline = time.monotonic() + 240
        while not ready():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.5)
        yield process
    finally:
        for left in [*psutil.Process(process.pid).children(recursive=True), process] if process.poll() is None else []:
            left.kill()
        process.wait()


def ready() -> bool:
    try:
        return httpx.get(f"{URL}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.slow  # tests/test_docs.py starts the command too
def test_serves_on_this_machine_alone_until_it_is_interrupted(
    served: subprocess.Popen[bytes], examples: tuple[bytes, ...]
) -> None:
    family = psutil.Process(served.pid).children(recursive=True)
    answer = Client(URL, examples).compose(options={"bars": 2})
    listening = {
        connection.laddr.ip
        for process in family
        if process.is_running()
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == 8000
    }

    served.send_signal(signal.SIGINT)

    assert answer.status_code == 200, answer.text
    assert listening == {"127.0.0.1"}
    assert served.wait(60) == 0
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []


def test_a_run_that_is_not_there_is_said_before_ray_starts(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = start(f"music={tmp_path / 'nowhere'}", log=log)

    assert process.wait(120) == 2
    text = log.read_text()
    assert "nowhere, which is not there" in text
    assert "metaart train music" in text
    assert "Traceback" not in text
