"""Pictures as tensors of the size that a network is given: cut, scaled, filled up."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from metaart.pictures.read import Pixels


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
        side = max(round(shorter * rng.uniform(closest, 1)), min(shorter, size))
        top, left = (int(rng.integers(space - side + 1)) for space in (height, width))
        mirrored = bool(rng.random() < 0.5)
    cut = scaled(pixels[top : top + side, left : left + side], size, size)
    return np.ascontiguousarray(cut[:, ::-1]) if mirrored else cut
