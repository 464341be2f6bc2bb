"""The process that starts the workers, shows how they get on, and passes on a wish to stop."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from cluster.config import ClusterConfig
from cluster.desk import RAY_FILES, Desk
from cluster.storage import Storage
from cluster.tail import Tail
from cluster.watch import Watchdog
from cluster.worker import Assignment, train_worker
from cluster.zero import settings
from metaart.algorithms import MetaAlgorithm
from metaart.config import RunConfig, located
from metaart.errors import UserError
from metaart.files import save_text
from metaart.training.run import METRICS

FAILURE = "failure.txt"
RESIZE_EVERY_S = 30.0

Report = Callable[[dict[str, Any]], None]


class TrainingFailed(RuntimeError):
    """Workers died more often than they may, or raised what is no fault of the user."""


def fit(
    config: RunConfig,
    cluster: ClusterConfig,
    folder: Path,
    *,
    storage: Storage | None = None,
    report: Report = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Train a run that `prepare_run` made on the workers of the Ray that this process is connected to.

    Call `check_shares` and `engine_settings` first, and make its plan (`metaart.training.plan`): workers that stumble
    are started again and again before their error comes back.

    Args:
        config: of the run.
        cluster: who trains.
        folder: the run directory, that all workers see; where there is a storage, a copy of it for this process alone.
        storage: where the run is kept, in place of a folder that all see; it has what `folder` has.
        report: called here with each line of metrics, and with notes.
        stop: asked here several times a second; True leaves a checkpoint and stops.

    Raises:
        Diverged: the loss left the finite numbers.
        Interrupted: `stop` said so; the checkpoint is written.
        TrainingFailed: the workers failed too often.
    """
    folder, config = folder.resolve(), located(config)
    desk = Desk(folder, storage)
    desk.clear()
    lines = Tail(folder / METRICS)
    watch = Watchdog(cluster.hang_s)
    trainer = _trainer(Assignment(config, cluster, folder, storage.url if storage else "", watch.actor), storage)
    try:
        running = _in_background(trainer.fit)
        asked = False
        while not running.done():
            asked = asked or (stop() and desk.ask_to_stop())
            desk.refresh()
            for line in lines.new():
                report(line)
            if found := watch.hanging():
                report({"stage": "watchdog", "step": 0, "note": f"{found}; the workers are started again"})
            time.sleep(0.1)
        desk.refresh(at_most_every_s=0)
        for line in lines.new():
            report(line)
        end = _outcome(running, cluster, folder, storage)
    finally:
        with contextlib.suppress(OSError):  # a storage that is away; the next run clears up
            desk.clear()
        watch.close()
    if end is not None:
        raise end


def check_shares(config: RunConfig, cluster: ClusterConfig) -> None:
    """Raise `UserError` where a step has fewer tasks than there are workers and micro-batches to share them."""
    parts = cluster.workers * cluster.deepspeed.micro_batches
    for name, stage in config.stages.items():
        if stage.tasks < parts:
            raise UserError(
                expected="a task for every worker in every step"
                + (", and for each of its micro-batches" if parts > cluster.workers else ""),
                got=f"{parts} of them for {name}.tasks={stage.tasks}",
                fix=f"Use fewer --workers, or --set {name}.tasks={parts}.",
            )


def engine_settings(
    config: RunConfig, models: Mapping[str, MetaAlgorithm], cluster: ClusterConfig
) -> dict[str, dict[str, Any]]:
    """DeepSpeed's own configuration in each stage of a run, by the stage's name.

    Args:
        config: of the run.
        models: what the stages train (`metaart.build.build_models`).
        cluster: who trains.

    Raises:
        UserError: a JSON of the user's own contradicts the run.
    """
    numbers = {name: sum(value.numel() for value in models[name].parameters()) for name in config.stages}
    return {name: settings(numbers[name], stage.clip_norm, cluster.deepspeed) for name, stage in config.stages.items()}


def _trainer(assignment: Assignment, storage: Storage | None) -> Any:
    # Typed as their predecessors, which `ray.train` replaces by these when it is imported.
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    cluster = assignment.cluster
    workers = (cluster.least_workers, cluster.workers) if cluster.least_workers else cluster.workers
    if storage is None:
        home: dict[str, Any] = {"name": RAY_FILES, "storage_path": str(assignment.folder)}
    else:  # checkpoints that Ray Train is told of must lie in its own folder
        parent, _, name = storage.path.rpartition("/")
        home = {"name": name, "storage_path": parent or "/", "storage_filesystem": storage.filesystem}
    resources = {"CPU": cluster.cpus_per_worker} | ({"GPU": 1} if cluster.gpus_per_worker else {})
    return TorchTrainer(
        train_worker,  # type: ignore[arg-type]
        train_loop_config={"assignment": assignment},
        scaling_config=ScalingConfig(
            num_workers=workers,  # type: ignore[arg-type]
            use_gpu=bool(cluster.gpus_per_worker),
            resources_per_worker=resources,
            elastic_resize_monitor_interval_s=RESIZE_EVERY_S,  # type: ignore[call-arg]
        ),
        run_config=RunConfig(
            **home,
            # Without a limit a controller that cannot start its workers tries for ever.
            failure_config=FailureConfig(
                max_failures=cluster.max_failures,
                controller_failure_limit=3,  # type: ignore[call-arg]
            ),
        ),
    )


def _outcome(running: Future[Any], cluster: ClusterConfig, folder: Path, storage: Storage | None) -> Exception | None:
    from ray.exceptions import RayError
    from ray.train import TrainingFailedError

    again = "--resume goes on from the last checkpoint."
    try:
        end: Exception | None = running.result().return_value
    except RayError as error:
        raise TrainingFailed(f"Ray Train's controller is gone: {str(error).splitlines()[0]}\n{again}") from error
    except TrainingFailedError as error:
        failures: dict[int, Exception] = getattr(error, "worker_failures", {})
        for failure in failures.values():
            if isinstance(failure, UserError):
                raise failure from None
        with contextlib.suppress(OSError):  # a full disk may be what they failed of
            if storage is None:
                save_text(folder / FAILURE, str(error))
            else:
                storage.write(FAILURE, str(error).encode())
        words = "; ".join(f"rank {rank}: {failure}" for rank, failure in failures.items()) or str(error)
        raise TrainingFailed(
            f"the workers failed more than {cluster.max_failures} times, at last so: {words}\n"
            f"More in {FAILURE} of {storage.url if storage else folder}; {again}"
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
