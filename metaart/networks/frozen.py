"""Frozen features of ImageNet, and a small network that learns what in them tells hands apart."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from metaart.networks.convolution import unit
from metaart.networks.efficientnet import EfficientNetLite0

TAPS = {"stem": (0.34, 0.28), "0": (1.7, 1.5), "2": (2.3, 1.8), "4": (2.6, 1.6), "7": (3.4, 1.6), "10": (3.1, 1.6),
        "14": (5.1, 1.35)}  # fmt: skip
"""Blocks of EfficientNet-Lite0 from fine to coarse whose channels are described by mean and deviation; and how much the
two vary from drawing to drawing, measured on training drawings, by which they are divided."""

NUM_FEATURES = 992


class FrozenFeatures:
    """Mean and deviation over the picture of every channel of seven blocks of EfficientNet-Lite0, blocks made alike.

    Args:
        side: pictures are scaled to this side first, px; the network was trained on 224.
    """

    def __init__(self, side: int) -> None:
        self.side, self._network = side, EfficientNetLite0()

    @torch.no_grad()
    def __call__(self, pictures: Tensor) -> Tensor:
        """Pictures as ink (works, 3, side, side), 0 white to 1 black, to (works, 992)."""
        found = []
        for part in torch.split(pictures, 32):  # the maps of all blocks are held at once: some pictures at a time
            light = 1 - part
            if light.shape[-1] != self.side:
                light = F.interpolate(light, size=(self.side, self.side), mode="bilinear", antialias=True)
            maps = self._network.features(light, tuple(TAPS))
            statistics = [
                value
                for tap, (mean, deviation) in TAPS.items()
                for value in (maps[tap].mean((2, 3)) / mean, maps[tap].std((2, 3), correction=0) / deviation)
            ]
            found.append(torch.cat(statistics, 1))
        return torch.cat(found)


class Adapter(nn.Module):
    """A linear map of frozen features to fewer, and a linear layer that answers.

    Few examples say little about 992 numbers; what they say about a hand is learned on many other hands. Only
    differences of features count where hands are told apart by distance, so the map has no bias.

    Args:
        features: that come in.
        width: features that go out.
        outputs: rows of the last, linear layer, `head`.
        unit_features: shift and scale what goes out to mean 0 and length 1 (`ConvolutionalNet`).
    """

    def __init__(self, features: int, width: int, outputs: int, *, unit_features: bool = False) -> None:
        super().__init__()
        self.unit_features = unit_features
        self.map = nn.Linear(features, width, bias=False)
        with torch.no_grad():  # so that distances begin small, and no answer is sure before it has been learned
            self.map.weight.mul_(0.3)
        self.head = nn.Linear(width, outputs)

    def forward(self, frozen: Tensor, answer: bool = True) -> Tensor:
        """(works, features) to (works, outputs), or with `answer=False` to (works, width), what the head is given."""
        features: Tensor = self.map(frozen)
        if self.unit_features:
            features = unit(features)
        return self.head(features) if answer else features
