"""The seam at which a way of learning to learn plugs in."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, final

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from metaart.errors import UserError
from metaart.tasks import Examples, Head, Params, Task, num_tasks, unstack

Predict = Callable[..., Any]
"""A learner with its weights in place: inputs to outputs."""

Loss = Callable[[Predict, Examples], Tensor]
"""A learner and examples to a scalar."""


@dataclass(frozen=True)
class Batching:
    """How the tasks of a batch are computed together.

    Attributes:
        mode: `vmap` maps the inner loop over tasks, `loop` takes them one by one, `auto` measures both on the first
            batch and keeps the faster.
        chunk: tasks mapped at once by `vmap`; 0 takes all.
    """

    mode: Literal["vmap", "loop", "auto"] = "auto"
    chunk: int = 0

    def __post_init__(self) -> None:
        if self.mode not in ("vmap", "loop", "auto"):
            raise UserError(
                expected="batching.mode to be vmap, loop or auto",
                got=repr(self.mode),
                fix="Use --set batching.mode=auto to have it measured.",
            )
        if self.chunk < 0:
            raise UserError(
                expected="batching.chunk of 0 (all tasks at once) or more", got=str(self.chunk), fix="Use 0."
            )


class MetaAlgorithm(nn.Module, ABC):
    """Owns a learner's weights and says how they adapt to a support set.

    The weights are parameters of this module itself, flat; the learner is a stateless skeleton outside the module
    tree, on the `meta` device, called through `torch.func.functional_call`. So the whole inner loop, double backward
    included, lies inside one `forward`, which DeepSpeed can wrap and shard.

    Args:
        learner: the network to meta-train; its weights are copied.
        loss: what it minimises on examples.
        batching: how tasks are computed together.
        head: the layer with which the learner answers, for algorithms that treat it apart.
    """

    def __init__(
        self,
        learner: nn.Module,
        loss: Loss,
        batching: Batching = Batching(),
        head: Head | None = None,
    ) -> None:
        super().__init__()
        self.batching = batching
        self.head = head
        self._loss = loss
        self._registered: dict[str, str] = {}
        for name, value in learner.named_parameters():
            self._registered[name] = "theta/" + name.replace(".", "/")
            self.register_parameter(self._registered[name], nn.Parameter(value.detach().clone()))
        if next(learner.buffers(), None) is not None:
            raise UserError(
                expected="a learner without buffers",
                got=f"{type(learner).__name__} with buffers",
                fix="Use GroupNorm or batch statistics instead of running statistics.",
            )
        # A tuple hides the skeleton from nn.Module, which would otherwise register it as a child.
        self._skeleton = (copy.deepcopy(learner).to("meta"),)

    passes: tuple[int, int] = (1, 1)
    """How often a task's support and query sets go forward and backward in one outer step: what a step costs."""

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
    def forward(self, tasks: Task, adapted: bool = True) -> Tensor:
        """Mean query loss over a batch of tasks, after adaptation or (`adapted=False`) before it; a scalar.

        No tasks give 0, with a zero gradient for every parameter: a rank without a share of the batch still takes
        part in a step of all ranks.
        """
        if num_tasks(tasks) == 0:
            return torch.stack([parameter.sum() for parameter in self.parameters()]).sum() * 0.0
        return self.losses(tasks, adapted).mean()

    def weight(self, tasks: Task) -> float:
        """How much the loss of a batch counts in a mean over several batches: the number of its tasks."""
        return float(num_tasks(tasks))

    def losses(self, tasks: Task, adapted: bool = True) -> Tensor:
        """The loss of each task of a batch, (tasks,)."""
        one = self.task_loss if adapted else self._unadapted_loss
        if self.batching.mode == "loop":
            return torch.stack([one(task) for task in unstack(tasks)])
        return vmap(one, randomness="different", chunk_size=self.batching.chunk or None)(tasks)

    def task_loss(self, task: Task) -> Tensor:
        """What the outer loop minimises for one task: its query loss after adaptation to its support set."""
        return self.loss(self.adapt(task.support), task.query)

    def loss(self, params: Params, examples: Examples) -> Tensor:
        """The loss of given weights on examples; a scalar."""
        return self._loss(self.predict(params), examples)

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
        return self.loss(self.theta(), task.query)
