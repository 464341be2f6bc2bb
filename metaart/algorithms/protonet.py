"""Prototypical networks: the class means of a support set are the classifier."""

from __future__ import annotations

from metaart.algorithms.base import MAPPED, MetaAlgorithm
from metaart.algorithms.batching import Batching
from metaart.algorithms.heads import features, head_weights, required_head, with_means
from metaart.options import options
from metaart.tasks import BaseLearner, Examples, Params


@options(section="algorithm")
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

    def __init__(self, base: BaseLearner, config: ProtoNetConfig, batching: Batching = MAPPED) -> None:
        head = required_head(base.head, "protonet", classifier=True)
        super().__init__(base, batching)
        self.config, self._moving = config, head_weights(head)

    @property
    def moving(self) -> tuple[str, ...]:
        """The head's two tensors."""
        return self._moving

    def adapt(self, support: Examples, steps: int | None = None) -> Params:
        """The weights with the head from the class means; however many steps, there is one way to take them."""
        theta = self.theta()
        if steps == 0:
            return theta
        adapted = with_means(self, theta, features(self, theta, support), support)
        # The head that was replaced is added as nothing, so that it has a gradient: an engine over ranks waits for the
        # gradients of all parameters.
        return {**adapted, **{name: adapted[name] + 0 * theta[name] for name in self.moving}}
