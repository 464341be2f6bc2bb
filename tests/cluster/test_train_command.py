"""`python -m cluster.train` as a user runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cluster.train import main
from metaart.files import only_writer
from metaart.training.checkpoint import newest_checkpoint
from metaart.training.journal import read_metrics
from metaart.training.run import load_algorithm
from tests.processes import WORKER, titled

ROOT = Path(__file__).resolve().parents[2]
TINY = ["domain.hidden_size=16", "domain.embedding_size=8", "domain.max_tokens=48", "batching.mode=loop",
        "pretrain.steps=40", "pretrain.tasks=6", "pretrain.validation_tasks=6", "meta.steps=2", "meta.tasks=3",
        "meta.episode.support=3", "meta.episode.query=3", "meta.validation_tasks=4", "log_every=1"]  # fmt: skip


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "cluster.train", *map(str, arguments)]


def settings(keys: list[str]) -> list[str]:
    return [word for key in keys for word in ("--set", key)]


def assert_finished(out: Path, name: str) -> None:
    """A run of this recipe with its curves and weights, and nothing of Ray's."""
    assert (out / "curves.png").stat().st_size > 1000
    assert not (out / "ray").exists()
    assert load_algorithm(out)[0].recipe == name


@pytest.mark.ray
def test_two_workers_train_a_run_to_the_end(
    ray_session: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    out, few = tmp_path / "run", ["domain.hidden_size=12", "meta.steps=6", "meta.tasks=3", "meta.validate_every=3",
                                  "meta.validation_tasks=4", "log_every=1", "batching.mode=loop"]  # fmt: skip
    assert main(["sinusoid", "--workers", "2", "--out", str(out), *settings(few)]) == 0
    streams = capsys.readouterr()
    assert "meta: 6 steps" in streams.out
    assert "step 6: validation" in streams.err  # the driver shows what the workers do
    assert list(read_metrics(out)["meta"]) == list(range(1, 7))
    assert_finished(out, "sinusoid")
    with only_writer(out):
        assert main(["sinusoid", "--workers", "2", "--out", str(out), *settings(few), "--resume"]) == 2
    assert "which one is writing now" in capsys.readouterr().err


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_command_of_the_readme_outlives_a_killed_worker(music_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    asked = ["music", "--workers", "2", "--set", "deepspeed.zero_stage=1", "--data", str(music_data), "--out", str(out)]
    command_line = command(*asked, *settings([*TINY, "checkpoint_every=5"]))
    process = subprocess.Popen(command_line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "RAY_ADDRESS": "local"})  # fmt: skip
    while max(read_metrics(out).get("pretrain", [0])) < 10 and process.poll() is None:
        time.sleep(0.05)
    workers = titled(WORKER, below=process.pid)
    assert len(workers) == 2
    assert newest_checkpoint(out / "pretrain" / "checkpoints") is not None
    os.kill(workers[1], signal.SIGKILL)
    output, progress = process.communicate(timeout=500)

    assert process.returncode == 0, progress
    assert "meta: 2 steps" in output
    assert "step 40: validation" in progress  # the driver shows what the workers do
    assert "Traceback" not in progress
    metrics = read_metrics(out)
    assert (list(metrics["pretrain"]), list(metrics["meta"])) == (list(range(1, 41)), [1, 2])
    assert len(list((out / "tensorboard").iterdir())) == 2, "the workers were started twice"
    assert_finished(out, "music")


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_interrupted_run_is_resumed_and_finished(
    music_data: Path, tmp_path: Path, ray_session: None, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """As a process with a Ray of its own, interrupted; then here, on the Ray of the tests."""
    out = tmp_path / "run"
    asked = ["music", "--workers", "2", "--set", "deepspeed.zero_stage=1", "--data", os.path.relpath(music_data, ROOT),
             "--out", str(out), *settings(TINY)]  # fmt: skip
    first = subprocess.Popen(
        command(*asked), cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "RAY_ADDRESS": "local"},
        # A shell that runs these tests in the background has them ignore SIGINT, and what they start too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    while not read_metrics(out) and first.poll() is None:
        time.sleep(0.05)
    assert first.poll() is None, first.communicate()[1]
    os.killpg(first.pid, signal.SIGINT)  # as a terminal does: to all processes of the command
    _, words = first.communicate()
    assert first.returncode == 130, words
    assert "--resume" in words
    assert "Traceback" not in words
    assert newest_checkpoint(out / "pretrain" / "checkpoints") is not None
    assert not (out / "pooled.safetensors").exists()
    interrupted_after = max(read_metrics(out)["pretrain"])
    assert interrupted_after < 40

    monkeypatch.chdir(ROOT)
    assert main([*asked, "--resume"]) == 0
    streams = capsys.readouterr()
    assert "meta: 2 steps" in streams.out
    assert "step 40: validation" in streams.err  # the driver shows what the workers do
    assert list(read_metrics(out)["pretrain"]) == list(range(1, 41))
    assert_finished(out, "music")


def test_bad_input_is_explained_in_one_paragraph(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = {
        ("music", "--workers", "0"): "a number of workers from 1 up",
        ("music", "--workers", "100"): "a task for every worker",
        ("sinusoid", "--workers", "1000", "--set", "meta.tasks=1000"): "CPUs that are there",
        ("music", "--set", "meta.stepz=3"): "meta.stepz",
        ("music", "--set", "deepspeed.zero_stage=7"): "zero_stage",
        ("music", "--set", "algorithm.alpha=-1"): "alpha",
    }
    for case, words in cases.items():
        assert main([*case, "--out", str(tmp_path / "run")]) == 2
        assert_one_paragraph(capsys.readouterr().err, words)
    process = subprocess.run(command("nothing"), cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 2
    assert_one_paragraph(process.stderr, "a recipe")
    assert not (tmp_path / "run").exists()


def assert_one_paragraph(error: str, words: str) -> None:
    assert words in error
    assert "Traceback" not in error
    assert "\n\n" not in error
