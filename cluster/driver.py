"""The process that starts the workers, shows how they get on, and passes on a wish to stop."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster.config import ClusterConfig
from cluster.worker import STOP, Work, train_worker
from metaart.build import build_domain, build_sampler
from metaart.config import RunConfig
from metaart.errors import UserError
from metaart.training.checkpoint import save_text
from metaart.training.run import METRICS

ROOT = Path(__file__).resolve().parents[1]
RAY_FILES, FAILURE = "ray", "failure.txt"

Report = Callable[[dict[str, Any]], None]


class TrainingFailed(RuntimeError):
    """Workers died more often than they may, or raised what is no fault of the user."""


def fit(
    config: RunConfig,
    cluster: ClusterConfig,
    folder: Path,
    *,
    report: Report = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Train a run that `prepare_run` made on the workers of the Ray that this process is connected to.

    Call `check` first: workers that stumble are started again and again before their error comes back.

    Args:
        config: of the run.
        cluster: who trains.
        folder: the run directory, on storage that all workers share.
        report: called here with each line of metrics.
        stop: asked here several times a second; True leaves a checkpoint and stops.

    Raises:
        UserError: the cluster is too small.
        Diverged: the loss left the finite numbers.
        Interrupted: `stop` said so; the checkpoint is written.
        TrainingFailed: the workers failed too often.
    """
    import ray

    refuse_too_many(cluster, ray.cluster_resources())  # type: ignore[no-untyped-call]
    folder, config = folder.resolve(), _absolute(config)
    (folder / STOP).unlink(missing_ok=True)
    lines = Tail(folder / METRICS)
    trainer = _trainer(Work(config, cluster, folder))
    try:
        running = _in_background(trainer.fit)
        while not running.done():
            if stop() and not (folder / STOP).exists():
                save_text(folder / STOP, "")
            for line in lines.new():
                report(line)
            time.sleep(0.1)
        for line in lines.new():
            report(line)
        end = _outcome(running, cluster, folder)
    finally:
        (folder / STOP).unlink(missing_ok=True)
        shutil.rmtree(folder / RAY_FILES, ignore_errors=True)
    if end is not None:
        raise end


@contextmanager
def ray_connection(cluster: ClusterConfig, address: str | None = None) -> Iterator[None]:
    """A connection to Ray: the one there is, that at an address, or else a Ray started on this machine for the while.

    Args:
        cluster: refused before Ray is started where this machine is too small for it.
        address: of a running cluster; `auto` finds it; the environment's RAY_ADDRESS if left out.
    """
    # Read when Ray is imported or started, so set before.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.2")
    import ray

    if ray.is_initialized():
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS")
    options: dict[str, Any] = {"address": address or "local", "log_to_driver": False, "logging_level": "error"}
    if address:
        options["runtime_env"] = {"env_vars": {"PYTHONPATH": _python_path()}}
    else:
        os.environ["PYTHONPATH"] = _python_path()
        os.environ.setdefault("RAY_TRAIN_ENABLE_PREEMPTION_WATCHER", "0")  # one process less to start
        here = this_machine()
        refuse_too_many(cluster, here)
        options |= {"num_cpus": here["CPU"], "num_gpus": here["GPU"], "include_dashboard": False}
    try:
        ray.init(**options)
    except (ConnectionError, ValueError) as error:
        raise UserError(
            expected="the address of a running Ray",
            got=f"{address}: {error}",
            fix="Start one with `ray start --head`, or leave --address out to have one started on this machine.",
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def this_machine() -> dict[str, int]:
    """The cores that this process may use and the GPUs that PyTorch sees, under Ray's names."""
    import torch

    return {"CPU": len(os.sched_getaffinity(0)), "GPU": torch.cuda.device_count()}


def refuse_too_many(cluster: ClusterConfig, there: dict[str, Any]) -> None:
    """Raise `UserError` where the workers need more than there is; Ray would wait for it for ever."""
    for name, needed in cluster.needed.items():
        if needed > there.get(name, 0):
            each = "cpus_per_worker" if name == "CPU" else "gpus_per_worker"
            raise UserError(
                expected=f"at most the {there.get(name, 0):g} {name}s that are there",
                got=f"{cluster.workers} workers with {getattr(cluster, each)} each, {needed} in all",
                fix=f"Use fewer --workers, --set {each}=..., or the --address of a larger cluster.",
            )


def check(config: RunConfig, cluster: ClusterConfig) -> None:
    """Raise `UserError` here, before anything is started, for what every worker would stumble over.

    That is a step with fewer tasks than there are workers to share them, and data that cannot be used.
    """
    domain = build_domain(config)
    for name, stage in (("pretrain", config.pretrain), ("meta", config.meta)):
        if stage.steps and stage.tasks < cluster.workers:
            raise UserError(
                expected="a task for every worker in every step",
                got=f"{cluster.workers} workers for {name}.tasks={stage.tasks}",
                fix=f"Use --workers {stage.tasks} or --set {name}.tasks={cluster.workers}.",
            )
        if stage.steps:
            build_sampler(config, stage, domain, "train")
            if stage.validate_every:
                build_sampler(config, stage, domain, "validation")


class Tail:
    """The lines that are added to a metrics.jsonl from now on."""

    def __init__(self, path: Path) -> None:
        self._path, self._read = path, path.stat().st_size if path.exists() else 0

    def new(self) -> Iterator[dict[str, Any]]:
        """Whole lines that came since the last call."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._read)
            for text in file:
                if not text.endswith(b"\n"):
                    return
                self._read += len(text)
                try:
                    yield json.loads(text)
                except ValueError:  # what a killed worker left half-written
                    continue


def _trainer(work: Work) -> Any:
    # Typed as their predecessors, which `ray.train` replaces by these when it is imported.
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    cluster = work.cluster
    resources = {"CPU": cluster.cpus_per_worker} | ({"GPU": 1} if cluster.gpus_per_worker else {})
    return TorchTrainer(
        train_worker,  # type: ignore[arg-type]
        train_loop_config={"work": work},
        scaling_config=ScalingConfig(
            num_workers=cluster.workers, use_gpu=bool(cluster.gpus_per_worker), resources_per_worker=resources
        ),
        run_config=RunConfig(
            name=RAY_FILES,
            storage_path=str(work.folder),
            # Without a limit a controller that cannot start its workers tries for ever.
            failure_config=FailureConfig(
                max_failures=cluster.max_failures,
                controller_failure_limit=3,  # type: ignore[call-arg]
            ),
        ),
    )


def _outcome(running: Future[Any], cluster: ClusterConfig, folder: Path) -> Exception | None:
    from ray.train import TrainingFailedError

    try:
        end: Exception | None = running.result().return_value
    except TrainingFailedError as error:
        failures: dict[int, Exception] = getattr(error, "worker_failures", {})
        for failure in failures.values():
            if isinstance(failure, UserError):
                raise failure from None
        save_text(folder / FAILURE, str(error))
        words = "; ".join(f"rank {rank}: {failure}" for rank, failure in failures.items()) or str(error)
        raise TrainingFailed(
            f"the workers failed more than {cluster.max_failures} times, at last so: {words}\n"
            f"More in {folder / FAILURE}; --resume goes on from the last checkpoint."
        ) from error
    return end


def _in_background(work: Callable[[], Any]) -> Future[Any]:
    # A daemon thread, unlike a pool's, does not hold up a process that is interrupted twice.
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True, name="ray-train").start()
    return future


def _absolute(config: RunConfig) -> RunConfig:
    return dataclasses.replace(config, data=str(Path(config.data).resolve())) if config.data else config


def _python_path() -> str:
    return os.pathsep.join(
        dict.fromkeys([str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))])
    )
