"""A whole run: the pooled stage, then meta-training from its weights, in a directory that holds all that is needed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

from metaart.algorithms import Batching, MetaAlgorithm
from metaart.build import build_algorithm, build_domain, build_pooled, build_sampler
from metaart.config import RunConfig, StageConfig, from_json, to_json
from metaart.domains import Domain
from metaart.errors import UserError
from metaart.tasks import Task
from metaart.training.checkpoint import load_tensors, save_tensors, save_text
from metaart.training.loop import Place, Stage, measured_batching, train
from metaart.training.step import LocalStep, OuterStep, State, load_weights

MakeStep = Callable[[MetaAlgorithm, StageConfig], OuterStep]
POOLED, WEIGHTS, CONFIG = "pooled.safetensors", "weights.safetensors", "config.json"
METRICS = "metrics.jsonl"


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
        if from_json((folder / CONFIG).read_text(encoding="utf-8"), where=str(folder / CONFIG)) != config:
            raise UserError(
                expected="the configuration that the run began with",
                got=f"another for {folder}",
                fix="Resume with the same recipe and --set values, or take another --out.",
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    build_domain(config).save_assets(folder)
    save_text(folder / CONFIG, text)


def start_from(config: RunConfig, folder: Path, other: Path) -> None:
    """Take over the pooled weights of another run and what they cost, in place of this run's pooled stage.

    Raises:
        UserError: the other run has none, or another learner.
    """
    weights = load_tensors(other / POOLED)
    load_weights(build_pooled(config, build_domain(config)), weights)
    save_tensors(folder / POOLED, weights)
    lines = (other / METRICS).read_text(encoding="utf-8").splitlines() if (other / METRICS).exists() else []
    kept = [line for line in lines if json.loads(line)["stage"] == "pretrain"]
    save_text(folder / METRICS, "".join(f"{line}\n" for line in kept))


def train_run(config: RunConfig, place: Place, make_step: MakeStep = LocalStep) -> None:
    """Train all stages of a run that `prepare_run` made; finished stages are not trained again.

    Args:
        config: of the run.
        place: the run's folder, rank and world, and where metrics go.
        make_step: builds the outer step; the local one, or one over a cluster.
    """
    domain, folder = build_domain(config), place.folder
    if config.pretrain.steps and not (folder / POOLED).exists():
        pooled = build_pooled(config, domain)
        _train_stage("pretrain", config, config.pretrain, domain, pooled, place, make_step)
        _publish(folder / "pretrain" / "best.safetensors", folder / POOLED, place)
    if config.meta.steps and not (folder / WEIGHTS).exists():
        algorithm = build_algorithm(config, domain)
        if config.pretrain.steps:
            algorithm.load_theta(pooled_theta(config, domain, folder))
        _train_stage("meta", config, config.meta, domain, algorithm, place, make_step)
        _publish(folder / "meta" / "best.safetensors", folder / WEIGHTS, place)


def pooled_theta(config: RunConfig, domain: Domain, folder: Path) -> State:
    """The pooled weights of a run, by the learner's own names."""
    pooled = build_pooled(config, domain)
    load_weights(pooled, load_tensors(folder / POOLED))
    return {name: value.detach() for name, value in pooled.theta().items()}


def _train_stage(
    name: str,
    config: RunConfig,
    stage_config: StageConfig,
    domain: Domain,
    algorithm: MetaAlgorithm,
    place: Place,
    make_step: MakeStep,
) -> None:
    sampler = build_sampler(config, stage_config, domain, "train")
    validation = build_sampler(config, stage_config, domain, "validation") if stage_config.validate_every else None
    if algorithm.batching.mode == "auto":
        share = range(place.rank, stage_config.tasks, place.world)
        algorithm.batching = measured_batching(algorithm, sampler.batch(0, share))
    times_support, times_query = algorithm.passes

    def units(tasks: Task) -> int:
        return times_support * domain.units(tasks.support) + times_query * domain.units(tasks.query)

    stage = Stage(name, stage_config, sampler, validation, units)
    train(stage, make_step(algorithm, stage_config), dataclasses.replace(place, folder=place.folder / name))


def _publish(source: Path, target: Path, place: Place) -> None:
    """Rank 0 puts a finished stage's weights at the top of the run; the others wait until they are there."""
    if place.rank == 0:
        save_tensors(target, load_tensors(source))
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
    """The configuration of a run directory, and its domain."""
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
    return config, build_domain(config)
