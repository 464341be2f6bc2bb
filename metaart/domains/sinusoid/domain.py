"""Sinusoid: regression of sine waves, the experiment by which MAML is known and the quickest check of a set-up."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from metaart.data.location import Where
from metaart.domains.base import Domain, Hand, Split
from metaart.errors import UserError
from metaart.networks.mlp import MLP
from metaart.tasks import Examples, Head


@dataclass(frozen=True)
class SinusoidConfig:
    """The curves of Finn et al. 2017, section 5.1.

    Attributes:
        hidden_size: width of the two hidden layers.
    """

    hidden_size: int = 40

    def __post_init__(self) -> None:
        if self.hidden_size < 1:
            raise UserError(
                expected="domain.hidden_size of 1 or more",
                got=str(self.hidden_size),
                fix="Use --set domain.hidden_size=40.",
            )


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


class Sinusoid(Domain):
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

    def render(self, predict: Callable[..., Any], requests: Sequence[int]) -> list[bytes]:
        """A plot of each adapted wave over [-5, 5] as PNG; a request is its width in pixels."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        x = torch.linspace(-5, 5, 400).unsqueeze(1)
        with torch.no_grad():
            waves = predict(x.expand(len(requests), -1, -1))
        pictures = []
        for width_px, wave in zip(requests, waves, strict=True):
            figure = Figure(figsize=(width_px / 100, width_px / 150), dpi=100)
            FigureCanvasAgg(figure)
            figure.add_subplot().plot(x[:, 0], wave[:, 0])
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png")
            pictures.append(buffer.getvalue())
        return pictures
