"""Prototypical networks: the class means of a support set are the classifier."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from metaart.algorithms.base import Batching, Loss, MetaAlgorithm
from metaart.algorithms.heads import features, required_head, with_means
from metaart.tasks import Examples, Head, Params


@dataclass(frozen=True)
class ProtoNetConfig:
    """Nothing to choose: squared Euclidean distances, the support set read once."""


class ProtoNet(MetaAlgorithm):
    """Learns features in which works lie near the mean of their own hand.

        p(c | x) = softmax_c(-|f(x) - mu_c|^2),  mu_c the mean of f over the support works of c

    Adapting sets the head to the linear layer with just that softmax (`functional.prototypes`), so that what comes
    after adaptation is the same as for an algorithm that takes gradient steps.

    Source: Snell, Swersky & Zemel 2017, algorithm 1.
    Differs from the paper: the learner's own head is replaced, and stays what it was when it was made.
    """

    def __init__(
        self,
        learner: nn.Module,
        loss: Loss,
        config: ProtoNetConfig = ProtoNetConfig(),
        batching: Batching = Batching(),  # noqa: B008
        head: Head | None = None,
    ) -> None:
        super().__init__(learner, loss, batching, required_head(head, "protonet", classifier=True))
        self.config = config

    def adapt(self, support: Examples, steps: int | None = None) -> Params:
        """The weights with the head from the class means; however many steps, there is one way to take them."""
        theta = self.theta()
        if steps == 0:
            return theta
        adapted = with_means(self, theta, features(self, theta, support), support)
        # Added as nothing, so that every parameter has a gradient: an engine over ranks waits for all of them.
        return {name: value if value is theta[name] else value + 0 * theta[name] for name, value in adapted.items()}
