"""A run as it is about to be trained: all that is built from its configuration, built once and handed on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from metaart.algorithms import MetaAlgorithm
from metaart.build import build_domain, build_models, build_sampler
from metaart.config import RunConfig, StageConfig
from metaart.domains import Domain
from metaart.tasks import TaskStream
from metaart.training.checkpoint import load_tensors
from metaart.training.journal import read_metrics
from metaart.training.step import State, check_weights

POOLED, WEIGHTS = "pooled.safetensors", "weights.safetensors"
RESULTS = {"pretrain": POOLED, "meta": WEIGHTS}
"""The file that says that a stage is finished."""


class StageTasks(NamedTuple):
    """What a stage is trained and validated on; None where it is not validated."""

    train: TaskStream
    validation: TaskStream | None


class PooledModel(NamedTuple):
    """The pooled weights of another run, and the lines of its metrics that say what they cost."""

    weights: State
    lines: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class RunPlan:
    """What `plan_run` found that there is to do.

    Attributes:
        config: of the run.
        folder: the run directory, there or not.
        domain: the art form.
        tasks: of each stage that is still to be trained, by its name.
        models: what each stage trains, freshly initialised, by its name; training takes copies, so that a plan can be
            carried out again.
        pooled: what is taken over in place of a pooled stage; None where nothing is.
    """

    config: RunConfig
    folder: Path
    domain: Domain
    tasks: Mapping[str, StageTasks]
    models: Mapping[str, MetaAlgorithm]
    pooled: PooledModel | None = None

    def pooled_alone(self, folder: Path) -> RunPlan:
        """The plan of a run in another folder, there or not, that is the pooled stage of this one and no more."""
        wanted = {"pretrain"} - finished(folder)
        tasks = {name: tasks for name, tasks in self.tasks.items() if name in wanted}
        return dataclasses.replace(self, config=pooled_config(self.config), folder=folder, tasks=tasks)


def plan_run(config: RunConfig, folder: Path, *, start_from: Path | None = None) -> RunPlan:
    """Build what a run is trained with, and write nothing.

    Args:
        config: of the run.
        folder: the run directory, there or not; its finished stages need no data.
        start_from: run whose pooled weights are taken over in place of a pooled stage. A run that has pooled weights
            already, because it is resumed, keeps them.

    Raises:
        UserError: what training would stumble over: data that cannot be used, an art form that lacks what the
            algorithm needs, a run to start from that has no pooled weights, or those of another learner.
    """
    domain, pooled = build_domain(config), None
    models = build_models(config, domain)
    if start_from is not None and not (folder / POOLED).exists():
        pooled = read_pooled(models["pretrain"], start_from)
    done = finished(folder) | ({"pretrain"} if start_from is not None else set())
    # Of all stages before the first begins: a task that the data cannot give is said at once, not hours later.
    tasks = {name: stage_tasks(config, stage, domain) for name, stage in config.stages.items() if name not in done}
    return RunPlan(config, folder, domain, tasks, models, pooled)


def pooled_config(config: RunConfig) -> RunConfig:
    """A run's pooled stage alone."""
    return dataclasses.replace(config, meta=StageConfig(steps=0, episode=config.meta.episode))


def finished(folder: Path) -> set[str]:
    """The stages that a run directory has the results of."""
    return {name for name, result in RESULTS.items() if (folder / result).exists()}


def stage_tasks(config: RunConfig, stage: StageConfig, domain: Domain) -> StageTasks:
    """What a stage is trained and validated on.

    Raises:
        UserError: the data cannot give it.
    """
    validation = build_sampler(config, stage, domain, "validation") if stage.validate_every else None
    return StageTasks(build_sampler(config, stage, domain, "train"), validation)


def read_pooled(model: MetaAlgorithm, other: Path) -> PooledModel:
    """What there is to be taken over from another run into such a pooled model.

    Raises:
        UserError: it has no pooled weights, or those of another learner.
    """
    weights = load_tensors(other / POOLED)
    check_weights(model, weights)
    return PooledModel(weights, tuple(read_metrics(other).get("pretrain", {}).values()))
