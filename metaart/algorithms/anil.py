"""Almost no inner loop: gradient steps on the last layer alone, on features that meta-training learns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from metaart.algorithms.base import Batching, Loss
from metaart.algorithms.heads import features, required_head, with_means
from metaart.algorithms.inner import InnerLoop, InnerLoopConfig
from metaart.tasks import Examples, Head, Params


@dataclass(frozen=True)
class ANILConfig(InnerLoopConfig):
    """How ANIL adapts: see `InnerLoopConfig`."""


class ANIL(InnerLoop):
    """Learns features and a last layer from which a few gradient steps on that layer go far.

    Where a work has one feature vector, the features of the support set are computed once: a step costs next to
    nothing, however deep the learner.

    Source: Raghu, Raghu, Bengio & Vinyals 2020, section 4; the steps are those of `InnerLoop`.
    """

    def __init__(
        self,
        learner: nn.Module,
        loss: Loss,
        config: ANILConfig,
        batching: Batching = Batching(),  # noqa: B008
        head: Head | None = None,
    ) -> None:
        head = required_head(head, "anil", classifier=config.head_start == "means")
        moving = (f"{head.layer}.weight", f"{head.layer}.bias")
        super().__init__(learner, loss, config, batching, head, moving)
        support = 1 if head.features is not None else config.judged_at[-1]
        self.passes = (support, len(config.judged_at))

    def begin(self, support: Examples) -> tuple[Params, Callable[[Params], Tensor]]:
        """The head's two tensors move."""
        assert self.head is not None
        start = self.theta()
        if self.head.features is None:
            return start, lambda params: self.loss({**start, **params}, support)
        weight, bias, found = *self._moving, features(self, start, support)
        if self.config.head_start == "means":
            start = with_means(self, start, found, support)
        return start, lambda params: self._loss(lambda *_: F.linear(found, params[weight], params[bias]), support)
