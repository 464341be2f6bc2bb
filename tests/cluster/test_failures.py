"""Workers that are killed while they train."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from cluster.config import ClusterConfig, DeepSpeedConfig
from cluster.driver import fit
from metaart.config import override
from metaart.recipes import recipe
from metaart.training.checkpoint import load_tensors
from metaart.training.journal import Journal, read_metrics
from metaart.training.loop import Place
from metaart.training.run import WEIGHTS, prepare_run, train_run

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

SETTINGS = ["domain.hidden_size=12", "meta.steps=150", "meta.tasks=3", "meta.optimizer=sgd", "meta.outer_lr=0.005",
            "meta.validate_every=0", "log_every=1", "checkpoint_every=10", "batching.mode=vmap"]  # fmt: skip


def training_workers() -> list[int]:
    """Process ids of the Ray Train workers below this process."""
    parents, titles = {}, {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit():
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                titles[int(entry.name)] = (entry / "cmdline").read_bytes().decode()
        except OSError:  # it ended meanwhile
            continue

    def ours(pid: int) -> bool:
        return pid == os.getpid() or (pid in parents and ours(parents[pid]))

    return sorted(
        pid for pid, title in titles.items() if title.startswith("ray::") and "RayTrainWorker" in title and ours(pid)
    )


def test_a_run_whose_worker_is_killed_ends_like_one_that_was_left_alone(ray_session: None, tmp_path: Path) -> None:
    config = override(recipe("sinusoid"), SETTINGS)
    alone, folder = tmp_path / "alone", tmp_path / "killed"
    prepare_run(config, alone, resume=False)
    with Journal(alone, {}, show=False) as journal:
        train_run(config, Place(alone, report=journal, log_every=1, checkpoint_every=10))

    killed: list[int] = []

    def kill_one_in_the_middle(line: dict[str, Any]) -> None:
        if line["step"] >= 20 and not killed:
            workers = training_workers()
            assert len(workers) == 2
            os.kill(workers[1], signal.SIGKILL)
            killed.extend(workers)

    prepare_run(config, folder, resume=False)
    cluster = ClusterConfig(max_failures=1, deepspeed=DeepSpeedConfig(zero_stage=2))
    fit(config, cluster, folder, report=kill_one_in_the_middle)

    assert len(killed) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in killed)  # the whole group was started again
    starts = list((folder / "tensorboard").iterdir())
    assert len(starts) == 2
    ours, expected = read_metrics(folder)["meta"], read_metrics(alone)["meta"]
    assert list(ours) == list(expected) == list(range(1, 151))
    assert [line["loss"] for line in ours.values()] == pytest.approx(
        [line["loss"] for line in expected.values()], abs=1e-4
    )
    torch.testing.assert_close(load_tensors(folder / WEIGHTS), load_tensors(alone / WEIGHTS), rtol=0, atol=1e-4)
