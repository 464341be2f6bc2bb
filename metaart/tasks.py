"""The vocabulary of few-shot learning: examples, and a task made of a support and a query set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

Examples = Mapping[str, Tensor]
"""Named tensors that share their first dimension, one entry per work: {"tokens": (works, time)}."""

Params = dict[str, Tensor]
"""A learner's weights by name."""


class Head(NamedTuple):
    """The linear layer with which a learner answers, for algorithms that treat it apart.

    Attributes:
        layer: its name among the learner's modules; its weights are `layer.weight` (outputs, features) and
            `layer.bias` (outputs,).
        features: of a learner and examples, what that layer is given: (works, features). The loss then calls the
            learner once, with the same works, and the answer is one affine map of the features. None where a work has
            no single feature vector.
        classifies: whether its outputs are the hands of a task, one each, which "labels" of the examples name.
    """

    layer: str
    features: Callable[[Callable[..., Any], Examples], Tensor] | None = None
    classifies: bool = False


class Task(NamedTuple):
    """One hand to learn: works to adapt to, and other works by the same hand to be judged on.

    A batch of tasks is a `Task` too, every tensor with one more dimension in front (tasks, works, ...).
    """

    support: Examples
    query: Examples


def stack(tasks: Sequence[Task]) -> Task:
    """Join tasks of equal shapes into a batch of tasks."""
    return Task(_stack([task.support for task in tasks]), _stack([task.query for task in tasks]))


def unstack(tasks: Task) -> Iterator[Task]:
    """Walk over a batch of tasks, one at a time."""
    for index in range(num_tasks(tasks)):
        yield select(tasks, index)


def select(tasks: Task, index: int | slice) -> Task:
    """Take one task, or a slice of them, out of a batch."""
    return Task(
        {name: value[index] for name, value in tasks.support.items()},
        {name: value[index] for name, value in tasks.query.items()},
    )


def num_tasks(tasks: Task) -> int:
    """How many tasks a batch holds."""
    return next(iter(tasks.query.values())).shape[0]


def to_device(tasks: Task, device: torch.device | str) -> Task:
    """Move every tensor of a task or a batch of tasks."""
    return Task(
        {name: value.to(device) for name, value in tasks.support.items()},
        {name: value.to(device) for name, value in tasks.query.items()},
    )


def _stack(examples: Sequence[Examples]) -> Examples:
    return {name: torch.stack([entry[name] for entry in examples]) for name in examples[0]}
