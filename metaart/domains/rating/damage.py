"""Ways to spoil a picture by a known amount: what a task with a true order of preference is made of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from metaart.formats.pictures.read import Pixels

Damage = Callable[[Pixels, float, np.random.Generator], Pixels]
"""A picture, how much of it (0 to 1) and a generator to a picture of the same shape; 0 changes nothing."""


def noise(pixels: Pixels, amount: float, rng: np.random.Generator) -> Pixels:
    """Up to 30 % of the pixels become black or white, at random."""
    # As many draws whatever the amount: with one generator state more damage hits all that less has hit.
    hit = rng.random(pixels.shape[:2]) < 0.3 * amount
    return np.where(hit[..., None], np.where(rng.random(pixels.shape[:2]) < 0.5, 0, 255)[..., None], pixels).astype(
        np.uint8
    )


def blur(pixels: Pixels, amount: float, rng: np.random.Generator) -> Pixels:  # noqa: ARG001
    """A Gaussian of up to 5 % of the longer side."""
    radius = 0.05 * amount * max(pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius))) if amount else pixels


def erase(pixels: Pixels, amount: float, rng: np.random.Generator) -> Pixels:
    """Up to 60 % of 8 x 8 fields become white."""
    hit = np.sort(rng.permutation(64)[: round(0.6 * 64 * amount)])
    out = pixels.copy()
    for field in hit:
        out[_field(pixels, int(field))] = 255
    return out


def bleed(pixels: Pixels, amount: float, rng: np.random.Generator) -> Pixels:  # noqa: ARG001
    """Dark spreads by up to three pixels in 64."""
    # A window has a middle only if its side is odd.
    size = 1 + 2 * round(3 * amount * max(pixels.shape[:2]) / 64)
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.MinFilter(size))) if size > 1 else pixels


def shuffle(pixels: Pixels, amount: float, rng: np.random.Generator) -> Pixels:
    """Up to all of 8 x 8 fields change places among themselves."""
    moved = rng.permutation(64)[: round(64 * amount)]
    out = pixels.copy()
    if pixels.shape[0] % 8 == 0 and pixels.shape[1] % 8 == 0:
        # One cycle through all that move: none stays where it was.
        for field, source in zip(moved, np.roll(moved, 1), strict=True):
            out[_field(pixels, int(field))] = pixels[_field(pixels, int(source))]
    return out


def pixelate(pixels: Pixels, amount: float, rng: np.random.Generator) -> Pixels:  # noqa: ARG001
    """Drawn again from fewer pixels, down to one in eight a side."""
    if not amount:
        return pixels
    height, width = pixels.shape[:2]
    factor = 1 + 7 * amount
    small = Image.fromarray(pixels).resize(
        (max(1, round(width / factor)), max(1, round(height / factor))), Image.Resampling.BOX
    )
    return np.asarray(small.resize((width, height), Image.Resampling.NEAREST))


DAMAGES: dict[str, dict[str, Damage]] = {
    "train": {"noise": noise, "blur": blur, "erase": erase},
    "validation": {"bleed": bleed},
    "test": {"shuffle": shuffle, "pixelate": pixelate},
}
"""By split: what a curator of the test split minds has never been seen in training."""


def _field(pixels: NDArray[np.uint8], index: int) -> tuple[slice, slice]:
    # Bounds are rounded, not sides, so that fields meet without gaps on a picture of any size.
    height, width = pixels.shape[0] / 8, pixels.shape[1] / 8
    row, column = divmod(index, 8)
    return (
        slice(round(row * height), round((row + 1) * height)),
        slice(round(column * width), round((column + 1) * width)),
    )
