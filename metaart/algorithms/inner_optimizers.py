"""ONE SEAM: how a gradient becomes a direction inside the inner loop; a new one is a class here and a line below."""

from __future__ import annotations

from typing import Any, Protocol

from metaart.functional.gradients import Moments, adam_direction
from metaart.tasks import Params


class InnerOptimizer(Protocol):
    """Gradients to the direction of a step, which the inner loop multiplies by alpha and subtracts.

    Attributes:
        alphas: the rates that are worth searching with it, as `tune.space` writes a range.
    """

    alphas: str

    def direction(self, grads: Params, state: Any) -> tuple[Params, Any]:
        """The direction at these gradients, and what to remember until the next step of the same task.

        Args:
            grads: of the support loss, by weight tensor.
            state: what the step before gave; None at the first step of a task.

        Both are differentiable in the gradients, and work under `torch.func.vmap`.
        """


class SGD:
    """The gradient itself."""

    alphas = "loguniform(1e-3,1)"

    def direction(self, grads: Params, state: None) -> tuple[Params, None]:
        """See `InnerOptimizer`."""
        return grads, state


class Adam:
    """Adam's direction, its running means begun afresh for every task; Kingma & Ba 2015.

    Its steps are long where those of SGD are short: every weight moves by about alpha, however small its gradient.
    """

    alphas = "loguniform(1e-4,0.1)"

    def direction(self, grads: Params, state: Moments | None) -> tuple[Params, Moments]:
        """See `InnerOptimizer`."""
        return adam_direction(grads, state)


INNER_OPTIMIZERS: dict[str, InnerOptimizer] = {"sgd": SGD(), "adam": Adam()}
