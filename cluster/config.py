"""How a run is spread over a cluster, as typed and frozen values."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from cluster.zero import DeepSpeedConfig
from metaart.config import RunConfig, override
from metaart.errors import UserError
from metaart.options import option, options


@options()
class ClusterConfig:
    """Who trains."""

    workers: int = option(
        default=2, ge=1, help="processes that share every batch of tasks; at most so many, where least_workers is set"
    )
    cpus_per_worker: int = option(default=1, ge=1, help="cores, and threads of PyTorch, for each worker")
    gpus_per_worker: int = option(default=0, ge=0, le=1, help="GPUs for each worker; with 0 all is computed on the CPU")
    max_failures: int = option(
        default=3,
        ge=0,
        help="how often the workers are started again from the last checkpoint after one of them died",
    )
    least_workers: int = option(
        default=0,
        ge=0,
        help="with 1 or more, the run starts with what the cluster has, at least so many workers, and goes on with "
        "more or fewer from the last checkpoint when machines come or go; with 0 their number is fixed",
    )
    keep_best: int = option(
        default=0, ge=0, help="checkpoints that are kept, besides the two newest, because they validated best"
    )
    hang_s: int = option(
        default=900,
        ge=0,
        unit="s",
        help="seconds without a step after which the workers are taken to hang and are started again; 0 is off",
    )
    deepspeed: DeepSpeedConfig = option(default=DeepSpeedConfig(), help="what is shared out among the workers")

    def __post_init__(self) -> None:
        if self.least_workers > self.workers:
            raise UserError(
                expected="least_workers to be 0 to workers", got=str(self.least_workers), fix="Use --workers 1..4."
            )
        if self.deepspeed.offload != "none" and not self.gpus_per_worker:
            raise UserError(
                expected="workers with a GPU, to offload from",
                got=f"deepspeed.offload={self.deepspeed.offload} without one",
                fix="Use --set gpus_per_worker=1, or leave offload out.",
            )

    @property
    def fewest(self) -> int:
        """Workers without which the run does not start."""
        return self.least_workers or self.workers

    @property
    def needed(self) -> dict[str, int]:
        """What Ray calls the resources without which the run does not start."""
        return {"CPU": self.fewest * self.cpus_per_worker, "GPU": self.fewest * self.gpus_per_worker}


def parse_workers(text: str) -> list[str]:
    """`--workers 4` or `--workers 1..4` as settings.

    Raises:
        UserError: something else.
    """
    least, dots, most = text.partition("..")
    if not all(part.isdecimal() for part in ((least, most) if dots else (least,))):
        raise UserError(
            expected="a number of workers, or a range such as 1..4", got=f"--workers {text}", fix="Use --workers 2."
        )
    if int(least) < 1 and not dots:
        raise UserError(expected="a number of workers from 1 up", got=f"--workers {text}", fix="Use --workers 2.")
    if not dots:
        return [f"workers={least}"]
    if int(least) < 1 or int(most) < int(least):
        raise UserError(
            expected="a range of workers from 1 or more up", got=f"--workers {text}", fix="Use --workers 1..4."
        )
    return [f"workers={most}", f"least_workers={least}"]


def override_both(
    config: RunConfig, cluster: ClusterConfig, settings: Sequence[str]
) -> tuple[RunConfig, ClusterConfig]:
    """Apply settings `key=value`: those whose key begins like a field of `ClusterConfig` there, all others to the run.

    Raises:
        UserError: see `metaart.config.override`.
    """
    fields = {entry.name for entry in dataclasses.fields(ClusterConfig)}
    ours = [setting for setting in settings if setting.partition("=")[0].partition(".")[0] in fields]
    return override(config, [setting for setting in settings if setting not in ours]), override(cluster, ours)
