"""Ways to learn to learn, by name: a new one is a file here and a line in `ALGORITHMS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from torch import nn

from metaart.algorithms.anil import ANIL, ANILConfig
from metaart.algorithms.base import Batching, Loss, MetaAlgorithm, Predict
from metaart.algorithms.maml import MAML, MAMLConfig
from metaart.algorithms.pooled import Pooled, PooledConfig
from metaart.algorithms.protonet import ProtoNet, ProtoNetConfig
from metaart.tasks import Head, Params

__all__ = ["ALGORITHMS", "Batching", "Loss", "MetaAlgorithm", "Params", "Predict", "RegisteredAlgorithm"]


class RegisteredAlgorithm(NamedTuple):
    """How to configure and build a way of learning to learn, and what it asks of an art form.

    Attributes:
        config: configuration class.
        build: the algorithm from learner, loss, configuration, batching and head; refuses with a `UserError`, which
            says why, where the head is not what it needs.
        needs: `nothing`, a `head` (a linear layer with which the learner answers), or a `classifier` (a head whose
            outputs are the hands of a task).
    """

    config: type[Any]
    build: Callable[[nn.Module, Loss, Any, Batching, Head | None], MetaAlgorithm]
    needs: Literal["nothing", "head", "classifier"] = "nothing"

    def fits(self, head: Head | None) -> bool:
        """Whether an art form with this head has what the algorithm needs."""
        return self.needs == "nothing" or (head is not None and (self.needs == "head" or head.classifies))


ALGORITHMS: dict[str, RegisteredAlgorithm] = {
    "maml": RegisteredAlgorithm(MAMLConfig, MAML),
    "anil": RegisteredAlgorithm(ANILConfig, ANIL, needs="head"),
    "protonet": RegisteredAlgorithm(ProtoNetConfig, ProtoNet, needs="classifier"),
    "pooled": RegisteredAlgorithm(
        PooledConfig, lambda learner, loss, _, batching, head: Pooled(learner, loss, batching, head=head)
    ),
}
