"""Commands whose reader goes: a pipe to `head`, a terminal that is closed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from metaart.training.journal import read_metrics

ROOT = Path(__file__).resolve().parent.parent
FEW = ["meta.steps=40", "pretrain.steps=5", "meta.tasks=2", "pretrain.tasks=2", "domain.hidden_size=5",
       "meta.validation_tasks=2", "pretrain.validation_tasks=2", "meta.validate_every=10", "log_every=1",
       "batching.mode=loop"]  # fmt: skip


def ended_unread(*arguments: object, folder: Path, buffered: bool, read: int) -> int:
    """The exit status of a command whose reader goes after so many bytes, of stderr too."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "" if buffered else "1"}
    ran = subprocess.Popen(
        [sys.executable, "-m", "metaart.cli", *map(str, arguments)], cwd=folder, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert ran.stdout is not None
    assert len(ran.stdout.read(read)) == read
    ran.stdout.close()
    return ran.wait(timeout=280)


@pytest.mark.slow
def test_a_training_outlives_its_terminal(tmp_path: Path) -> None:
    """The bar is gone, the weights are there, and the status says so."""
    few = [word for setting in FEW for word in ("--set", setting)]
    assert ended_unread("train", "sinusoid", *few, "--out", "run", folder=tmp_path, buffered=True, read=60) == 0
    assert (tmp_path / "run" / "weights.safetensors").exists()
    assert len(read_metrics(tmp_path / "run")["meta"]) == 40


def test_what_only_prints_ends_quietly_without_a_reader(music_data: Path, tmp_path: Path) -> None:
    assert ended_unread("list", folder=tmp_path, buffered=True, read=0) == 0
    assert ended_unread("data", "show", music_data, folder=tmp_path, buffered=False, read=0) == 0


def test_work_that_stops_for_want_of_a_reader_is_no_success(midi_folder: Path, tmp_path: Path) -> None:
    command = ["data", "prepare", "music", "--source", "folder", "--path", midi_folder, "--out", "data"]
    assert ended_unread(*command, folder=tmp_path, buffered=False, read=0) == 141
    assert not (tmp_path / "data").exists()
