"""How the tasks of a batch are computed together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.func import vmap

from metaart.options import option, options
from metaart.tasks import Examples, Task, unstack

TaskLoss = Callable[[Task], Tensor]
"""One task to a scalar."""


@options(section="batching")
class Batching:
    """How the tasks of a batch are computed together."""

    mode: Literal["vmap", "loop", "auto"] = option(
        default="auto",
        help="vmap maps the inner loop over tasks, loop takes them one by one, auto measures both on the first batch "
        "and keeps the faster",
    )
    chunk: int = option(default=0, ge=0, help="tasks mapped at once by vmap; 0 takes all")


def task_losses(loss: TaskLoss, tasks: Task, batching: Batching) -> Tensor:
    """The loss of each task of a batch.

    Args:
        loss: of one task. In a loop it is given the task's name; mapped over all tasks at once it has no name to give,
            as only tensors can be mapped.
        tasks: the batch.
        batching: how; `auto` maps, until somebody has measured what is faster (`training.measured_batching`).

    Returns:
        (tasks,), in the order of `tasks.names`.
    """
    if batching.mode == "loop":
        return torch.stack([loss(task) for task in unstack(tasks)])

    def of_tensors(support: Examples, query: Examples) -> Tensor:
        return loss(Task(support, query))

    # Dropout, where a learner has it, falls differently on each task, as in a loop.
    return vmap(of_tensors, randomness="different", chunk_size=batching.chunk or None)(*tasks.sides)
