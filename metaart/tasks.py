"""The vocabulary of few-shot learning: examples, and a task made of a support and a query set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

Examples = Mapping[str, Tensor]
"""Named tensors that share their first dimension, one entry per work: {"tokens": (works, time)}."""

Params = dict[str, Tensor]
"""A learner's weights by name."""

Predict = Callable[..., Any]
"""A learner with its weights in place: inputs to outputs."""

Loss = Callable[[Predict, Examples], Tensor]
"""A learner and examples to a scalar."""


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


class BaseLearner(NamedTuple):
    """What a way of learning to learn is built from: a network, and what it is to get better at.

    Attributes:
        network: to be meta-trained; its weights are copied. It has no buffers.
        support_loss: what adapting lowers, on the works that a task is learned from.
        query_loss: what meta-training lowers and what is judged, on the other works.
        head: the layer with which the network answers; None where it has no such layer.
        targets: counts what `query_loss` is a mean over, so that the losses of two batches can be joined exactly; None
            counts tasks.
    """

    network: nn.Module
    support_loss: Loss
    query_loss: Loss
    head: Head | None = None
    targets: Callable[[Examples], int] | None = None


class Task(NamedTuple):
    """One hand to learn: works to adapt to, and other works by the same hand to be judged on.

    A batch of tasks is a `Task` too, every tensor with one more dimension in front (tasks, works, ...).

    Attributes:
        support: the works to adapt to.
        query: the works to be judged on.
        names: whose works they are, a name for each task of the batch (one for a task by itself); empty where nobody
            asks.
    """

    support: Examples
    query: Examples
    names: tuple[str, ...] = ()

    @property
    def sides(self) -> tuple[Examples, Examples]:
        """Support and query: all that is made of tensors."""
        return self.support, self.query

    def mapped(self, change: Callable[[Examples], Examples]) -> Task:
        """The same task with both sides changed."""
        return self._replace(support=change(self.support), query=change(self.query))


class TaskStream(Protocol):
    """ONE SEAM: what a stage of training takes its tasks from, made when they are asked for.

    Attributes:
        seed: of the stream; PyTorch's generators begin each step from it too.
    """

    seed: int

    def batch(self, step: int, share: Sequence[int]) -> Task:
        """The tasks of a step (0-based) at these indices, as a batch; the same ones whenever they are asked for.

        No indices give a batch of the same shapes with no tasks.
        """


def stack(tasks: Sequence[Task]) -> Task:
    """Join tasks of equal shapes into a batch of tasks."""
    support, query = (_stack(side) for side in zip(*(task.sides for task in tasks), strict=True))
    return Task(support, query, tuple(name for task in tasks for name in task.names))


def unstack(tasks: Task) -> Iterator[Task]:
    """Walk over a batch of tasks, one at a time."""
    for index in range(num_tasks(tasks)):
        yield select(tasks, index)


def select(tasks: Task, index: int | slice) -> Task:
    """Take one task, or a slice of them, out of a batch."""
    names = tasks.names[index] if isinstance(index, slice) else tasks.names[index : index + 1]
    return tasks.mapped(lambda side: {name: value[index] for name, value in side.items()})._replace(names=names)


def num_tasks(tasks: Task) -> int:
    """How many tasks a batch holds."""
    return next(iter(tasks.query.values())).shape[0]


def to_device(tasks: Task, device: torch.device | str) -> Task:
    """Move every tensor of a task or a batch of tasks."""
    return tasks.mapped(lambda side: {name: value.to(device) for name, value in side.items()})


def _stack(examples: Sequence[Examples]) -> Examples:
    return {name: torch.stack([entry[name] for entry in examples]) for name in examples[0]}
