"""Steps of the inner loop as pure functions over dictionaries of weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from metaart.tasks import Params


class Moments(NamedTuple):
    """Adam's running means of the gradient and of its square, and the number of steps taken."""

    first: Params
    second: Params
    steps: int


def gradient(loss: Callable[[Params], Tensor], params: Params, *, through: bool) -> Params:
    """The gradient of a scalar loss at `params`.

    Args:
        loss: weights to a scalar.
        params: where to take it.
        through: keep the gradient differentiable in `params` (second order); otherwise it is a constant
            (first order), and no graph is built for it.
    """
    slope: Callable[[Params], Params] = torch.func.grad(loss)
    if through:
        return slope(params)
    # `torch.func.grad` differentiates in spite of `no_grad`; what `no_grad` leaves out is the graph of the gradient
    # itself, which in first order nobody walks back through.
    with torch.no_grad():
        return slope({name: value.detach() for name, value in params.items()})


def adam_direction(
    grads: Params, moments: Moments | None, *, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
) -> tuple[Params, Moments]:
    """The direction of one Adam step, to be multiplied by the learning rate and subtracted.

        m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  u = (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

    Source: Kingma & Ba 2015, algorithm 1. Where v is zero the direction is zero, and so is its derivative: the
    square root's own derivative there is infinite.
    """
    steps = 1 if moments is None else moments.steps + 1
    first, second, direction = {}, {}, {}
    for name, grad in grads.items():
        m, v = (1 - beta1) * grad, (1 - beta2) * grad * grad
        if moments is not None:
            m, v = m + beta1 * moments.first[name], v + beta2 * moments.second[name]
        first[name], second[name] = m, v
        # A weight that has had no gradient yet (a token that was never read) must not turn the outer gradient into nan:
        # the branch that is not taken is differentiated too, so the root is taken of 1 there.
        still = v == 0
        root = torch.where(still, 1.0, v / (1 - beta2**steps)).sqrt()
        direction[name] = torch.where(still, 0.0, m / (1 - beta1**steps) / (root + eps))
    return direction, Moments(first, second, steps)
