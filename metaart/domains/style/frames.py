"""Pictures as tensors of the size that a network is given: cut, scaled, filled up."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from metaart.formats.pictures.read import Pixels

WHITE = 250
"""Least value of all three channels of what is taken for white paper."""

MOST_GROUND = 0.1
"""Share of a cut that may be the ground that a drawing lies on."""

SMALLEST_CUT = 0.25
"""Side of that cut, as a share of the picture's shorter side."""

Mask = NDArray[np.bool_]


def to_tensor(pixels: Pixels) -> Tensor:
    """uint8 (height, width, 3) as float32 (3, height, width) from 0 to 1."""
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).contiguous().float() / 255


def to_pixels(picture: Tensor) -> Pixels:
    """A picture (3, height, width) from 0 to 1, clipped and rounded, as uint8 (height, width, 3)."""
    values: Pixels = (picture.detach().clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return values


def scaled(pixels: Pixels, height: int, width: int) -> Pixels:
    """Pixels at another size (Lanczos)."""
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(image, dtype=np.uint8)


def square(pixels: Pixels, size: int, rng: np.random.Generator | None = None, closest: float = 1.0) -> Pixels:
    """A square cut of a picture, (size, size, 3).

    Args:
        pixels: uint8 (height, width, 3).
        size: side, px.
        rng: draws where the cut is and whether it is mirrored; the middle, as it is, if None.
        closest: the smallest cut drawn, as a share of the shorter side.
    """
    height, width, _ = pixels.shape
    shorter = min(height, width)
    if rng is None:
        side, top, left, mirrored = shorter, (height - shorter) // 2, (width - shorter) // 2, False
    else:
        # No smaller than what it is scaled to, where the picture is large enough: enlarging would blur the hand's
        # strokes.
        side = max(round(shorter * rng.uniform(closest, 1)), min(shorter, size))
        top, left = (int(rng.integers(space - side + 1)) for space in (height, width))
        mirrored = bool(rng.random() < 0.5)
    cut = scaled(pixels[top : top + side, left : left + side], size, size)
    return np.ascontiguousarray(cut[:, ::-1]) if mirrored else cut


def without_ground(pixels: Pixels) -> Pixels:
    """The largest square of a drawing that has little of the white paper around it; a full picture as it is.

    An emoji lies on white that is not of its hand: taken for a colour of the hand, it would wash every photograph out.
    Ground is the white that hangs together with all four corners; what has no square without it (a sketch of thin
    lines, whose paper *is* a colour of the hand) stays as it is.

    Args:
        pixels: uint8 (height, width, 3).
    """
    white: Mask = pixels.min(-1) >= WHITE
    if not white[[0, 0, -1, -1], [0, -1, 0, -1]].all():
        return pixels
    # Sums of ground above and left of each place: the ground in any square is four of them, however large it is.
    above = np.pad(_outside(white), ((1, 0), (1, 0))).astype(np.int64).cumsum(0).cumsum(1)
    shorter = side = min(white.shape)
    while side >= max(SMALLEST_CUT * shorter, 1):
        ground = above[side:, side:] - above[:-side, side:] - above[side:, :-side] + above[:-side, :-side]
        if ground.min() <= MOST_GROUND * side * side:
            top, left = np.unravel_index(ground.argmin(), ground.shape)
            return pixels[top : top + side, left : left + side]
        # By a sixteenth, and by one pixel at least, until a square is found.
        side = min(side - 1, side * 15 // 16)
    return pixels


def _outside(white: Mask) -> Mask:
    """The part of a mask that hangs together with its corners."""
    reached = np.zeros_like(white)
    reached[[0, 0, -1, -1], [0, -1, 0, -1]] = True
    # Along rows, then along columns, until nothing is added: a few whole sweeps in place of a walk from pixel to pixel.
    while True:
        further = _along_rows(_along_rows(reached, white).T, white.T).T
        if further.sum() == reached.sum():
            return reached
        reached = further


def _along_rows(reached: Mask, white: Mask) -> Mask:
    """Every run of white in a row that is reached anywhere is reached as a whole."""
    # A run ends with its row, for what stands before a row counts as not white; numbers go on to the next row.
    begins = white & ~np.pad(white, ((0, 0), (1, 0)))[:, :-1]
    runs = begins.cumsum().reshape(white.shape)  # counted in the order of the rows
    touched = np.bincount(runs[reached & white], minlength=int(runs[-1, -1]) + 1) > 0
    # Places between runs bear the number of the run before them: the mask takes them out again.
    spread: Mask = touched[runs] & white
    return spread
