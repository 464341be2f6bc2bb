"""Almost no inner loop: gradient steps on the last layer alone, on features that meta-training learns."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from metaart.algorithms.base import MAPPED
from metaart.algorithms.batching import Batching
from metaart.algorithms.heads import features, head_weights, required_head, with_means
from metaart.algorithms.inner import InnerLoop, InnerLoopConfig
from metaart.options import options
from metaart.tasks import BaseLearner, Examples, Params


@options(section="algorithm")
class ANILConfig(InnerLoopConfig):
    """How ANIL adapts: see `InnerLoopConfig`."""


class ANIL(InnerLoop):
    """Learns features and a last layer from which a few gradient steps on that layer go far.

    Where a work has one feature vector, the features of the support set are computed once: a step costs next to
    nothing, however deep the learner.

    Source: Raghu, Raghu, Bengio & Vinyals 2020, section 4; the steps are those of `InnerLoop`.
    """

    def __init__(self, base: BaseLearner, config: ANILConfig, batching: Batching = MAPPED) -> None:
        head = required_head(base.head, "anil", classifier=config.head_start == "means")
        super().__init__(base, config, batching, head_weights(head))
        support = 1 if head.features is not None else config.judged_at[-1]
        self.passes = (support, len(config.judged_at))

    def begin(self, support: Examples) -> tuple[Params, Callable[[Params], Tensor]]:
        """The head's two tensors move."""
        assert self.head is not None
        start = self.theta()
        if self.head.features is None:
            return start, lambda params: self.support_loss({**start, **params}, support)
        weight, bias = self.moving
        found = features(self, start, support)
        if self.config.head_start == "means":
            start = with_means(self, start, found, support)

        def loss(params: Params) -> Tensor:
            # The body does not move, so whatever the loss gives the learner, its answer is the head on these features.
            return self._support_loss(lambda *_: F.linear(found, params[weight], params[bias]), support)

        return start, loss
