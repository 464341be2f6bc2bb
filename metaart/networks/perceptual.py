"""The seam of loss networks: frozen networks in whose features pictures are compared."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from metaart.errors import UserError

Features = dict[str, Tensor]
"""Feature maps by tap: (..., channels, height, width)."""


class LossNetwork(ABC):
    """A frozen network with named taps, outside every learner: its weights are constants, not parameters.

    It computes in the type and on the device of the pictures it is given.

    Attributes:
        name: as a configuration names it.
        style_taps: the taps at which styles are compared, from fine to coarse.
        content_taps: the taps at which contents are compared.
        tap_names: what taps are called, for errors.
    """

    name: str
    style_taps: tuple[str, ...]
    content_taps: tuple[str, ...]
    tap_names: str

    @abstractmethod
    def layers(self, pictures: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Every tap with its features, from the pictures on; what is not asked for is not computed."""

    def features(self, pictures: Tensor, taps: Sequence[str]) -> Features:
        """What the network makes of pictures, as deep as the deepest tap asks for.

        Args:
            pictures: (pictures, 3, height, width), red, green, blue from 0 to 1, sRGB.
            taps: names among those that the network has.

        Raises:
            UserError: a tap that the network has not.
        """
        wanted, found = set(taps), Features()
        for name, value in self.layers(pictures):
            if name in wanted:
                found[name] = value
            if len(found) == len(wanted):  # the generator is left where it stands: deeper layers are never run
                return {name: found[name] for name in taps}
        raise UserError(
            expected=f"taps such as {self.tap_names}",
            got=", ".join(sorted(wanted - set(found))),
            fix="Name taps that the network has.",
        )


def like(weights: Mapping[str, Tensor], pictures: Tensor) -> dict[str, Tensor]:
    """Weights in the type and on the device of pictures."""
    return {name: value.to(dtype=pictures.dtype, device=pictures.device) for name, value in weights.items()}


def pad_same(pictures: Tensor, kernel: int, stride: int, mode: str = "constant") -> Tensor:
    """Filled up around as TensorFlow's SAME: the output has ceil(size / stride) places; the odd one is right and below.

    Args:
        pictures: (..., channels, height, width).
        kernel: side of the window.
        stride: of the window.
        mode: what fills: `constant` for zeros, `replicate` for the edge.
    """
    if kernel == 1 and stride == 1:
        return pictures
    pads: list[int] = []  # left, right, top, bottom, as F.pad has it: the last axis first
    for size in (pictures.shape[-1], pictures.shape[-2]):
        # -(-a // b) is a divided by b, rounded up.
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(pictures, pads, mode=mode)


def smooth_halved(features: Tensor) -> Tensor:
    """Every second place of features after a binomial blur (1 2 1), which strided layers alone would alias.

    The convolution itself then runs at full size. Source: Zhang 2019 (BlurPool). Edges are repeated.
    """
    channels = features.shape[-3]
    # The outer product of (1 2 1) / 4 with itself; one window for every channel.
    row = torch.tensor([0.25, 0.5, 0.25], dtype=features.dtype, device=features.device)
    window = (row[:, None] * row).expand(channels, 1, 3, 3)
    return F.conv2d(F.pad(features, (1, 1, 1, 1), mode="replicate"), window, stride=2, groups=channels)
