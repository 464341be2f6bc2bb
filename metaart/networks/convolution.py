"""A small convolutional network that turns a picture into a vector, and answers with a linear layer."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvolutionalNet(nn.Module):
    """3x3 convolutions with GroupNorm and ReLU, halved in between, pooled over the whole picture in two ways.

    The mean of a channel says how much of something there is, its maximum whether there is any. No running statistics
    and no in-place operations: it maps over tasks and differentiates twice.

    Args:
        layers: convolutions; each but the last is followed by a 2x2 maximum, so that a side of 2 ** (layers - 1) or
            more is needed.
        channels: of each convolution; a multiple of 8.
        outputs: rows of the last, linear layer, `head`.
        in_channels: of the picture.
    """

    def __init__(self, layers: int, channels: int, outputs: int, in_channels: int = 3) -> None:
        super().__init__()
        sizes = [in_channels, *[channels] * layers]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(fan_in, fan_out, 3, padding=1, bias=False) for fan_in, fan_out in pairwise(sizes)
        )
        self.norms = nn.ModuleList(nn.GroupNorm(channels // 8, channels) for _ in range(layers))
        self.head = nn.Linear(2 * channels, outputs)

    def forward(self, pictures: Tensor, answer: bool = True) -> Tensor:
        """(works, in_channels, height, width) to (works, outputs), or with `answer=False` to (works, 2 * channels).

        `answer=False` gives the features that the last layer is given.
        """
        maps = self.maps(pictures)
        features = torch.cat([maps.mean((-2, -1)), maps.amax((-2, -1))], -1)
        return self.head(features) if answer else features

    def maps(self, pictures: Tensor) -> Tensor:
        """The last convolution's maps, (works, channels, height, width), each side halved `layers - 1` times."""
        maps = pictures
        for place, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            if place:
                maps = F.max_pool2d(maps, 2)
            maps = F.relu(norm(convolution(maps)))
        return maps
