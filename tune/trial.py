"""What one trial does: a run like any other, in the sweep's folder, that says how well it validates."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from cluster.config import ClusterConfig
from cluster.driver import fit
from cluster.kept import Changes
from cluster.storage import Storage
from metaart.algorithms import MetaAlgorithm
from metaart.config import RunConfig, StageConfig
from metaart.training.journal import Journal
from metaart.training.loop import Diverged, Interrupted, Place
from metaart.training.run import POOLED, load_config, prepare_run, start_from, train_run
from metaart.training.step import LocalStep
from tune.keys import settle
from tune.records import DIVERGED, FINISHED, note, trial_folder
from tune.space import Point

Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Job:
    """What all trials of a sweep share; it travels to where they run.

    Attributes:
        config: of the run; its paths are absolute.
        cluster: who trains a trial.
        folder: of the sweep, absolute.
        pooled: run directory with the pooled weights that every trial begins with; None where the recipe has no pooled
            stage, or what is searched changes it: then each trial trains its own, or takes that of an equal one.
        storage: URL of where the sweep is kept instead; `tune.shelf.on_this_machine` then brings folder and pooled.
    """

    config: RunConfig
    cluster: ClusterConfig
    folder: Path
    pooled: Path | None
    storage: str = ""


def run_trial(job: Job, number: int, point: Point, report: Report) -> dict[str, Any] | None:
    """Train a trial to its end, or on from its checkpoint; what became of it is written down here.

    Args:
        job: of the sweep.
        number: of the trial.
        point: what is set.
        report: called with {"step", "validation"} of each validation of the meta stage; it may raise SystemExit, as
            Ray Tune's does where the trial is to stop: then a checkpoint is left, and it is raised again. The last one
            is not reported but returned, for when the trial's files are where all machines see them.
    """
    folder, config = trial_folder(job.folder, number), settle(job.config, point)
    prepare_run(config, folder, resume=True)
    if (pooled := job.pooled or _pooled_elsewhere(job, config)) is not None:
        start_from(config, folder, pooled)
    best, stopped = float("inf"), False

    def take(line: dict[str, Any]) -> None:
        nonlocal best, stopped
        if line["stage"] != "meta" or "validation" not in line:
            return
        best = min(best, line["validation"])
        if line["step"] < config.meta.steps:  # the last one is told when the run is whole
            try:
                report({"step": line["step"], "validation": best})
            except SystemExit:
                stopped = True

    try:
        train_anywhere(config, job.cluster, folder, storage=_storage_of(job, folder), report=take, stop=lambda: stopped)
    except Diverged as error:
        note(job.folder, number, point, DIVERGED, str(error))
        return None
    except Interrupted:
        if stopped:
            raise SystemExit(0) from None
        raise
    note(job.folder, number, point, FINISHED)
    return {"step": config.meta.steps, "validation": best}


def _storage_of(job: Job, folder: Path) -> Storage | None:
    """Where a run of a sweep is kept, if not in its folder."""
    return Storage(job.storage).child(folder.relative_to(job.folder).as_posix()) if job.storage else None


def _pooled_elsewhere(job: Job, config: RunConfig) -> Path | None:
    """A trial that has trained the same pooled stage."""
    if not config.pretrain.steps:
        return None
    wanted = pooled_config(config)
    for path in sorted(job.folder.glob(f"trials/*/{POOLED}")):
        if dataclasses.replace(pooled_config(load_config(path.parent)[0]), algorithm=wanted.algorithm) == wanted:
            return path.parent
    return None


def train_anywhere(
    config: RunConfig,
    cluster: ClusterConfig,
    folder: Path,
    *,
    storage: Storage | None,
    report: Report,
    stop: Callable[[], bool],
    away: bool = False,
) -> None:
    """Train a run that `prepare_run` made: one plain worker in this process, others as Ray Train workers.

    Both take the same steps; starting a group of workers costs half a minute, a process that is there nothing.

    Args:
        config: of the run.
        cluster: who trains.
        folder: the run directory.
        storage: where workers keep the run instead, if not all of them see the folder.
        report: called with each line of metrics.
        stop: True leaves a checkpoint and stops.
        away: train on a worker in any case.

    Raises:
        UserError, Interrupted, TrainingFailed: see `cluster.driver.fit`.
    """
    if away or not trains_here(cluster):
        if storage is not None:
            Changes(folder, storage, seen=False).keep()
        fit(config, cluster, folder, storage=storage, report=report, stop=stop)
        return
    device = "cuda" if cluster.gpus_per_worker else "cpu"
    torch.set_num_threads(cluster.cpus_per_worker)

    def make_step(algorithm: MetaAlgorithm, stage: StageConfig) -> LocalStep:
        return LocalStep(algorithm, stage, device)

    with Journal(folder, {}, show=False) as journal:

        def both(line: dict[str, Any]) -> None:
            journal(line)
            report(line)

        place = Place(
            folder=folder,
            report=both,
            log_every=config.log_every,
            checkpoint_every=config.checkpoint_every,
            stop=stop,
            device=device,
        )
        train_run(config, place, make_step)


def trains_here(cluster: ClusterConfig) -> bool:
    """Whether a trial needs no process but its own: one worker, and nothing that only DeepSpeed does."""
    return cluster.workers == 1 and cluster.deepspeed == type(cluster.deepspeed)()


def train_pooled(job: Job, report: Report, stop: Callable[[], bool], *, away: bool = False) -> None:
    """Train the pooled stage that all trials share, once; a finished one is kept.

    Args:
        job: of the sweep.
        report: called with each line of metrics.
        stop: True leaves a checkpoint and stops.
        away: train on a worker of the cluster, not in this process, which may be on a machine that holds no cores.
            Where a storage keeps the sweep, a worker trains it in any case, and keeps it there.

    Raises:
        Interrupted: `stop` said so; the checkpoint is written.
    """
    assert job.pooled is not None
    storage = _storage_of(job, job.pooled)
    if storage.exists(POOLED) if storage else (job.pooled / POOLED).exists():
        return
    config = pooled_config(job.config)
    prepare_run(config, job.pooled, resume=True)
    away = away or storage is not None
    train_anywhere(config, job.cluster, job.pooled, storage=storage, report=report, stop=stop, away=away)


def pooled_config(config: RunConfig) -> RunConfig:
    """A run's pooled stage alone."""
    return dataclasses.replace(config, meta=StageConfig(steps=0, episode=config.meta.episode))


def take_pooled(config: RunConfig, pooled: Path, other: Path) -> None:
    """Take over the pooled weights of another run, which `check_pooled` has seen, for all trials."""
    config = pooled_config(config)
    prepare_run(config, pooled, resume=True)
    start_from(config, pooled, other)
