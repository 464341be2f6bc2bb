"""How a run is spread over a cluster, as typed and frozen values."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from metaart.config import RunConfig, override
from metaart.errors import UserError


@dataclass(frozen=True)
class DeepSpeedConfig:
    """What DeepSpeed shares out among the workers.

    Attributes:
        zero_stage: 0 shares nothing, 1 the optimizer's state, 2 the gradients too, 3 the weights too. All give the
            same steps; a checkpoint of one goes on at any other.
        persistence_threshold: at stage 3, weights of fewer numbers than this stay whole on every worker between steps.
    """

    zero_stage: Literal[0, 1, 2, 3] = 1
    persistence_threshold: int = 100_000

    def __post_init__(self) -> None:
        if self.zero_stage not in (0, 1, 2, 3):
            raise UserError(
                expected="deepspeed.zero_stage to be 0, 1, 2 or 3",
                got=repr(self.zero_stage),
                fix="Use --set deepspeed.zero_stage=1.",
            )
        if self.persistence_threshold < 0:
            raise UserError(
                expected="deepspeed.persistence_threshold of 0 or more",
                got=str(self.persistence_threshold),
                fix="Use 0 to share out every weight.",
            )


@dataclass(frozen=True)
class ClusterConfig:
    """Who trains.

    Attributes:
        workers: processes that share every batch of tasks.
        cpus_per_worker: cores, and threads of PyTorch, for each.
        gpus_per_worker: GPUs for each, 0 or 1; with 0 all is computed on the CPU.
        max_failures: how often the workers are started again from the last checkpoint after one of them died.
        deepspeed: what is shared out among them.
    """

    workers: int = 2
    cpus_per_worker: int = 1
    gpus_per_worker: int = 0
    max_failures: int = 3
    deepspeed: DeepSpeedConfig = field(default_factory=DeepSpeedConfig)

    def __post_init__(self) -> None:
        for good, name, expected, fix in (
            (self.workers >= 1, "workers", "1 or more", "Use --workers 2."),
            (self.cpus_per_worker >= 1, "cpus_per_worker", "1 or more", "Use --set cpus_per_worker=1."),
            (self.gpus_per_worker in (0, 1), "gpus_per_worker", "0 or 1", "Give each GPU a worker of its own."),
            (self.max_failures >= 0, "max_failures", "0 or more", "Use --set max_failures=3."),
        ):
            if not good:
                raise UserError(expected=f"{name} to be {expected}", got=str(getattr(self, name)), fix=fix)

    @property
    def needed(self) -> dict[str, int]:
        """What Ray calls the resources of all workers together."""
        return {"CPU": self.workers * self.cpus_per_worker, "GPU": self.workers * self.gpus_per_worker}


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
