"""Pictures of any size in one square frame."""

from __future__ import annotations

import numpy as np
from PIL import Image

from metaart.formats.pictures.read import Pixels


def framed(pixels: Pixels, side: int) -> Pixels:
    """A picture scaled so that its longer side fills a square frame, in the middle, on white.

    Args:
        pixels: uint8 (height, width, 3).
        side: of the frame, px.

    Returns:
        uint8 (side, side, 3).
    """
    if pixels.shape[:2] == (side, side):
        return pixels
    scale = side / max(pixels.shape[:2])
    height, width = (max(1, round(length * scale)) for length in pixels.shape[:2])
    scaled = np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))
    frame = np.full((side, side, 3), 255, dtype=np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    frame[top : top + height, left : left + width] = scaled
    return frame
