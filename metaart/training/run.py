"""A whole run: the pooled stage, then meta-training from its weights, in a directory that holds all that is needed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

from metaart.algorithms import Batching, MetaAlgorithm
from metaart.build import build_algorithm, build_domain, build_pooled, build_sampler
from metaart.config import RunConfig, StageConfig, from_json, to_json
from metaart.data.sampler import TaskSampler
from metaart.domains import Domain
from metaart.errors import UserError
from metaart.files import make_folder, save_text
from metaart.tasks import Task
from metaart.training.checkpoint import load_json, load_tensors, save_tensors
from metaart.training.journal import read_metrics
from metaart.training.loop import Place, Stage, measured_batching, train
from metaart.training.step import LocalStep, OuterStep, State, load_weights

MakeStep = Callable[[MetaAlgorithm, StageConfig], OuterStep]
POOLED, WEIGHTS, CONFIG = "pooled.safetensors", "weights.safetensors", "config.json"
METRICS, BATCHING = "metrics.jsonl", "batching.json"
Tasks = tuple[TaskSampler, TaskSampler | None]
"""Of a stage: to train on, and to validate on."""


def check_run(config: RunConfig, folder: Path, other: Path | None = None) -> None:
    """Raise `UserError` here, before anything is written, for what training would stumble over.

    That is data that cannot be used, an art form that lacks what the algorithm needs, and a run to start from that has
    no pooled weights, or those of another learner.

    Args:
        config: of the run.
        folder: the run directory, there or not; its finished stages need no data.
        other: run that `start_from` is to take pooled weights from.
    """
    domain = build_domain(config)
    if other is not None and not (folder / POOLED).exists():
        check_pooled(config, other)
    if config.meta.steps:
        build_algorithm(config, domain)
    _tasks_by_stage(config, folder, domain, taken_over=other is not None)


def check_pooled(config: RunConfig, other: Path) -> State:
    """The pooled weights of another run, if it has any, and of this run's learner.

    Raises:
        UserError: it has none, or those of another learner.
    """
    weights = load_tensors(other / POOLED)
    load_weights(build_pooled(config, build_domain(config)), weights)
    return weights


def prepare_run(config: RunConfig, folder: Path, *, resume: bool) -> None:
    """Make the run directory, or check that it is the one to go on with.

    Raises:
        UserError: a run is there and `resume` is off, or it has another configuration.
    """
    text = to_json(config)
    if (folder / CONFIG).exists():
        if not resume:
            raise UserError(
                expected="a new run directory", got=f"{folder}, which holds a run", fix="Add --resume or another --out."
            )
        if load_config(folder)[0] != config:
            raise UserError(
                expected="the configuration that the run began with",
                got=f"another for {folder}",
                fix="Resume with the same recipe and --set values, or take another --out.",
            )
        return
    make_folder(folder)
    build_domain(config).save_assets(folder)
    save_text(folder / CONFIG, text)


def start_from(config: RunConfig, folder: Path, other: Path) -> None:
    """Take over the pooled weights of another run and what they cost, in place of this run's pooled stage.

    A run that has pooled weights already, because it is resumed, keeps them.

    Raises:
        UserError: the other run has none, or another learner.
    """
    if (folder / POOLED).exists():
        return
    save_tensors(folder / POOLED, check_pooled(config, other))
    kept = read_metrics(other).get("pretrain", {}).values()
    save_text(folder / METRICS, "".join(f"{json.dumps(line)}\n" for line in kept))


def train_run(config: RunConfig, place: Place, make_step: MakeStep = LocalStep) -> None:
    """Train all stages of a run that `prepare_run` made; finished stages are not trained again.

    Args:
        config: of the run.
        place: the run's folder, rank and world, and where metrics go.
        make_step: builds the outer step; the local one, or one over a cluster.
    """
    domain, folder = build_domain(config), place.folder
    # Of all stages before the first begins: a task that the data cannot give is said at once, not hours later.
    tasks = _tasks_by_stage(config, folder, domain)
    if "pretrain" in tasks:
        pooled = build_pooled(config, domain)
        _train_stage("pretrain", config.pretrain, tasks["pretrain"], domain, pooled, place, make_step)
        _publish(folder / "pretrain" / "best.safetensors", folder / POOLED, place)
    if "meta" in tasks:
        algorithm = build_algorithm(config, domain)
        if (folder / POOLED).exists():  # trained here, or taken over by `start_from`
            algorithm.load_theta(pooled_theta(config, domain, folder))
        _train_stage("meta", config.meta, tasks["meta"], domain, algorithm, place, make_step)
        _publish(folder / "meta" / "best.safetensors", folder / WEIGHTS, place)


def pooled_theta(config: RunConfig, domain: Domain, folder: Path) -> State:
    """The pooled weights of a run, by the learner's own names."""
    pooled = build_pooled(config, domain)
    load_weights(pooled, load_tensors(folder / POOLED))
    return {name: value.detach() for name, value in pooled.theta().items()}


def _tasks_by_stage(config: RunConfig, folder: Path, domain: Domain, taken_over: bool = False) -> dict[str, Tasks]:
    """Of the stages that are still to be trained; the pooled one is not where its weights are taken over."""
    stages = {"pretrain": (config.pretrain, POOLED), "meta": (config.meta, WEIGHTS)}
    done = {name for name, (_, makes) in stages.items() if (folder / makes).exists()}
    done |= {"pretrain"} if taken_over else set()
    return {
        name: tasks_of(config, stage, domain) for name, (stage, _) in stages.items() if stage.steps and name not in done
    }


def tasks_of(config: RunConfig, stage: StageConfig, domain: Domain) -> Tasks:
    """What a stage is trained and validated on.

    Raises:
        UserError: the data cannot give it.
    """
    validation = build_sampler(config, stage, domain, "validation") if stage.validate_every else None
    return build_sampler(config, stage, domain, "train"), validation


def _train_stage(
    name: str,
    config: StageConfig,
    tasks: Tasks,
    domain: Domain,
    algorithm: MetaAlgorithm,
    place: Place,
    make_step: MakeStep,
) -> None:
    sampler, validation = tasks
    place = dataclasses.replace(place, folder=place.folder / name)
    if algorithm.batching.mode == "auto":
        share = range(place.rank, config.tasks, place.world)
        algorithm.batching = _measured_once(algorithm, sampler.batch(0, share), place)
    times_support, times_query = algorithm.passes

    def units(batch: Task) -> int:
        return times_support * domain.units(batch.support) + times_query * domain.units(batch.query)

    stage = Stage(name, config, sampler, validation, units)
    train(stage, make_step(algorithm, config), place)


def _measured_once(algorithm: MetaAlgorithm, tasks: Task, place: Place) -> Batching:
    """What rank 0 measured when the stage began: `vmap` and `loop` round differently, so a resumed run keeps to it."""
    path = place.folder / BATCHING
    if place.rank == 0 and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        save_text(path, json.dumps(dataclasses.asdict(measured_batching(algorithm, tasks, place.device))))
    place.sharing.send(path)
    place.wait_for(path)
    stored = load_json(path)
    if (
        set(stored) != {"mode", "chunk"}
        or stored["mode"] not in ("vmap", "loop")
        or not isinstance(stored["chunk"], int)
    ):
        raise UserError(
            expected="a measured batching of tasks", got=f"{path}, which is damaged", fix="Delete it and resume."
        )
    return Batching(**stored)


def _publish(source: Path, target: Path, place: Place) -> None:
    """Rank 0 puts a finished stage's weights at the top of the run; the others wait until they are there."""
    if place.rank == 0:
        save_tensors(target, load_tensors(source))
    place.sharing.send(target)
    place.wait_for(target)


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
    path = folder / CONFIG
    if not path.is_file():
        raise UserError(
            expected="a run directory with config.json, weights.safetensors and tokenizer.json",
            got=f"{folder}" + (" without config.json" if folder.is_dir() else ", which is not there"),
            fix="Train one with `metaart train music --out runs/music`.",
        )
    try:
        config = from_json(path.read_text(encoding="utf-8"), where=str(path))
    except UnicodeDecodeError as error:
        raise UserError(expected="JSON", got=f"{path}, which is damaged", fix="Copy the run again.") from error
    domain = build_domain(config)
    domain.check_assets(folder)
    return config, domain
