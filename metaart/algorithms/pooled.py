"""Ordinary training on all hands at once: the starting point, and the bar to beat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from metaart.algorithms.base import Batching, Loss, MetaAlgorithm
from metaart.tasks import Examples, Head, Params, Task


@dataclass(frozen=True)
class PooledConfig:
    """Nothing to choose: the pooled model does not adapt."""


class Pooled(MetaAlgorithm):
    """Minimises the mean loss over the works of all tasks together; adapting changes nothing.

    Args:
        learner: see `MetaAlgorithm`.
        loss: see `MetaAlgorithm`.
        batching: see `MetaAlgorithm`.
        targets: counts what `loss` is a mean over, so that losses of two batches can be joined exactly; the number of
            tasks if left out.
        head: see `MetaAlgorithm`.
    """

    passes = (0, 1)

    def __init__(
        self,
        learner: nn.Module,
        loss: Loss,
        batching: Batching = Batching(),  # noqa: B008
        targets: Callable[[Examples], int] | None = None,
        head: Head | None = None,
    ) -> None:
        super().__init__(learner, loss, batching, head)
        self._targets = targets

    def adapt(self, support: Examples, steps: int | None = None) -> Params:  # noqa: ARG002
        """The weights as they are."""
        return self.theta()

    def weight(self, tasks: Task) -> float:
        """See `MetaAlgorithm.weight`: all works are one batch, so what counts is what their loss is a mean over."""
        return super().weight(tasks) if self._targets is None else float(self._targets(tasks.query))

    def losses(self, tasks: Task, adapted: bool = True) -> Tensor:  # noqa: ARG002
        """The loss of all query works of the batch as one, (1,): every task has the same weights."""
        works = {name: value.flatten(0, 1) for name, value in tasks.query.items()}
        return self.loss(self.theta(), works).unsqueeze(0)
