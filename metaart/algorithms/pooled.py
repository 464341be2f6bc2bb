"""Ordinary training on all hands at once: the starting point, and the bar to beat."""

from __future__ import annotations

from torch import Tensor

from metaart.algorithms.base import MAPPED, LossKind, MetaAlgorithm
from metaart.algorithms.batching import Batching
from metaart.options import options
from metaart.tasks import BaseLearner, Examples, Params, Task


@options(section="algorithm")
class PooledConfig:
    """Nothing to choose: the pooled model does not adapt."""


class Pooled(MetaAlgorithm):
    """Minimises the mean loss over the works of all tasks together; adapting changes nothing.

    Args:
        base: see `MetaAlgorithm`.
        config: nothing.
        batching: see `MetaAlgorithm`; of the loss of each task. That of a batch is one pass over all its works.
    """

    passes = (0, 1)

    def __init__(self, base: BaseLearner, config: PooledConfig, batching: Batching = MAPPED) -> None:
        super().__init__(base, batching)
        self.config = config

    @property
    def moving(self) -> tuple[str, ...]:
        """None."""
        return ()

    def adapt(self, support: Examples, steps: int | None = None) -> Params:  # noqa: ARG002
        """The weights as they are."""
        return self.theta()

    def weight(self, tasks: Task) -> float:
        """See `MetaAlgorithm.weight`: all works are one batch, so what counts is what their loss is a mean over."""
        return super().weight(tasks) if self._targets is None else float(self._targets(tasks.query))

    def batch_loss(self, tasks: Task, kind: LossKind) -> Tensor:  # noqa: ARG002
        """The loss of all query works of the batch as one: every task has the same weights, before and after."""
        works = {name: value.flatten(0, 1) for name, value in tasks.query.items()}
        return self.query_loss(self.theta(), works)
