"""Workers that are killed while they train."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
import torch

from cluster.config import ClusterConfig
from cluster.driver import TrainingFailed, fit
from cluster.zero import DeepSpeedConfig
from metaart.config import RunConfig, override
from metaart.recipes import recipe
from metaart.training.checkpoint import load_tensors
from metaart.training.context import TrainContext
from metaart.training.journal import Journal, read_metrics
from metaart.training.plan import plan_run
from metaart.training.run import WEIGHTS, prepare_run, train_run
from tests.processes import CONTROLLER, WORKER, titled

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

SETTINGS = ["domain.hidden_size=12", "meta.steps=150", "meta.tasks=3", "meta.optimizer=sgd", "meta.outer_lr=0.005",
            "meta.validate_every=0", "log_every=1", "checkpoint_every=10", "batching.mode=vmap"]  # fmt: skip


def left_alone(config: RunConfig, folder: Path) -> Path:
    prepare_run(plan_run(config, folder), resume=False)
    with Journal(folder, {}, show=False) as journal:
        train_run(plan_run(config, folder), TrainContext(report=journal, log_every=1, checkpoint_every=10))
    return folder


def assert_same_end(folder: Path, alone: Path) -> None:
    ours, expected = read_metrics(folder)["meta"], read_metrics(alone)["meta"]
    assert list(ours) == list(expected)
    assert [line["loss"] for line in ours.values()] == pytest.approx(
        [line["loss"] for line in expected.values()], abs=1e-4
    )
    torch.testing.assert_close(load_tensors(folder / WEIGHTS), load_tensors(alone / WEIGHTS), rtol=0, atol=1e-4)


class Fault:
    """Does something to a run once, from a thread of its own, when it is time; `done` says how often it did.

    Args:
        when: returns what `what` is called with, or None while it is not yet time.
        what: the fault.
    """

    def __init__(self, when: Callable[[], Any], what: Callable[[Any], object]) -> None:
        self.done, self._over = 0, threading.Event()
        self._thread = threading.Thread(target=self._run, args=(when, what), daemon=True)

    def _run(self, when: Callable[[], Any], what: Callable[[Any], object]) -> None:
        while not self._over.wait(0.0005):
            if (found := when()) is not None:
                what(found)
                self.done += 1
                return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()


def reached(folder: Path, step: int) -> bool:
    return any(line >= step for line in read_metrics(folder).get("meta", {}))


@pytest.mark.slow
def test_a_run_whose_worker_is_killed_ends_like_one_that_was_left_alone(ray_session: None, tmp_path: Path) -> None:
    config = override(recipe("sinusoid"), [*SETTINGS, "meta.steps=60"])
    alone, folder = left_alone(config, tmp_path / "alone"), tmp_path / "killed"
    killed: list[int] = []

    def kill_one_in_the_middle(line: dict[str, Any]) -> None:
        if line["step"] >= 20 and not killed:
            workers = titled(WORKER)
            assert len(workers) == 2
            os.kill(workers[1], signal.SIGKILL)
            killed.extend(workers)

    prepare_run(plan_run(config, folder), resume=False)
    cluster = ClusterConfig(max_failures=1, deepspeed=DeepSpeedConfig(zero_stage=2))
    fit(config, cluster, folder, report=kill_one_in_the_middle)

    assert len(killed) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in killed)  # the whole group was started again
    assert len(list((folder / "tensorboard").iterdir())) == 2
    assert list(read_metrics(folder)["meta"]) == list(range(1, 61))
    assert_same_end(folder, alone)


@pytest.mark.slow
def test_a_worker_killed_while_it_writes_a_checkpoint_leaves_none_that_is_half(
    ray_session: None, tmp_path: Path
) -> None:
    config = override(recipe("sinusoid"), [*SETTINGS, "checkpoint_every=1"])
    alone, folder = left_alone(config, tmp_path / "alone"), tmp_path / "killed"
    prepare_run(plan_run(config, folder), resume=False)
    checkpoints = folder / "meta" / "checkpoints"

    def writer() -> int | None:
        """The process that is at work on a checkpoint, after some that are whole."""
        names = os.listdir(checkpoints) if checkpoints.exists() else []
        written = len([name for name in names if name.startswith("step-")])
        partial = [re.fullmatch(r"\.step-\d+\.partial-(\d+)", name) for name in names]
        return next((int(match[1]) for match in partial if match and written), None)

    with Fault(writer, lambda pid: os.kill(pid, signal.SIGKILL)) as fault:
        fit(config, ClusterConfig(max_failures=1), folder)
    assert fault.done == 1
    assert len(list((folder / "tensorboard").iterdir())) == 2
    assert not list(folder.rglob("*.partial-*"))
    assert_same_end(folder, alone)


@pytest.mark.slow
def test_a_run_whose_controller_is_killed_is_resumed_by_the_same_command(ray_session: None, tmp_path: Path) -> None:
    config = override(recipe("sinusoid"), SETTINGS)
    alone, folder = left_alone(config, tmp_path / "alone"), tmp_path / "killed"
    prepare_run(plan_run(config, folder), resume=False)

    def controller() -> int | None:
        running = titled(CONTROLLER) if reached(folder, 20) else []
        return running[-1] if running else None

    with Fault(controller, lambda pid: os.kill(pid, signal.SIGKILL)) as fault, pytest.raises(TrainingFailed) as caught:
        fit(config, ClusterConfig(), folder)
    assert fault.done == 1
    assert "--resume" in str(caught.value)
    assert not (folder / WEIGHTS).exists()
    prepare_run(plan_run(config, folder), resume=True)
    fit(config, ClusterConfig(), folder)
    assert_same_end(folder, alone)


@pytest.mark.slow
def test_a_worker_that_hangs_is_named_and_the_run_goes_on(ray_session: None, tmp_path: Path) -> None:
    config = override(recipe("sinusoid"), SETTINGS)
    alone, folder = left_alone(config, tmp_path / "alone"), tmp_path / "hangs"
    prepare_run(plan_run(config, folder), resume=False)
    notes: list[str] = []

    def worker() -> int | None:
        # Halfway: workers say where they are once a second, in which they may take the first twenty steps.
        return max(titled(WORKER)) if reached(folder, 75) and len(titled(WORKER)) == 2 else None

    with Fault(worker, lambda pid: os.kill(pid, signal.SIGSTOP)) as fault:
        cluster = ClusterConfig(max_failures=1, hang_s=20)
        fit(config, cluster, folder, report=lambda line: notes.extend([line["note"]] if "note" in line else []))
    assert fault.done == 1
    assert len(notes) == 1
    assert re.search(r"rank [01] hangs at meta step \d+, and does not answer", notes[0])
    assert_same_end(folder, alone)
