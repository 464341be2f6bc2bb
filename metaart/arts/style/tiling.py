"""Large pictures, tile by tile, without seams: every tile is normalised by the moments of the whole picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from metaart.networks.stylist import FACTOR, reach

WHOLE_SIDE = 1024
"""Sides up to which the moments are those of the picture itself; those of a larger one are measured on it reduced."""

TILE = 512
"""Side of the part of a tile that is kept, px."""


def stylised(
    predict: Callable[..., Tensor], photograph: Tensor, statistics: Tensor, *, blocks: int, tile: int = TILE,
    whole: int = WHOLE_SIDE,
) -> Tensor:  # fmt: skip
    """Redraw a picture of any size.

    The network is run once over the whole picture, reduced to `whole`, for the means and deviations of its layers, and
    then over tiles that overlap by as much as the network sees: what is kept of each is what the whole picture would
    give, so that no seams can show.

    Args:
        predict: photographs (1, 3, height, width), statistics (1, ...), moments, as `Stylist.forward`.
        photograph: (3, height, width) from 0 to 1.
        statistics: (statistics,) of the style.
        blocks: of the network.
        tile: side of what is kept of a tile, a multiple of `FACTOR`.
        whole: longest side at which moments are measured, px.

    Returns:
        As the photograph.
    """
    _, height, width = photograph.shape
    style = statistics[None]
    # No channels: the network gives moments instead of normalising by them (`Stylist.forward`).
    ask = photograph.new_zeros(1, 2, 0)
    moments = predict(filled(reduced(photograph, whole))[None], style, ask)
    # Rounded up to FACTOR, so that a tile begins where the whole picture's grid of strides does.
    overlap = -(-reach(blocks) // FACTOR) * FACTOR
    large = filled(photograph)
    drawn = torch.empty_like(large)
    for top, bottom in _spans(large.shape[-2], tile):
        for left, right in _spans(large.shape[-1], tile):
            first, before = max(top - overlap, 0), max(left - overlap, 0)
            part = large[:, first : bottom + overlap, before : right + overlap]
            done = predict(part[None], style, moments)[0]
            drawn[:, top:bottom, left:right] = done[:, top - first : bottom - first, left - before : right - before]
    return drawn[:, :height, :width]


def reduced(photograph: Tensor, side: int) -> Tensor:
    """A picture scaled down to a longest side; a smaller one as it is."""
    _, height, width = photograph.shape
    longest = max(height, width)
    if longest <= side:
        return photograph
    size = [max(round(length * side / longest), 1) for length in (height, width)]
    return F.interpolate(photograph[None], size=size, mode="bilinear", antialias=True)[0]


def filled(photograph: Tensor) -> Tensor:
    """A picture whose edges are repeated to the right and below until its sides are multiples of `FACTOR`, from 8."""
    _, height, width = photograph.shape
    # From 8: at a quarter that leaves 2, and a reflection by one pixel needs a second.
    down, right = (max(-(-length // FACTOR) * FACTOR, 2 * FACTOR) - length for length in (height, width))
    return F.pad(photograph[None], (0, right, 0, down), mode="replicate")[0]


def _spans(length: int, tile: int) -> Iterator[tuple[int, int]]:
    for start in range(0, length, tile):
        yield start, min(start + tile, length)
