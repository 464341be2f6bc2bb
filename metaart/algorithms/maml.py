"""Model-agnostic meta-learning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from metaart.algorithms.base import Batching, Loss
from metaart.algorithms.heads import features, required_head, with_means
from metaart.algorithms.inner import ALPHA_SPEED, InnerLoop, InnerLoopConfig
from metaart.tasks import Examples, Head, Params

__all__ = ["ALPHA_SPEED", "MAML", "MAMLConfig"]


@dataclass(frozen=True)
class MAMLConfig(InnerLoopConfig):
    """How MAML adapts: see `InnerLoopConfig`."""


class MAML(InnerLoop):
    """Learns an initialisation from which a few gradient steps on all weights go far.

    Source: Finn, Abbeel & Levine 2017, algorithm 1; the steps are those of `InnerLoop`.
    """

    def __init__(
        self,
        learner: nn.Module,
        loss: Loss,
        config: MAMLConfig,
        batching: Batching = Batching(),  # noqa: B008
        head: Head | None = None,
    ) -> None:
        if config.head_start == "means":
            required_head(head, "algorithm.head_start=means", classifier=True)
        super().__init__(learner, loss, config, batching, head, [name for name, _ in learner.named_parameters()])
        self.passes = (config.judged_at[-1] + (config.head_start == "means"), len(config.judged_at))

    def begin(self, support: Examples) -> tuple[Params, Callable[[Params], Tensor]]:
        """All weights move."""
        start = self.theta()
        if self.config.head_start == "means":
            start = with_means(self, start, features(self, start, support), support)
        return start, lambda params: self.loss(params, support)
