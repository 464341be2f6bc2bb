"""Training runs that tests of the engine compare: in one process, and by Ray Train workers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from cluster.worker import Assignment, train_worker
from metaart.config import RunConfig, override
from metaart.recipes import recipe
from metaart.training.checkpoint import load_tensors
from metaart.training.context import TrainContext
from metaart.training.journal import Journal, read_metrics
from metaart.training.plan import plan_run
from metaart.training.run import prepare_run, train_run

SGD = ["algorithm.order=2", "algorithm.steps=2", "algorithm.alpha=0.05", "algorithm.learn_alpha=layer",
       "domain.hidden_size=12", "log_every=1", "batching.mode=vmap",
       "pretrain.steps=3", "pretrain.tasks=5", "pretrain.optimizer=sgd", "pretrain.outer_lr=0.02",
       "pretrain.validate_every=0", "meta.steps=4", "meta.tasks=5", "meta.optimizer=sgd",
       "meta.outer_lr=0.02", "meta.validate_every=2", "meta.validation_tasks=35"]  # fmt: skip


def sinusoid(settings: list[str]) -> RunConfig:
    return override(recipe("sinusoid"), settings)


def in_one_process(config: RunConfig, folder: Path, *, stop: Callable[[], bool] = lambda: False) -> Path:
    prepare_run(plan_run(config, folder), resume=folder.exists())
    with Journal(folder, {}, show=False) as journal:
        train_run(plan_run(config, folder), TrainContext(report=journal, log_every=config.log_every, stop=stop))
    return folder


def by_workers(assignments: list[Assignment], count: int = 2, gpus: int = 0) -> None:
    """One Ray Train run for all, so that Ray, torch and DeepSpeed are started once."""
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    def train_each(settings: dict[str, Any]) -> None:  # defined here, so that it is sent by value
        for assignment in settings["assignments"]:
            train_worker({"assignment": assignment})

    TorchTrainer(
        train_each,
        train_loop_config={"assignments": assignments},
        scaling_config=ScalingConfig(
            num_workers=count, use_gpu=bool(gpus), resources_per_worker={"CPU": 1, "GPU": gpus}
        ),
        run_config=RunConfig(
            name="ray", storage_path=str(assignments[0].folder.parent), failure_config=FailureConfig(max_failures=0)
        ),
    ).fit()


def assert_same_training(one: Path, other: Path, *files: str, atol: float = 2e-6) -> None:
    """Weights, losses and validations of two runs are the same but for rounding."""
    for file in files:
        ours, theirs = load_tensors(one / file), load_tensors(other / file)
        torch.testing.assert_close(ours, theirs, rtol=0, atol=atol)
    for stage, lines in read_metrics(other).items():
        again = read_metrics(one)[stage]
        assert list(again) == list(lines)
        for step, line in lines.items():
            for name in ("loss", "before", "validation"):
                assert again[step].get(name) == pytest.approx(line.get(name), abs=5 * atol), (stage, step, name)
