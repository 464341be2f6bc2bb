"""A whole run: the pooled stage, then meta-training from its weights, in a directory that holds all that is needed."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

from metaart.algorithms import Batching, MetaAlgorithm
from metaart.build import build_algorithm, build_domain, build_pooled
from metaart.config import RunConfig, StageConfig, from_json, to_json
from metaart.domains import Domain
from metaart.errors import UserError
from metaart.files import make_folder, save_text, write_file
from metaart.tasks import Task
from metaart.training.checkpoint import load_tensors, save_tensors
from metaart.training.context import TrainContext
from metaart.training.loop import BEST, Stage, train
from metaart.training.measured_batching import measured_once
from metaart.training.plan import POOLED, RESULTS, WEIGHTS, RunPlan
from metaart.training.step import LocalStep, OuterStep, State, load_weights

__all__ = [
    "CONFIG", "METRICS", "POOLED", "WEIGHTS", "load_algorithm", "load_config", "pooled_theta", "prepare_run",
    "read_config", "take_over_pooled", "train_run",
]  # fmt: skip

MakeStep = Callable[[MetaAlgorithm, StageConfig], OuterStep]
CONFIG, METRICS = "config.json", "metrics.jsonl"
ALONE = TrainContext()


def prepare_run(plan: RunPlan, *, resume: bool) -> None:
    """Make the run directory, or check that it is the one to go on with.

    Raises:
        UserError: a run is there and `resume` is off, or it has another configuration.
    """
    folder = plan.folder
    if (folder / CONFIG).exists():
        if not resume:
            raise UserError(
                expected="a new run directory", got=f"{folder}, which holds a run", fix="Add --resume or another --out."
            )
        if read_config(folder) != plan.config:
            raise UserError(
                expected="the configuration that the run began with",
                got=f"another for {folder}",
                fix="Resume with the same recipe and --set values, or take another --out.",
            )
        _check_assets(plan.domain, folder)
        return
    make_folder(folder)
    for name, data in plan.domain.assets().items():
        write_file(folder / name, data)
    # Last, as it is what says that a run is there.
    save_text(folder / CONFIG, to_json(plan.config))


def take_over_pooled(plan: RunPlan) -> None:
    """Write the pooled weights of another run and what they cost, if the plan has any, in place of a pooled stage."""
    if plan.pooled is None or (plan.folder / POOLED).exists():
        return
    save_tensors(plan.folder / POOLED, plan.pooled.weights)
    save_text(plan.folder / METRICS, "".join(f"{json.dumps(line)}\n" for line in plan.pooled.lines))


def train_run(plan: RunPlan, context: TrainContext = ALONE, make_step: MakeStep = LocalStep) -> None:
    """Train the stages of a plan in the run directory that `prepare_run` made.

    Args:
        plan: of the run; what it is to take over, `take_over_pooled` has written.
        context: rank and world, and where metrics go.
        make_step: builds the outer step; the local one, or one over a cluster.
    """
    config, models = plan.config, {name: copy.deepcopy(plan.models[name]) for name in plan.tasks}
    if "pretrain" in plan.tasks:
        _train_stage("pretrain", config.pretrain, plan, models["pretrain"], context, make_step)
    if "meta" in plan.tasks:
        if (plan.folder / POOLED).exists():  # trained here, or taken over
            models["meta"].load_theta(theta_of(copy.deepcopy(plan.models["pretrain"]), plan.folder))
        _train_stage("meta", config.meta, plan, models["meta"], context, make_step)


def pooled_theta(config: RunConfig, domain: Domain, folder: Path) -> State:
    """The pooled weights of a run, by the learner's own names."""
    return theta_of(build_pooled(config, domain), folder)


def theta_of(pooled: MetaAlgorithm, folder: Path) -> State:
    """The same by way of a pooled model, which takes them over."""
    load_weights(pooled, load_tensors(folder / POOLED))
    return {name: value.detach() for name, value in pooled.theta().items()}


def _train_stage(
    name: str,
    config: StageConfig,
    plan: RunPlan,
    algorithm: MetaAlgorithm,
    context: TrainContext,
    make_step: MakeStep,
) -> None:
    """Train one stage in a folder of its own and put its best weights at the top of the run."""
    folder, tasks, domain = plan.folder / name, plan.tasks[name], plan.domain
    if algorithm.batching.mode == "auto":
        first = tasks.train.batch(0, context.share(0, config.tasks))
        algorithm.batching = measured_once(algorithm, first, folder, context)
    times_support, times_query = algorithm.passes

    def units(batch: Task) -> int:
        return times_support * domain.units(batch.support) + times_query * domain.units(batch.query)

    stage = Stage(name, config, folder, tasks.train, tasks.validation, units)
    train(stage, make_step(algorithm, config), context)
    _publish(folder / BEST, plan.folder / RESULTS[name], context)


def _publish(source: Path, target: Path, context: TrainContext) -> None:
    """Rank 0 puts a finished stage's weights at the top of the run; the others wait until they are there."""
    if context.rank == 0:
        save_tensors(target, load_tensors(source))
    context.sharing.send(target)
    context.wait_for(target)


def load_algorithm(folder: Path) -> tuple[RunConfig, Domain, MetaAlgorithm]:
    """The trained meta-learner of a run directory.

    Raises:
        UserError: a file is missing or damaged.
    """
    config, domain = load_config(folder)
    algorithm = build_algorithm(dataclasses.replace(config, batching=Batching("vmap")), domain)
    load_weights(algorithm, load_tensors(folder / WEIGHTS))
    return config, domain, algorithm


def load_config(folder: Path) -> tuple[RunConfig, Domain]:
    """The configuration of a run directory, and its domain.

    Raises:
        UserError: config.json or what the domain keeps beside it is missing, damaged or of another version.
    """
    config = read_config(folder)
    domain = build_domain(config)
    _check_assets(domain, folder)
    return config, domain


def _check_assets(domain: Domain, folder: Path) -> None:
    for name in domain.assets():
        domain.check_asset(folder / name)


def read_config(folder: Path) -> RunConfig:
    """The configuration of a run directory.

    Raises:
        UserError: config.json is missing, damaged or of another version.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise UserError(
            expected="a run directory with config.json, weights.safetensors and tokenizer.json",
            got=f"{folder}" + (" without config.json" if folder.is_dir() else ", which is not there"),
            fix="Train one with `metaart train music --out runs/music`.",
        )
    try:
        return from_json(path.read_text(encoding="utf-8"), where=str(path))
    except UnicodeDecodeError as error:
        raise UserError(expected="JSON", got=f"{path}, which is damaged", fix="Copy the run again.") from error
