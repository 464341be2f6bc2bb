"""The seam at which a way of learning to learn plugs in."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Literal, final

import torch
from torch import Tensor, nn
from torch.func import functional_call

from metaart.algorithms.batching import Batching, task_losses
from metaart.errors import UserError
from metaart.tasks import BaseLearner, Examples, Params, Predict, Task, num_tasks

LossKind = Literal["objective", "after", "before"]
"""Which loss of a batch is asked for: what the outer loop lowers, or the query loss after or before adaptation."""

MAPPED = Batching("vmap")


class MetaAlgorithm(nn.Module, ABC):
    """Owns a learner's weights and says how they adapt to a support set.

    The weights are parameters of this module itself, flat; the learner is a stateless skeleton outside the module
    tree, on the `meta` device, called through `torch.func.functional_call`. So the whole inner loop, double backward
    included, lies inside one `forward`, which DeepSpeed can wrap and shard.

    Args:
        base: the learner to meta-train, and what it is to get better at.
        batching: how the tasks of a batch are computed together.

    Raises:
        UserError: the learner has buffers.
    """

    def __init__(self, base: BaseLearner, batching: Batching = MAPPED) -> None:
        super().__init__()
        self.batching = batching
        self.head = base.head
        self._support_loss, self._query_loss, self._targets = base.support_loss, base.query_loss, base.targets
        self._registered: dict[str, str] = {}
        for name, value in base.network.named_parameters():
            # A parameter's name may hold no point: DeepSpeed and state dicts would take it for a module's.
            self._registered[name] = "theta/" + name.replace(".", "/")
            self.register_parameter(self._registered[name], nn.Parameter(value.detach().clone()))
        if next(base.network.buffers(), None) is not None:
            raise UserError(
                expected="a learner without buffers",
                got=f"{type(base.network).__name__} with buffers",
                fix="Use GroupNorm or batch statistics instead of running statistics.",
            )
        # A tuple hides the skeleton from nn.Module, which would otherwise register it as a child.
        self._skeleton = (copy.deepcopy(base.network).to("meta"),)

    passes: tuple[int, int] = (1, 1)
    """How often a task's support and query sets go forward and backward in one outer step: what a step costs."""

    @property
    def moving(self) -> tuple[str, ...]:
        """Names of the learner's weights that adapting may change; all others come out of `adapt` as they went in."""
        return tuple(self._registered)

    @abstractmethod
    def adapt(self, support: Examples, steps: int | None = None) -> Params:
        """Weights adapted to one support set, differentiable in `self.parameters()`.

        Args:
            support: the examples of one task.
            steps: inner steps; the number it was built with if left out; 0 gives the weights before adaptation.
        """

    def path(self, support: Examples, steps: int) -> Iterator[Params]:
        """The weights after 1, 2, ... `steps` inner steps; an algorithm that walks there overrides it to walk once."""
        for step in range(1, steps + 1):
            yield self.adapt(support, step)

    @final  # type: ignore[misc]
    def forward(self, tasks: Task, kind: LossKind = "objective") -> Tensor:
        """The loss of a batch of tasks, a scalar.

        No tasks give 0, with a zero gradient for every parameter: a rank without a share of the batch still takes
        part in a step of all ranks.

        Args:
            tasks: the batch.
            kind: `objective`, what the outer loop lowers; `after` or `before`, the query loss after or before
                adaptation.
        """
        if num_tasks(tasks) == 0:
            return torch.stack([parameter.sum() for parameter in self.parameters()]).sum() * 0.0
        return self.batch_loss(tasks, kind)

    def batch_loss(self, tasks: Task, kind: LossKind) -> Tensor:
        """As `forward`, for one task or more: the mean over the tasks, unless an algorithm joins them otherwise."""
        return self.losses(tasks, kind).mean()

    def losses(self, tasks: Task, kind: LossKind = "objective") -> Tensor:
        """The loss of each task of a batch, (tasks,)."""
        losses = {"objective": self.task_loss, "after": self.task_query_loss, "before": self._unadapted_loss}
        return task_losses(losses[kind], tasks, self.batching)

    def weight(self, tasks: Task) -> float:
        """How much the loss of a batch counts in a mean over several batches: the number of its tasks."""
        return float(num_tasks(tasks))

    def task_loss(self, task: Task) -> Tensor:
        """What the outer loop lowers for one task: the loss that is judged, unless an algorithm learns otherwise."""
        return self.task_query_loss(task)

    def task_query_loss(self, task: Task) -> Tensor:
        """What one task is judged by: its query loss after adaptation to its support set."""
        return self.query_loss(self.adapt(task.support), task.query)

    def support_loss(self, params: Params, examples: Examples) -> Tensor:
        """What adapting lowers: the loss of given weights on works to learn from; a scalar."""
        return self._support_loss(self.predict(params), examples)

    def query_loss(self, params: Params, examples: Examples) -> Tensor:
        """What is judged: the loss of given weights on other works; a scalar."""
        return self._query_loss(self.predict(params), examples)

    def predict(self, params: Params) -> Predict:
        """The learner as a function, with `params` for weights."""
        return lambda *inputs: functional_call(self._skeleton[0], params, inputs)

    def theta(self) -> Params:
        """The learner's weights before adaptation, under the learner's own names."""
        return {name: getattr(self, registered) for name, registered in self._registered.items()}

    @torch.no_grad()
    def load_theta(self, params: Params) -> None:
        """Take over a learner's weights.

        Raises:
            UserError: names or shapes are not this learner's.
        """
        own = self.theta()
        wrong = sorted(set(own) ^ set(params)) or [n for n in own if own[n].shape != params[n].shape]
        if wrong:
            raise UserError(
                expected=f"weights {', '.join(f'{n} {tuple(p.shape)}' for n, p in own.items())}",
                got=f"other names or shapes at {', '.join(wrong)}",
                fix="Use a run made with the same learner (see its config.json).",
            )
        for name, value in params.items():
            own[name].copy_(value)

    def _unadapted_loss(self, task: Task) -> Tensor:
        return self.query_loss(self.theta(), task.query)
