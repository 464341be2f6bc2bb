"""Ways to learn to learn, by name: a new one is a file here and a line in `ALGORITHMS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from metaart.algorithms.anil import ANIL, ANILConfig
from metaart.algorithms.base import LossKind, MetaAlgorithm
from metaart.algorithms.batching import Batching
from metaart.algorithms.maml import MAML, MAMLConfig
from metaart.algorithms.pooled import Pooled, PooledConfig
from metaart.algorithms.protonet import ProtoNet, ProtoNetConfig
from metaart.tasks import BaseLearner, Head, Loss, Params, Predict

__all__ = [
    "ALGORITHMS", "BaseLearner", "Batching", "Loss", "LossKind", "MetaAlgorithm", "Params", "Predict",
    "RegisteredAlgorithm",
]  # fmt: skip


class RegisteredAlgorithm(NamedTuple):
    """How to configure and build a way of learning to learn, and what it asks of an art form.

    Attributes:
        config: configuration class.
        build: the algorithm from the base learner, its configuration, and how tasks are computed together; refuses
            with a `UserError`, which says why, where the learner's head is not what it needs.
        needs: `nothing`, a `head` (a linear layer with which the learner answers), or a `classifier` (a head whose
            outputs are the hands of a task).
    """

    config: type[Any]
    build: Callable[[BaseLearner, Any, Batching], MetaAlgorithm]
    needs: Literal["nothing", "head", "classifier"] = "nothing"

    def fits(self, head: Head | None) -> bool:
        """Whether an art form with this head has what the algorithm needs."""
        return self.needs == "nothing" or (head is not None and (self.needs == "head" or head.classifies))


ALGORITHMS: dict[str, RegisteredAlgorithm] = {
    "maml": RegisteredAlgorithm(MAMLConfig, MAML),
    "anil": RegisteredAlgorithm(ANILConfig, ANIL, needs="head"),
    "protonet": RegisteredAlgorithm(ProtoNetConfig, ProtoNet, needs="classifier"),
    "pooled": RegisteredAlgorithm(PooledConfig, Pooled),
}
