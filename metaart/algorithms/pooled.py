"""Ordinary training on all hands at once: the starting point, and the bar to beat."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from metaart.algorithms.base import MetaAlgorithm
from metaart.tasks import Examples, Params, Task


@dataclass(frozen=True)
class PooledConfig:
    """Nothing to choose: the pooled model does not adapt."""


class Pooled(MetaAlgorithm):
    """Minimises the mean loss over the works of all tasks together; adapting changes nothing."""

    passes = (0, 1)

    def adapt(self, support: Examples, steps: int | None = None) -> Params:  # noqa: ARG002
        """The weights as they are."""
        return self.theta()

    def losses(self, tasks: Task, adapted: bool = True) -> Tensor:  # noqa: ARG002
        """The loss of all query works of the batch as one, (1,): every task has the same weights."""
        works = {name: value.flatten(0, 1) for name, value in tasks.query.items()}
        return self.loss(self.theta(), works).unsqueeze(0)
