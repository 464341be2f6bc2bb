"""How a redrawn picture is like the style and like the photograph, by measures that no network was trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metaart.formats.pictures.read import Pixels

BINS = 8
"""Of a channel in a histogram of colours."""

PATCH = 8
"""Side of a patch, px."""


def colour_distance(picture: Pixels, style: Pixels) -> float:
    """Half the sum of absolute differences of two colour histograms of `BINS`^3 cells: 0 the same, 1 nothing in common.

    Args:
        picture: uint8 (height, width, 3).
        style: the same, of any size.
    """
    return float(np.abs(_histogram(picture) - _histogram(style)).sum() / 2)


def structure_distance(picture: Pixels, photograph: Pixels) -> float:
    """How differently the parts of two pictures resemble each other: the mean absolute difference of self-similarities.

    The self-similarity is the matrix of cosines between patches, each of its grey values without their mean: what a
    picture shows is largely in how its places are alike, whatever its colours (Shechtman & Irani 2007; Kolkin et al.
    2019, equation 6). From 0 to 2.

    Args:
        picture: uint8 (height, width, 3), sides of at least `PATCH`.
        photograph: of the same size.
    """
    return float(np.abs(_self_similarity(picture) - _self_similarity(photograph)).mean())


def _histogram(pixels: Pixels) -> NDArray[np.float64]:
    cells = (pixels.reshape(-1, 3).astype(np.int64) * BINS // 256) @ np.array([BINS * BINS, BINS, 1])
    counts: NDArray[np.float64] = np.bincount(cells, minlength=BINS**3) / len(cells)
    return counts


def _self_similarity(pixels: Pixels) -> NDArray[np.float64]:
    grey = pixels.mean(-1)
    # What is left over at the right and below, less than a patch, is not looked at.
    rows, columns = (length // PATCH for length in grey.shape)
    patches = grey[: rows * PATCH, : columns * PATCH].reshape(rows, PATCH, columns, PATCH).swapaxes(1, 2)
    flat = patches.reshape(rows * columns, PATCH * PATCH)
    centred = flat - flat.mean(1, keepdims=True)
    # A flat patch is like no other, not by chance like all of them.
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = np.divide(centred, length, out=np.zeros_like(centred), where=length > 1.0)
    similarity: NDArray[np.float64] = unit @ unit.T
    return similarity
