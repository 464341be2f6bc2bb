"""A run that was cut off and resumed equals one that never was, bit for bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from metaart.algorithms import MetaAlgorithm
from metaart.cli import main
from metaart.config import RunConfig, StageConfig, override
from metaart.errors import UserError
from metaart.recipes import recipe
from metaart.training.checkpoint import load_checkpoint, load_tensors, newest_checkpoint
from metaart.training.context import TrainContext
from metaart.training.journal import Journal, read_metrics
from metaart.training.plan import plan_run
from metaart.training.run import prepare_run, train_run
from metaart.training.step import LocalStep

STAGES = ["pretrain.steps=5", "meta.steps=5", "meta.validate_every=2", "pretrain.validate_every=2",
          "meta.tasks=3", "pretrain.tasks=4", "meta.validation_tasks=3", "pretrain.validation_tasks=3"]  # fmt: skip
SINUSOID = ["domain.hidden_size=6", *STAGES]
CHANGES = ["domain.hidden_size=5", "meta.steps=20", "meta.tasks=2", "batching.mode=loop", "log_every=8",
           "checkpoint_every=1", "meta.validate_every=9", "meta.validation_tasks=2"]  # fmt: skip
COMMAND = ["train", "sinusoid", *(part for change in CHANGES for part in ("--set", change)), "--out"]


class PlugError(Exception):
    """The machine is gone."""


def run(config: RunConfig, folder: Path, pull_at: tuple[str, int] | None = None) -> None:
    """Train with a journal; at a (stage, step) the plug is pulled before anything more is written."""
    plan = plan_run(config, folder)
    prepare_run(plan, resume=True)
    with Journal(folder, {}, show=False) as journal:

        def report(line: dict[str, Any]) -> None:
            journal(line)
            if (line["stage"], line["step"]) == pull_at:
                raise PlugError

        train_run(plan, TrainContext(report=report, log_every=1, checkpoint_every=2))


def assert_equal_runs(one: Path, other: Path) -> None:
    tensors = sorted(path.relative_to(one) for path in one.rglob("*.safetensors"))
    assert tensors == sorted(path.relative_to(other) for path in other.rglob("*.safetensors"))
    assert tensors
    for name in tensors:
        left, right = load_tensors(one / name), load_tensors(other / name)
        assert left.keys() == right.keys()
        assert all(torch.equal(value, right[key]) for key, value in left.items()), name
    timeless = {"seconds", "tasks_per_s"}
    for path in one.rglob("state.json"):
        states = [json.loads((root / path.relative_to(one)).read_text()) for root in (one, other)]
        assert {**states[0], "seconds": 0} == {**states[1], "seconds": 0}
    metrics = [
        {
            (stage, step): {name: value for name, value in line.items() if name not in timeless}
            for stage, lines in read_metrics(root).items()
            for step, line in lines.items()
        }
        for root in (one, other)
    ]
    assert metrics[0] == metrics[1]
    assert metrics[0]


@pytest.mark.parametrize("mode", ["loop", "vmap"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_resumed_run_equals_an_uninterrupted_one(mode: str, optimizer: str, tmp_path: Path) -> None:
    settings = [f"batching.mode={mode}", f"meta.optimizer={optimizer}", f"pretrain.optimizer={optimizer}"]
    config = override(recipe("sinusoid"), [*SINUSOID, *settings, "algorithm.learn_alpha=layer"])
    run(config, tmp_path / "whole")
    for pull_at in (("pretrain", 1), ("pretrain", 4), ("meta", 3), ("meta", 5)):
        with pytest.raises(PlugError):
            run(config, tmp_path / "cut", pull_at)
    run(config, tmp_path / "cut")
    assert_equal_runs(tmp_path / "whole", tmp_path / "cut")


@pytest.mark.parametrize("mode", ["loop", "vmap"])
def test_so_does_a_music_run(mode: str, tiny_config: RunConfig, tmp_path: Path) -> None:
    config = override(tiny_config, [*STAGES, f"batching.mode={mode}"])
    run(config, tmp_path / "whole")
    for pull_at in (("pretrain", 3), ("meta", 4)):
        with pytest.raises(PlugError):
            run(config, tmp_path / "cut", pull_at)
    run(config, tmp_path / "cut")
    assert_equal_runs(tmp_path / "whole", tmp_path / "cut")


@pytest.mark.parametrize("mode", ["loop", "vmap"])
def test_a_resumed_run_keeps_the_batching_that_was_measured_when_it_began(mode: str, tmp_path: Path) -> None:
    config = override(recipe("sinusoid"), [*SINUSOID, "pretrain.steps=0", "batching.mode=auto", "batching.chunk=2"])
    with pytest.raises(PlugError):
        run(config, tmp_path, ("meta", 3))
    stored = json.loads((tmp_path / "meta" / "batching.json").read_text())
    assert stored in ({"mode": "vmap", "chunk": 2}, {"mode": "loop", "chunk": 2})
    (tmp_path / "meta" / "batching.json").write_text(json.dumps({"mode": mode, "chunk": 2}))
    used = []

    def make_step(algorithm: MetaAlgorithm, stage: StageConfig) -> LocalStep:
        used.append(algorithm.batching)
        return LocalStep(algorithm, stage)

    train_run(plan_run(config, tmp_path), make_step=make_step)
    assert [(batching.mode, batching.chunk) for batching in used] == [(mode, 2)]


@pytest.mark.parametrize("text", ["", "{}", '{"mode": "auto", "chunk": 0}', '{"mode": "vmap", "chunk": "2"}'])
def test_a_damaged_choice_of_batching_is_named(text: str, tmp_path: Path) -> None:
    config = override(recipe("sinusoid"), [*SINUSOID, "pretrain.steps=0", "batching.mode=auto"])
    plan = plan_run(config, tmp_path)
    prepare_run(plan, resume=False)
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "batching.json").write_text(text)
    with pytest.raises(UserError, match=r"batching\.json"):
        train_run(plan)


def test_a_damaged_newest_checkpoint_is_passed_over_and_that_is_said(tmp_path: Path) -> None:
    config = override(recipe("sinusoid"), [*SINUSOID, "batching.mode=loop"])
    run(config, tmp_path / "whole")
    with pytest.raises(PlugError):
        run(config, tmp_path / "cut", ("meta", 5))
    newest = newest_checkpoint(tmp_path / "cut" / "meta" / "checkpoints")
    assert newest is not None
    weights = newest / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-9] ^= 1  # one bit, which the format itself does not notice
    weights.write_bytes(content)
    notes: list[str] = []
    with Journal(tmp_path / "cut", {}, show=False) as journal:

        def report(line: dict[str, Any]) -> None:
            journal(line)
            notes.extend([line["note"]] if "note" in line else [])

        context = TrainContext(report=report, log_every=1, checkpoint_every=2)
        train_run(plan_run(config, tmp_path / "cut"), context)
    assert len(notes) == 1
    assert str(weights) in notes[0]
    assert_equal_runs(tmp_path / "whole", tmp_path / "cut")


def test_a_run_whose_checkpoints_are_all_damaged_does_not_begin_anew(tmp_path: Path) -> None:
    config = override(recipe("sinusoid"), [*SINUSOID, "batching.mode=loop"])
    with pytest.raises(PlugError):
        run(config, tmp_path, ("meta", 5))
    for path in (tmp_path / "meta" / "checkpoints").glob("*/state.json"):
        path.write_text("{")
    with pytest.raises(UserError, match=r"state\.json"):
        train_run(plan_run(config, tmp_path))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted") / "run"
    assert main([*COMMAND, str(folder)]) == 0
    return folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_process_that_is_stopped_is_resumed_to_the_same_end(
    number: signal.Signals, uninterrupted: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "cut"
    process = subprocess.Popen(
        [sys.executable, "-m", "metaart.cli", *COMMAND, str(cut)],
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        text=True,
    )
    while not (cut / "meta" / "checkpoints" / "step-0000003").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(number)
    _, output = process.communicate(timeout=60)
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "--resume" in output
        assert "Traceback" not in output
    else:
        assert process.returncode == -signal.SIGKILL
    newest = newest_checkpoint(cut / "meta" / "checkpoints")
    assert newest is not None
    assert load_checkpoint(newest)[1]["step"] < 20
    assert not (cut / "weights.safetensors").exists()
    assert main([*COMMAND, str(cut), "--resume"]) == 0
    assert_equal_runs(uninterrupted, cut)
    assert [path for path in cut.rglob(".*") if "partial" in path.name] == []
