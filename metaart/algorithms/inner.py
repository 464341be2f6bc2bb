"""The inner loop of gradient steps, which MAML and its kin share."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from metaart.algorithms.base import Batching, Loss, MetaAlgorithm
from metaart.errors import UserError
from metaart.functional.gradients import Moments, adam_direction, gradient
from metaart.tasks import Examples, Head, Params, Task

ALPHA_SPEED = 10.0
"""How much faster a learned alpha moves (its logarithm, or its share) than a weight does under the same outer rate."""

LEARN_ALPHA = ("no", "layer", "layer_step", "weight")


@dataclass(frozen=True)
class InnerLoopConfig:
    """How gradient steps adapt.

    Attributes:
        steps: inner steps K, from 1.
        order: 2 differentiates through the inner loop; 1 takes inner gradients for constants (FOMAML).
        alpha: inner learning rate, above 0; where it is learned, where it starts.
        learn_alpha: `no` keeps one number; `layer` learns one per weight tensor; `layer_step` one per weight tensor
            and step; `weight` one per weight, which may also become zero or negative.
        inner: `sgd`, or `adam` with a fresh state per task.
        query_loss_at: inner steps whose query losses are averaged into the outer loss; empty means the last alone. One
            beyond the last means the last, so that `steps` can be changed by itself.
        head_start: where the inner loop starts in the layer with which the learner answers: `learned`, or `means`, the
            classifier of the support set's class means (needs an art form that tells hands apart).
    """

    steps: int = 5
    order: Literal[1, 2] = 2
    alpha: float = 0.01
    learn_alpha: Literal["no", "layer", "layer_step", "weight"] = "no"
    inner: Literal["sgd", "adam"] = "sgd"
    query_loss_at: tuple[int, ...] = ()
    head_start: Literal["learned", "means"] = "learned"

    def __post_init__(self) -> None:
        for good, field, expected in (
            (self.steps >= 1, "steps", "1 or more inner steps"),
            (self.order in (1, 2), "order", "1 (first order) or 2 (second order)"),
            (math.isfinite(self.alpha) and self.alpha > 0, "alpha", "an inner learning rate above 0"),
            (self.learn_alpha in LEARN_ALPHA, "learn_alpha", f"one of {', '.join(LEARN_ALPHA)}"),
            (self.inner in ("sgd", "adam"), "inner", "sgd or adam"),
            (all(step >= 1 for step in self.query_loss_at), "query_loss_at", "inner steps, from 1"),
            (self.head_start in ("learned", "means"), "head_start", "learned or means"),
        ):
            if not good:
                raise UserError(
                    expected=f"algorithm.{field} to be {expected}",
                    got=repr(getattr(self, field)),
                    fix=f"Give another value: --set algorithm.{field}=...",
                )

    @property
    def judged_at(self) -> tuple[int, ...]:
        """The inner steps after which the query loss counts, in order."""
        return tuple(sorted({min(step, self.steps) for step in self.query_loss_at or (self.steps,)}))

    @property
    def search_space(self) -> dict[str, str]:
        """What a sweep (`tune`) searches unless told otherwise; Adam's steps are long where those of SGD are short."""
        return {"alpha": f"loguniform({'1e-4,0.1' if self.inner == 'adam' else '1e-3,1'})", "steps": "choice(1,3,5)"}


class InnerLoop(MetaAlgorithm):
    """Gradient steps on some of the weights, all of it differentiable.

        phi_0 = theta;  phi_{k+1} = phi_k - alpha_k * u(grad L_support(phi_k));  minimise L_query(phi_K) over theta

    where u is the identity (SGD) or Adam's direction. Alpha per layer and step and the query loss at several steps
    after Antoniou et al. 2019 (MAML++); alpha per weight after Li et al. 2017 (Meta-SGD, equation 4); a start from
    class means after Triantafillou et al. 2020 (Proto-MAML).

    Differs from the papers: an alpha per layer is kept positive by learning its logarithm; one per weight is learned as
    a multiple of the common `alpha`, 1 at first.

    Args:
        learner: see `MetaAlgorithm`.
        loss: see `MetaAlgorithm`.
        config: of the steps.
        batching: see `MetaAlgorithm`.
        head: see `MetaAlgorithm`.
        moving: names of the learner's weights that the steps move.
    """

    def __init__(
        self,
        learner: nn.Module,
        loss: Loss,
        config: InnerLoopConfig,
        batching: Batching,
        head: Head | None,
        moving: Sequence[str],
    ) -> None:
        super().__init__(learner, loss, batching, head)
        self.config, self._moving = config, tuple(moving)
        if config.learn_alpha == "weight":
            theta = self.theta()
            for name in self._moving:
                self.register_parameter(_shift_of(name), nn.Parameter(torch.zeros_like(theta[name])))
        elif config.learn_alpha != "no":
            columns = config.steps if config.learn_alpha == "layer_step" else 1
            self.alpha_log_shift = nn.Parameter(torch.zeros(len(self._moving), columns))

    @abstractmethod
    def begin(self, support: Examples) -> tuple[Params, Callable[[Params], Tensor]]:
        """All weights at the start of the loop, and the support loss as a function of the moving ones."""

    def alphas(self, step: int) -> dict[str, Tensor | float]:
        """The inner learning rates of a step (0-based; past those trained for, the last is kept), by weight tensor.

        Each is one number, or one per weight in the tensor's own shape.
        """
        alpha = self.config.alpha
        if self.config.learn_alpha == "no":
            return dict.fromkeys(self._moving, alpha)
        if self.config.learn_alpha == "weight":
            return {name: alpha * (1 + ALPHA_SPEED * getattr(self, _shift_of(name))) for name in self._moving}
        column = self.alpha_log_shift[:, min(step, self.alpha_log_shift.shape[1] - 1)]
        return dict(zip(self._moving, alpha * torch.exp(ALPHA_SPEED * column), strict=True))

    def adapt(self, support: Examples, steps: int | None = None) -> Params:
        """Weights after `steps` inner steps on one support set."""
        params = self.theta()
        for params in self.path(support, self.config.steps if steps is None else steps):  # noqa: B007
            pass
        return params

    def path(self, support: Examples, steps: int) -> Iterator[Params]:
        """The weights after each of `steps` inner steps."""
        if steps < 1:
            return
        start, loss = self.begin(support)
        params, moments = {name: start[name] for name in self._moving}, None
        for step in range(steps):
            grads = gradient(loss, params, through=self.config.order == 2)
            direction, moments = self._direction(grads, moments)
            alphas = self.alphas(step)
            params = {name: value - alphas[name] * direction[name] for name, value in params.items()}
            yield {**start, **params}

    def task_loss(self, task: Task) -> Tensor:
        """Query loss after the last inner step, or its mean over the steps of `query_loss_at`."""
        wanted = self.config.judged_at
        taken = enumerate(self.path(task.support, wanted[-1]), start=1)
        return torch.stack([self.loss(params, task.query) for step, params in taken if step in wanted]).mean()

    def _direction(self, grads: Params, moments: Moments | None) -> tuple[Params, Moments | None]:
        return (grads, None) if self.config.inner == "sgd" else adam_direction(grads, moments)


def _shift_of(name: str) -> str:
    return "alpha_shift/" + name.replace(".", "/")
