"""A small convolutional network that turns a picture into a vector, and answers with a linear layer."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvolutionalNet(nn.Module):
    """Convolutions with GroupNorm and ReLU, each on half the side of the one before; what a hand is shows in all.

    The features of a picture are, of every channel of every layer, its mean over the picture (how much of something
    there is) and its maximum (whether there is any): the first layers see strokes and edges, the last ones shapes. No
    running statistics and no in-place operations: it maps over tasks and differentiates twice.

    Args:
        layers: convolutions: the first of 5x5 with a stride of 2, the others of 3x3 after a 2x2 maximum. The side of a
            picture must be 2 ** layers or more.
        channels: of each convolution; a multiple of 8.
        outputs: rows of the last, linear layer, `head`.
        in_channels: of the picture.
        unit_features: shift and scale the features of each picture to mean 0 and length 1, so that a rate of gradient
            descent on the last layer means the same for every picture and at every width.
    """

    def __init__(
        self, layers: int, channels: int, outputs: int, in_channels: int = 3, *, unit_features: bool = False
    ) -> None:
        super().__init__()
        self.unit_features = unit_features
        sizes = [in_channels, *[channels] * layers]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(*pair, 3 if index else 5, stride=1 if index else 2, padding=1 if index else 2, bias=False)
            for index, pair in enumerate(pairwise(sizes))
        )
        self.norms = nn.ModuleList(nn.GroupNorm(channels // 8, channels) for _ in range(layers))
        self.head = nn.Linear(2 * channels * layers, outputs)

    def forward(self, pictures: Tensor, answer: bool = True) -> Tensor:
        """(works, in_channels, height, width) to (works, outputs).

        With `answer=False` the features that the last layer is given, (works, 2 * channels * layers).
        """
        maps, pooled = pictures, []
        for index, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            maps = F.relu(norm(convolution(F.max_pool2d(maps, 2) if index else maps)))
            pooled += [maps.mean((-2, -1)), maps.amax((-2, -1))]
        features = torch.cat(pooled, -1)
        if self.unit_features:
            features = unit(features)
        return self.head(features) if answer else features


def unit(features: Tensor) -> Tensor:
    """The same features (..., n), each row shifted and scaled to mean 0 and length 1."""
    return F.layer_norm(features, features.shape[-1:]) / math.sqrt(features.shape[-1])
