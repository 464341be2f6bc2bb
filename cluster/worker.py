"""What each Ray Train worker does: the library's one training loop, with a DeepSpeed engine for its step."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from cluster.config import ClusterConfig
from metaart.algorithms import MetaAlgorithm
from metaart.config import RunConfig, StageConfig
from metaart.training.journal import Journal
from metaart.training.loop import Diverged, Interrupted, Place
from metaart.training.run import train_run
from metaart.training.step import OuterStep

STOP = "stop-requested"
"""A file in the run directory; while it is there, workers leave a checkpoint after the step at hand and stop."""


@dataclass(frozen=True)
class Work:
    """What a worker is told.

    Attributes:
        config: of the run; its paths are absolute.
        cluster: who trains.
        folder: the run directory, absolute, on storage that all workers share.
    """

    config: RunConfig
    cluster: ClusterConfig
    folder: Path


def train_worker(settings: dict[str, Any]) -> Exception | None:
    """Train one rank's share of {"work": Work} to the end.

    Returns:
        What ended it early on all ranks alike, so that starting again would not help: `Interrupted` or `Diverged`.
    """
    import ray.train
    import ray.train.torch
    from torch import distributed

    work: Work = settings["work"]
    device = ray.train.torch.get_device()
    os.environ["DS_ACCELERATOR"] = device.type  # before DeepSpeed is imported, which looks for hardware of its own
    if device.type == "cuda":  # DeepSpeed's way to be told the device; Ray may have given this worker any of them
        os.environ["LOCAL_RANK"] = str(device.index)
    from cluster.engine import EngineStep

    torch.set_num_threads(work.cluster.cpus_per_worker)
    rank, world = distributed.get_rank(), distributed.get_world_size()

    def make_step(algorithm: MetaAlgorithm, stage: StageConfig) -> OuterStep:
        return EngineStep(algorithm, stage, work.cluster.deepspeed, str(device))

    def stop() -> bool:
        seen = torch.tensor([float((work.folder / STOP).exists())], device=device)
        distributed.broadcast(seen, src=0)
        return bool(seen)

    with Journal(work.folder, {}, rank=rank, show=False) as journal:
        place = Place(
            folder=work.folder,
            rank=rank,
            world=world,
            report=journal,
            log_every=work.config.log_every,
            checkpoint_every=work.config.checkpoint_every,
            stop=stop,
            device=str(device),
        )
        try:
            train_run(work.config, place, make_step)
        except (Interrupted, Diverged) as end:
            return end
    return None
