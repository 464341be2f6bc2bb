"""A heat map over its picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from metaart.formats.pictures.read import Pixels

FOR, AGAINST = np.array([214, 39, 40]), np.array([31, 119, 180])
"""The colours of what speaks for an answer and of what speaks against it."""


def heat_picture(pixels: Pixels, heat: NDArray[np.float32], side: int = 384) -> Pixels:
    """A picture in pale grey under its map: red where above zero, blue where below, clear at zero.

    Args:
        pixels: uint8 (height, width, 3).
        heat: (height, width); scaled by its largest absolute value.
        side: of the longer side of what is drawn, px.

    Returns:
        uint8, the picture's proportions.
    """
    scale = side / max(pixels.shape[:2])
    size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
    grey = Image.fromarray(pixels).convert("L").resize(size, Image.Resampling.LANCZOS)
    most = float(np.abs(heat).max())
    values = heat.astype(np.float32) / most if most > 0 else np.zeros_like(heat, dtype=np.float32)
    # Bicubic scaling overshoots at edges, hence the clip.
    strength = np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BICUBIC)).clip(-1, 1)
    # Greys from 110 up: dark lines stay visible under a colour, and no grey is taken for one.
    pale = 110 + np.asarray(grey, dtype=np.float64)[..., None] * 145 / 255
    colour = np.where(strength[..., None] > 0, FOR, AGAINST)
    cover = 0.75 * np.abs(strength)[..., None]
    drawn: Pixels = (pale * (1 - cover) + colour * cover).round().astype(np.uint8)
    return drawn
