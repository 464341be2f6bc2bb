"""On a GPU one worker takes the steps that one process takes on the CPU, at every ZeRO stage, offloading or not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from cluster.config import ClusterConfig
from cluster.worker import Assignment
from metaart.config import override
from metaart.training.checkpoint import load_json, load_tensors
from metaart.training.plan import plan_run
from metaart.training.run import POOLED, WEIGHTS, prepare_run
from tests.cluster.engine import SGD, assert_same_training, by_workers, in_one_process, sinusoid

pytestmark = [pytest.mark.gpu, pytest.mark.ray, pytest.mark.timeout(600)]

ROUNDING = 1e-5
"""The GPU sums in another order."""
KINDS = {
    "stage 0": ["zero_stage=0"],
    "stage 1": ["zero_stage=1"],
    "stage 2": ["zero_stage=2"],
    "stage 3": ["zero_stage=3", "persistence_threshold=0"],
    "in parts": ["zero_stage=2", "micro_batches=2"],
    "optimizer offloaded at 1": ["zero_stage=1", "offload=optimizer"],
    "optimizer offloaded at 2": ["zero_stage=2", "offload=optimizer"],
    "optimizer offloaded at 3": ["zero_stage=3", "persistence_threshold=0", "offload=optimizer"],
    "weights offloaded": ["zero_stage=3", "persistence_threshold=0", "offload=weights"],
}
BF16 = ["zero_stage=2", "precision=bf16"]
ON_A_GPU = [word for setting in (*SGD, "gpus_per_worker=1") for word in ("--set", setting)]
"""Arguments of a command."""


@pytest.fixture(scope="module")
def runs(ray_session: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run directories of one worker with a GPU, named by kind, and of one process on the CPU, named `cpu`."""
    root, config, works = tmp_path_factory.mktemp("gpu"), sinusoid(SGD), []
    for name, settings in {**KINDS, "bf16": BF16}.items():
        chosen = ["workers=1", "gpus_per_worker=1", *(f"deepspeed.{setting}" for setting in settings)]
        prepare_run(plan_run(config, root / name), resume=False)
        works.append(Assignment(config, override(ClusterConfig(), chosen), root / name))
    by_workers(works, count=1, gpus=1)
    in_one_process(config, root / "cpu")
    return root


@pytest.mark.parametrize("kind", KINDS)
def test_one_worker_takes_the_steps_of_the_processor(runs: Path, kind: str) -> None:
    assert_same_training(runs / kind, runs / "cpu", POOLED, WEIGHTS, atol=ROUNDING)


def test_bf16_learns_about_the_same(runs: Path) -> None:
    ours, expected = load_tensors(runs / "bf16" / WEIGHTS), load_tensors(runs / "cpu" / WEIGHTS)
    assert all(value.dtype == torch.float32 for value in ours.values())
    assert 1e-6 < max(float((ours[name] - expected[name]).abs().max()) for name in ours) < 0.02


def command(module: str, *words: str | Path) -> None:
    done = subprocess.run([sys.executable, "-m", module, *map(str, words)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def test_the_command_trains_on_a_gpu(tmp_path: Path) -> None:
    command("cluster.train", "sinusoid", "--workers", "1", *ON_A_GPU, "--out", tmp_path / "run")
    in_one_process(sinusoid(SGD), tmp_path / "cpu")
    assert_same_training(tmp_path / "run", tmp_path / "cpu", POOLED, WEIGHTS, atol=ROUNDING)


def test_trials_of_a_sweep_train_on_a_gpu(tmp_path: Path) -> None:
    command("tune.search", "sinusoid", "--searcher", "random", "--trials", "2", *ON_A_GPU, "--out", tmp_path / "sweep")
    assert load_json(tmp_path / "sweep" / "best.json")
