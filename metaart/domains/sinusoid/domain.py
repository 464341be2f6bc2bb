"""Sinusoid: regression of sine waves, the experiment by which MAML is known and the quickest check of a set-up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from metaart.data.location import Where
from metaart.domains.base import Domain, Hand, Split
from metaart.networks.mlp import MLP
from metaart.options import option, options
from metaart.tasks import Examples, Head


@options(section="domain")
class SinusoidConfig:
    """The curves of Finn et al. 2017, section 5.1."""

    hidden_size: int = option(default=40, ge=1, help="width of the two hidden layers")


class SineHand(Hand):
    """All sine waves: amplitude in [0.1, 5], phase in [0, pi], x in [-5, 5]; every variation is another wave."""

    name = "sine waves"
    num_works = 10_000

    def examples(self, works: Sequence[int], variation: np.random.Generator) -> Examples:
        """Points of one wave: {"x": (points, 1), "y": (points, 1)}."""
        amplitude, phase = variation.uniform(0.1, 5.0), variation.uniform(0.0, np.pi)
        x = -5.0 + 10.0 * (np.asarray(works, dtype=np.float64)[:, None] + 0.5) / self.num_works
        y = amplitude * np.sin(x - phase)
        return {"x": torch.from_numpy(x).float(), "y": torch.from_numpy(y).float()}


class SinusoidDomain(Domain):
    """Few points of a sine wave in, the whole wave out; the loss is the mean squared error."""

    head = Head("layers.4")

    def __init__(self, config: SinusoidConfig = SinusoidConfig()) -> None:
        self.config = config

    def hands(self, data: Where | None, split: Split, *, varied: bool) -> list[Hand]:  # noqa: ARG002
        """One hand whose variations are the waves; no data is read."""
        return [SineHand()]

    def learner(self) -> nn.Module:
        """1 - hidden - hidden - 1 with ReLU."""
        return MLP((1, self.config.hidden_size, self.config.hidden_size, 1))

    def loss(self, predict: Callable[..., Any], examples: Examples) -> Tensor:
        """Mean squared error, written out because `F.mse_loss` fails under `jvp` of `grad`."""
        error: Tensor = predict(examples["x"]) - examples["y"]
        return (error * error).mean()
