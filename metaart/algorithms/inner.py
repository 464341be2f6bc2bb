"""The inner loop of gradient steps, which MAML and its kin share."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from metaart.algorithms.base import MetaAlgorithm
from metaart.algorithms.batching import Batching
from metaart.algorithms.inner_optimizers import INNER_OPTIMIZERS
from metaart.errors import UserError
from metaart.functional.gradients import gradient
from metaart.options import option, options
from metaart.tasks import BaseLearner, Examples, Params, Task

ALPHA_SPEED = 10.0
"""How much faster a learned alpha moves (its logarithm, or its share) than a weight does under the same outer rate."""


@options(section="algorithm")
class InnerLoopConfig:
    """How gradient steps adapt."""

    steps: int = option(default=5, ge=1, help="inner steps K")
    order: Literal[1, 2] = option(
        default=2, help="2 differentiates through the inner loop; 1 takes inner gradients for constants (FOMAML)"
    )
    alpha: float = option(default=0.01, gt=0, help="inner learning rate; where it is learned, where it starts")
    learn_alpha: Literal["no", "layer", "layer_step", "weight"] = option(
        default="no",
        help="no keeps one number; layer learns one per weight tensor; layer_step one per weight tensor and step; "
        "weight one per weight, which may also become zero or negative",
    )
    inner: str = option(
        default="sgd", choices=INNER_OPTIMIZERS, help="the inner optimizer, its state fresh for every task"
    )
    query_loss_at: tuple[int, ...] = option(
        default=(),
        help="inner steps whose query losses are averaged into the outer loss; empty means the last alone. One beyond "
        "the last means the last, so that steps can be changed by itself",
    )
    head_start: Literal["learned", "means"] = option(
        default="learned",
        help="where the inner loop starts in the layer with which the learner answers: learned, or means, the "
        "classifier of the support set's class means (needs an art form that tells hands apart)",
    )

    def __post_init__(self) -> None:
        if not all(step >= 1 for step in self.query_loss_at):
            raise UserError(
                expected="algorithm.query_loss_at to be inner steps, from 1",
                got=repr(self.query_loss_at),
                fix="Give another value: --set algorithm.query_loss_at=...",
            )

    @property
    def judged_at(self) -> tuple[int, ...]:
        """The inner steps after which the query loss counts, in order."""
        return tuple(sorted({min(step, self.steps) for step in self.query_loss_at or (self.steps,)}))

    @property
    def search_space(self) -> dict[str, str]:
        """What a sweep (`tune`) searches unless told otherwise."""
        return {"alpha": INNER_OPTIMIZERS[self.inner].alphas, "steps": "choice(1,3,5)"}


class InnerLoop(MetaAlgorithm):
    """Gradient steps on some of the weights, all of it differentiable.

        phi_0 = theta;  phi_{k+1} = phi_k - alpha_k * u(grad L_support(phi_k));  minimise L_query(phi_K) over theta

    where u is the identity (SGD) or Adam's direction. Alpha per layer and step and the query loss at several steps
    after Antoniou et al. 2019 (MAML++); alpha per weight after Li et al. 2017 (Meta-SGD, equation 4); a start from
    class means after Triantafillou et al. 2020 (Proto-MAML).

    Differs from the papers: an alpha per layer is kept positive by learning its logarithm; one per weight is learned as
    a multiple of the common `alpha`, 1 at first.

    Args:
        base: see `MetaAlgorithm`.
        config: of the steps.
        batching: see `MetaAlgorithm`.
        moving: names of the learner's weights that the steps move.
    """

    def __init__(self, base: BaseLearner, config: InnerLoopConfig, batching: Batching, moving: Sequence[str]) -> None:
        super().__init__(base, batching)
        self.config, self._moving = config, tuple(moving)
        self._inner = INNER_OPTIMIZERS[config.inner]
        # What is learned is a shift from the configured alpha, zero at first: all alphas begin as that one number.
        if config.learn_alpha == "weight":
            theta = self.theta()
            for name in self._moving:
                self.register_parameter(_shift_of(name), nn.Parameter(torch.zeros_like(theta[name])))
        elif config.learn_alpha != "no":
            columns = config.steps if config.learn_alpha == "layer_step" else 1
            self.alpha_log_shift = nn.Parameter(torch.zeros(len(self._moving), columns))

    @property
    def moving(self) -> tuple[str, ...]:
        """What the steps move."""
        return self._moving

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
        # All but the last are let go at once: in first order no graph holds on to them.
        last = deque(self.path(support, self.config.steps if steps is None else steps), maxlen=1)
        return last[0] if last else self.theta()

    def path(self, support: Examples, steps: int) -> Iterator[Params]:
        """The weights after each of `steps` inner steps."""
        if steps < 1:
            return
        start, loss = self.begin(support)
        params: Params = {name: start[name] for name in self._moving}
        state: Any = None
        for step in range(steps):
            # First order takes the gradient at weights cut off from theta, but the step is taken from the weights
            # themselves: so theta and the alphas are still reached, each as if the gradient were a constant.
            grads = gradient(loss, params, through=self.config.order == 2)
            direction, state = self._inner.direction(grads, state)
            alphas = self.alphas(step)
            params = {name: value - alphas[name] * direction[name] for name, value in params.items()}
            yield {**start, **params}

    def task_query_loss(self, task: Task) -> Tensor:
        """Query loss after the last inner step, or its mean over the steps of `query_loss_at`."""
        wanted = self.config.judged_at
        walked = enumerate(self.path(task.support, wanted[-1]), start=1)
        return torch.stack([self.query_loss(params, task.query) for step, params in walked if step in wanted]).mean()


def _shift_of(name: str) -> str:
    return "alpha_shift/" + name.replace(".", "/")
