"""How a run is spread over a cluster, as typed and frozen values."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

from cluster.zero import DeepSpeedConfig
from metaart.config import RunConfig, override
from metaart.errors import UserError


@dataclass(frozen=True)
class ClusterConfig:
    """Who trains.

    Attributes:
        workers: processes that share every batch of tasks; at most so many, where `least_workers` is set.
        least_workers: with 1 or more, the run starts with what the cluster has, at least so many workers, and goes on
            with more or fewer from the last checkpoint when machines come or go. With 0 their number is fixed.
        cpus_per_worker: cores, and threads of PyTorch, for each.
        gpus_per_worker: GPUs for each, 0 or 1; with 0 all is computed on the CPU.
        max_failures: how often the workers are started again from the last checkpoint after one of them died.
        keep_best: checkpoints that are kept, besides the two newest, because they validated best.
        hang_s: seconds without a step after which the workers are taken to hang and are started again; 0 is off.
        deepspeed: what is shared out among them.
    """

    workers: int = 2
    cpus_per_worker: int = 1
    gpus_per_worker: int = 0
    max_failures: int = 3
    least_workers: int = 0
    keep_best: int = 0
    hang_s: int = 900
    deepspeed: DeepSpeedConfig = field(default_factory=DeepSpeedConfig)

    def __post_init__(self) -> None:
        for good, name, expected, fix in (
            (self.workers >= 1, "workers", "1 or more", "Use --workers 2."),
            (self.cpus_per_worker >= 1, "cpus_per_worker", "1 or more", "Use --set cpus_per_worker=1."),
            (self.gpus_per_worker in (0, 1), "gpus_per_worker", "0 or 1", "Give each GPU a worker of its own."),
            (self.max_failures >= 0, "max_failures", "0 or more", "Use --set max_failures=3."),
            (0 <= self.least_workers <= self.workers, "least_workers", "0 to workers", "Use --workers 1..4."),
            (self.keep_best >= 0, "keep_best", "0 or more", "Use --set keep_best=2."),
            (self.hang_s >= 0, "hang_s", "0 (off) or seconds", "Use --set hang_s=900."),
        ):
            if not good:
                raise UserError(expected=f"{name} to be {expected}", got=str(getattr(self, name)), fix=fix)
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
