"""From what a network draws to what a user asked for: how strong, in whose colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metaart.formats.pictures.read import Pixels

LUMA = np.array([0.299, 0.587, 0.114])
"""Of red, green, blue (ITU-R BT.601)."""


def finished(photograph: Pixels, drawn: Pixels, *, strength: float = 1.0, keep_colour: bool = False) -> Pixels:
    """The picture that was asked for, from the photograph and what was drawn of it.

    Args:
        photograph: uint8 (height, width, 3).
        drawn: the same of the style.
        strength: from 0, the photograph, to 1, the style.
        keep_colour: take the style's light and dark alone; the colours stay those of the photograph.
    """
    coloured = with_colours_of(photograph, drawn) if keep_colour else drawn
    mixed = photograph + strength * (coloured.astype(np.float64) - photograph)
    return mixed.round().clip(0, 255).astype(np.uint8)


def with_colours_of(photograph: Pixels, drawn: Pixels) -> Pixels:
    """The light and dark of one picture in the colours of another.

    The drawn luma is brought to mean and deviation of the photograph's, and takes its place. Source: Gatys et al. 2017,
    section 5.2 (luminance-only transfer).
    """
    old, new = photograph @ LUMA, drawn @ LUMA
    matched = (new - new.mean()) * (old.std() / max(float(new.std()), 1e-6)) + old.mean()
    # The weights of luma sum to 1: the same shift of all three channels moves it by that much, and leaves their
    # differences, the colour, alone.
    shifted: NDArray[np.float64] = photograph + (matched - old)[..., None]
    return shifted.round().clip(0, 255).astype(np.uint8)
