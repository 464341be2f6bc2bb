"""Ways to learn to learn, by name: a new one is a file here and a line in `ALGORITHMS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import nn

from metaart.algorithms.base import Batching, Loss, MetaAlgorithm, Predict
from metaart.algorithms.maml import MAML, MAMLConfig
from metaart.algorithms.pooled import Pooled, PooledConfig
from metaart.tasks import Params

__all__ = ["ALGORITHMS", "Batching", "Loss", "MetaAlgorithm", "Params", "Predict", "RegisteredAlgorithm"]


class RegisteredAlgorithm(NamedTuple):
    """A configuration class, and what builds the algorithm from one."""

    config: type[Any]
    build: Callable[[nn.Module, Loss, Any, Batching], MetaAlgorithm]


ALGORITHMS: dict[str, RegisteredAlgorithm] = {
    "maml": RegisteredAlgorithm(MAMLConfig, MAML),
    "pooled": RegisteredAlgorithm(PooledConfig, lambda learner, loss, _, batching: Pooled(learner, loss, batching)),
}
