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
from cluster.mirror import Changes
from cluster.storage import Storage
from metaart.algorithms import MetaAlgorithm
from metaart.config import RunConfig, StageConfig
from metaart.training.context import Interrupted, TrainContext
from metaart.training.journal import Journal
from metaart.training.loop import Diverged
from metaart.training.plan import POOLED, RunPlan, plan_run, pooled_config
from metaart.training.run import prepare_run, read_config, take_over_pooled, train_run
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
    plan = plan_run(config, folder, start_from=job.pooled or _pooled_elsewhere(job, config))
    prepare_run(plan, resume=True)
    take_over_pooled(plan)
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
        train_anywhere(plan, job.cluster, storage=_storage_of(job, folder), report=take, stop=lambda: stopped)
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
        if dataclasses.replace(pooled_config(read_config(path.parent)), algorithm=wanted.algorithm) == wanted:
            return path.parent
    return None


def train_anywhere(
    plan: RunPlan,
    cluster: ClusterConfig,
    *,
    storage: Storage | None,
    report: Report,
    stop: Callable[[], bool],
    away: bool = False,
) -> None:
    """Train a run that `prepare_run` made: one plain worker in this process, others as Ray Train workers.

    Both take the same steps; starting a group of workers costs half a minute, a process that is there nothing.

    Args:
        plan: of the run.
        cluster: who trains.
        storage: where workers keep the run instead, if not all of them see the folder.
        report: called with each line of metrics.
        stop: True leaves a checkpoint and stops.
        away: train on a worker in any case.

    Raises:
        UserError, Interrupted, TrainingFailed: see `cluster.driver.fit`.
    """
    config, folder = plan.config, plan.folder
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

        train_run(plan, TrainContext.of(config, report=both, stop=stop, device=device), make_step)


def trains_here(cluster: ClusterConfig) -> bool:
    """Whether a trial needs no process but its own: one worker, and nothing that only DeepSpeed does."""
    return cluster.workers == 1 and cluster.deepspeed == type(cluster.deepspeed)()


def train_pooled(job: Job, plan: RunPlan, report: Report, stop: Callable[[], bool], *, away: bool = False) -> None:
    """Train the pooled stage that all trials share, once; a finished one is kept.

    Args:
        job: of the sweep.
        plan: of the run that is searched.
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
    pooled = plan.pooled_alone(job.pooled)
    prepare_run(pooled, resume=True)
    away = away or storage is not None
    train_anywhere(pooled, job.cluster, storage=storage, report=report, stop=stop, away=away)


def take_pooled(plan: RunPlan, folder: Path) -> None:
    """Write the pooled weights that a plan takes over from another run into a folder, for all trials."""
    pooled = plan.pooled_alone(folder)
    prepare_run(pooled, resume=True)
    take_over_pooled(pooled)
