"""New hands from old ones: one change of manner, the same for all pictures of a hand in a task."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from metaart.options import option, options

STROKES = ("plain", "thicker", "thinner", "softer")


@options(section="domain.new_hands")
class NewDrawings:
    """Which changes a new hand may be drawn with."""

    mirror: bool = option(default=True, help="left and right change places, in half of the hands")
    turn: bool = option(default=True, help="by quarter turns, all four alike")
    stroke: bool = option(default=True, help="thicker, thinner or softer by about a pixel, in half of the hands")
    move: float = option(
        default=0.1,
        ge=0,
        le=0.5,
        help="largest shift, as a share of the side; and the largest change of scale, as the logarithm of a factor",
    )
    recolour: bool = option(default=True, help="red, green and blue change places, in half of the hands")
    negative: float = option(default=0.25, ge=0, le=1, help="share of hands whose light and dark change places")


@dataclass(frozen=True)
class PictureHand:
    """One manner.

    Attributes:
        mirror: left and right change places.
        quarter_turns: 0 to 3, against the clock.
        stroke: of `STROKES`.
        scale: factor by which the picture shrinks, around 1.
        shift: (right, down), as shares of half the side.
        channels: which channel comes where.
        negative: light and dark change places.
    """

    mirror: bool = False
    quarter_turns: int = 0
    stroke: str = "plain"
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    channels: tuple[int, int, int] = (0, 1, 2)
    negative: bool = False

    def apply(self, ink: Tensor) -> Tensor:
        """Pictures in this manner.

        Args:
            ink: (works, 3, side, side), 0 is white and 1 black; what moves in from outside is white.

        Returns:
            The same shape and range.
        """
        if self.mirror:
            ink = ink.flip(-1)
        ink = torch.rot90(ink, self.quarter_turns, (-2, -1))
        if self.stroke == "thicker":
            ink = F.max_pool2d(ink, 3, stride=1, padding=1)
        elif self.stroke == "thinner":
            # The least ink around each place: the maximum of the negative.
            ink = -F.max_pool2d(-ink, 3, stride=1, padding=1)
        elif self.stroke == "softer":
            ink = F.avg_pool2d(ink, 3, stride=1, padding=1)
        # Sampling gives 0 beyond the edge, which is white in ink.
        if self.scale != 1 or self.shift != (0, 0):
            frame = torch.tensor([[self.scale, 0, self.shift[0]], [0, self.scale, self.shift[1]]], dtype=ink.dtype)
            grid = F.affine_grid(frame.expand(len(ink), 2, 3), list(ink.shape), align_corners=False)
            ink = F.grid_sample(ink, grid, align_corners=False)
        if self.channels != (0, 1, 2):
            ink = ink[:, list(self.channels)]
        # Last, so that the white that moved in is turned with the rest.
        return 1 - ink if self.negative else ink


def draw_hand(settings: NewDrawings, rng: np.random.Generator) -> PictureHand:
    """A manner; the same generator state, the same manner."""
    # All is drawn whatever is switched on, so that switching one part off leaves the others as they are.
    mirror, turns, stroke, recolour, negative = rng.random(5)
    scale, right, down = rng.uniform(-1, 1, 3) * settings.move
    order = rng.permutation(3).tolist()
    return PictureHand(
        mirror=settings.mirror and bool(mirror < 0.5),
        quarter_turns=int(4 * turns) if settings.turn else 0,
        # Six times what is below a half is 0, 1 or 2: each of the three changes alike often.
        stroke=STROKES[1 + int(6 * stroke)] if settings.stroke and stroke < 0.5 else "plain",
        scale=math.exp(scale),
        shift=(float(right), float(down)),
        channels=(order[0], order[1], order[2]) if settings.recolour and recolour < 0.5 else (0, 1, 2),
        negative=bool(negative < settings.negative),
    )
