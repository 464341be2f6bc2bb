"""Which way to compute a batch of tasks is the faster one here: measured once for each stage of a run."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

import torch

from metaart.algorithms import Batching, MetaAlgorithm
from metaart.errors import UserError
from metaart.files import save_text
from metaart.tasks import Task, to_device
from metaart.training.checkpoint import load_json
from metaart.training.context import TrainContext

BATCHING = "batching.json"


def measured_once(algorithm: MetaAlgorithm, tasks: Task, folder: Path, context: TrainContext) -> Batching:
    """What rank 0 measured when the stage began.

    It is kept in the stage's folder: `vmap` and `loop` round differently, so that a resumed run, and every rank, must
    keep to it for its numbers to come out the same.

    Raises:
        UserError: the file that keeps it is damaged.
    """
    path = folder / BATCHING
    if context.rank == 0 and not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        save_text(path, json.dumps(dataclasses.asdict(measured_batching(algorithm, tasks, context.device))))
    context.sharing.send(path)
    context.wait_for(path)
    stored = load_json(path)
    try:
        batching = Batching(**stored)
        if batching.mode == "auto" or set(stored) != {"mode", "chunk"}:
            raise TypeError("it was not measured")
    except (UserError, TypeError) as error:
        raise UserError(
            expected="a measured batching of tasks", got=f"{path}, which is damaged", fix="Delete it and resume."
        ) from error
    return batching


def measured_batching(algorithm: MetaAlgorithm, tasks: Task, device: str = "cpu") -> Batching:
    """`vmap` or `loop`, whichever takes this batch forward and backward faster on this device.

    Each is tried once to warm up and twice to count; the better of the two counts.
    """
    algorithm, tasks = algorithm.to(device), to_device(tasks, device)
    parameters, asked, seconds = list(algorithm.parameters()), algorithm.batching, {}
    for mode in ("vmap", "loop"):
        algorithm.batching = dataclasses.replace(asked, mode=mode)
        times = []
        for _ in range(3):
            start = time.perf_counter()
            torch.autograd.grad(algorithm(tasks), parameters, allow_unused=True)
            if torch.device(device).type == "cuda":
                torch.cuda.synchronize(device)  # it computes on after the call has returned
            times.append(time.perf_counter() - start)
        seconds[algorithm.batching] = min(times[1:])
    algorithm.batching = asked
    return min(seconds, key=lambda batching: seconds[batching])
