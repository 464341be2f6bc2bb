"""A head with a token of its own, and jobs on it, as a user starts, watches, stops and fetches them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from metaart.config import from_json
from metaart.training.checkpoint import load_json
from metaart.training.run import load_algorithm

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
TINY = ["--workers", "1", "--set", "domain.hidden_size=8", "--set", "meta.tasks=2", "--set", "meta.validate_every=0",
        "--set", "batching.mode=loop", "--set", "log_every=1"]  # fmt: skip


class Head:
    """A head and where it listens; `ask` runs one of our commands against it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.ray_port = folder, _free_port(), _free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.environment = {**os.environ, "RAY_AUTH_TOKEN_PATH": str(folder / "token")}
        self.environment.pop("RAY_AUTH_MODE", None)
        words = ["head", "--port", str(self.ray_port), "--dashboard-port", str(self.port), "--cpus", "1",
                 f"--temp-dir={folder}/ray", f"--ray-client-server-port={_free_port()}",
                 "--object-store-memory=100000000", "--dashboard-agent-listen-port=0"]  # fmt: skip
        with (folder / "head.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cluster.start", *words], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )

    def ask(self, module: str, *words: str, token: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {**self.environment, **({"RAY_AUTH_TOKEN_PATH": str(token)} if token else {})}
        address = f"127.0.0.1:{self.ray_port}" if module in ("cluster.train", "tune.search") else self.address
        asked = [sys.executable, "-m", module, *words, "--address", address]
        return subprocess.run(asked, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    def state(self, job: str) -> str:
        """What `list` says of a job."""
        rows = [line.split() for line in self.ask("cluster.jobs", "list").stdout.splitlines()]
        return next(row[1] for row in rows if row[0] == job)

    def status(self, headers: dict[str, str]) -> int:
        request = urllib.request.Request(f"{self.address}/api/jobs/", headers=headers)
        try:
            return int(urllib.request.urlopen(request, timeout=60).status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Head]:
    folder = Path("/tmp") / f"metaart-jobs-{os.getpid()}"  # sockets want a short path
    folder.mkdir()
    head = Head(folder)
    try:
        while head.ask("cluster.jobs", "list").returncode:
            assert head.process.poll() is None, (folder / "head.log").read_text()
            time.sleep(1)
        yield head
    finally:
        head.process.terminate()
        head.process.wait(60)
        subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_whoever_has_no_token_or_a_wrong_one_is_turned_away(head: Head, tmp_path: Path) -> None:
    assert (head.folder / "token").stat().st_mode & 0o777 == 0o600
    token = (head.folder / "token").read_text()
    assert head.status({}) == 401
    assert head.status({"Authorization": "Bearer " + "0" * 64}) == 403
    assert head.status({"Authorization": f"Bearer {token}"}) == 200
    wrong = tmp_path / "wrong"
    wrong.write_text("0" * 64)
    wrong.chmod(0o600)
    for module, words in (
        ("cluster.jobs", ["list"]),
        ("cluster.submit", ["train", "sinusoid", "--storage", "file:///tmp"]),
        ("cluster.train", ["sinusoid", "--out", str(tmp_path / "run")]),
        ("tune.search", ["sinusoid", "--out", str(tmp_path / "sweep")]),
    ):
        done = head.ask(module, *words, token=wrong)
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1].startswith(f"{module}: expected the token of this cluster")
        assert len(done.stderr.splitlines()) <= 2  # the other says what was asked for
    assert [path.name for path in tmp_path.iterdir()] == ["wrong"]


def test_a_job_is_submitted_watched_and_fetched(head: Head, tmp_path: Path) -> None:
    words = [
        "train",
        "sinusoid",
        "--storage",
        f"file://{tmp_path}/kept",
        "--name",
        "first",
        *TINY,
        "--set",
        "meta.steps=3",
    ]
    done = head.ask("cluster.submit", *words, "--follow")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "meta: 3 steps" in done.stdout
    assert "meta: 3 steps" in head.ask("cluster.jobs", "logs", "first").stdout
    listed = head.ask("cluster.jobs", "list").stdout
    assert "first" in listed
    assert "SUCCEEDED" in listed
    assert "train sinusoid" in listed
    fetched = head.ask("cluster.jobs", "fetch", "first", "--out", str(tmp_path / "here"))
    assert fetched.returncode == 0, fetched.stderr
    config, _, _ = load_algorithm(tmp_path / "here")
    assert config.recipe == "sinusoid"
    again = head.ask("cluster.submit", *words, "--wait")  # a run is there, and --resume was not said
    assert again.returncode == 1
    assert "--resume" in head.ask("cluster.jobs", "logs", "first-2").stdout


def test_a_job_that_is_stopped_leaves_a_checkpoint_to_go_on_from(head: Head, tmp_path: Path) -> None:
    words = ["train", "sinusoid", "--storage", f"file://{tmp_path}/kept", "--name", "long", *TINY,
             "--set", "meta.steps=200000"]  # fmt: skip
    assert head.ask("cluster.submit", *words).returncode == 0
    metrics = tmp_path / "kept" / "long" / "metrics.jsonl"
    while not metrics.exists():
        assert head.state("long") in ("PENDING", "RUNNING"), head.ask("cluster.jobs", "logs", "long").stdout
        time.sleep(1)
    second = head.ask("cluster.submit", *words)
    assert second.returncode == 2
    assert "which long writes" in second.stderr
    assert head.ask("cluster.jobs", "stop", "long").returncode == 0
    while head.state("long") == "RUNNING":
        time.sleep(1)
    states = list((tmp_path / "kept" / "long").rglob("state.json"))
    assert states
    assert load_json(states[-1])["step"] > 0
    assert head.ask("cluster.jobs", "stop", "none-such").returncode == 2


def test_a_sweep_and_an_evaluation_are_jobs_and_the_best_recipe_is_trained(
    head: Head, tmp_path: Path, object_store: str
) -> None:
    store = object_store.replace("s3://runs", f"s3://runs/{tmp_path.name}")
    steps = ["--set", "meta.steps=6", "--set", "meta.validate_every=3", "--set", "meta.validation_tasks=4"]
    done = head.ask("cluster.submit", "tune", "sinusoid", "--storage", store, "--name", "sweep", "--trials", "2",
                    "--searcher", "random", *TINY, *steps, "--wait")  # fmt: skip
    assert done.returncode == 0, done.stderr + head.ask("cluster.jobs", "logs", "sweep").stdout
    fetched = head.ask("cluster.jobs", "fetch", "sweep", "--out", str(tmp_path / "sweep"))
    assert fetched.returncode == 0, fetched.stderr
    assert len(load_json(tmp_path / "sweep" / "results.json")["trials"]) == 2
    best = tmp_path / "sweep" / "best.json"
    done = head.ask(
        "cluster.submit", "train", str(best), "--storage", store, "--name", "best", "--workers", "1", "--wait"
    )
    assert done.returncode == 0, done.stderr + head.ask("cluster.jobs", "logs", "best").stdout
    listed = [line.split() for line in head.ask("cluster.jobs", "list").stdout.splitlines()]
    words = [next(row[-1] for row in listed if row[0] == "best"), "--name", "judged"]
    done = head.ask("cluster.submit", "evaluate", *words, "--episodes", "4", "--validation-episodes", "4", "--wait")
    assert done.returncode == 0, done.stderr + head.ask("cluster.jobs", "logs", "judged").stdout
    fetched = head.ask("cluster.jobs", "fetch", "judged", "--out", str(tmp_path / "best"))
    assert fetched.returncode == 0, fetched.stderr
    assert load_algorithm(tmp_path / "best")[0].algorithm == from_json(best.read_text(encoding="utf-8")).algorithm
    assert (tmp_path / "best" / "evaluation.json").exists()
