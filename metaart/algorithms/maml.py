"""Model-agnostic meta-learning."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from metaart.algorithms.base import MAPPED
from metaart.algorithms.batching import Batching
from metaart.algorithms.heads import features, required_head, with_means
from metaart.algorithms.inner import ALPHA_SPEED, InnerLoop, InnerLoopConfig
from metaart.options import options
from metaart.tasks import BaseLearner, Examples, Params

__all__ = ["ALPHA_SPEED", "MAML", "MAMLConfig"]


@options(section="algorithm")
class MAMLConfig(InnerLoopConfig):
    """How MAML adapts: see `InnerLoopConfig`."""


class MAML(InnerLoop):
    """Learns an initialisation from which a few gradient steps on all weights go far.

    Source: Finn, Abbeel & Levine 2017, algorithm 1; the steps are those of `InnerLoop`.
    """

    def __init__(self, base: BaseLearner, config: MAMLConfig, batching: Batching = MAPPED) -> None:
        if config.head_start == "means":
            required_head(base.head, "algorithm.head_start=means", classifier=True)
        super().__init__(base, config, batching, [name for name, _ in base.network.named_parameters()])
        self.passes = (config.judged_at[-1] + (config.head_start == "means"), len(config.judged_at))

    def begin(self, support: Examples) -> tuple[Params, Callable[[Params], Tensor]]:
        """All weights move."""
        start = self.theta()
        if self.config.head_start == "means":
            start = with_means(self, start, features(self, start, support), support)
        return start, lambda params: self.support_loss(params, support)
