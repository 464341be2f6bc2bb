"""A small multilayer perceptron, the regressor of the sinusoid experiment."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn


class MLP(nn.Module):
    """Linear layers with ReLU between them.

    Args:
        widths: sizes from input to output; (1, 40, 40, 1) is the network of Finn et al. 2017, section 5.1.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for fan_in, fan_out in pairwise(widths):
            layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, widths[0]) to (batch, widths[-1])."""
        return self.layers(inputs)  # type: ignore[no-any-return]
