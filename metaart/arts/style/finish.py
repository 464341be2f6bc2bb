"""From what a network draws to what a user asked for: how strong, in whose colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from metaart.errors import UserError
from metaart.formats.pictures.read import Pixels

LUMA = np.array([0.299, 0.587, 0.114])
"""Of red, green, blue (ITU-R BT.601)."""


@dataclass(frozen=True, eq=False)
class Stylisation:
    """What is asked for.

    Attributes:
        photograph: uint8 (height, width, 3).
        statistics: (statistics,) of the style, as the examples that were adapted to have them.
        strength: from 0, the photograph, to 1, the style.
        keep_colour: take the style's light and dark alone; the colours stay those of the photograph.
    """

    photograph: Pixels
    statistics: Tensor
    strength: float = 1.0
    keep_colour: bool = False

    def __post_init__(self) -> None:
        check_strength(self.strength)


def check_strength(strength: float) -> None:
    """Raise `UserError` where a strength is not from 0 to 1."""
    if not 0 <= strength <= 1:
        raise UserError(
            expected="a strength from 0 (the photograph) to 1 (the style)",
            got=repr(strength)[:80],
            fix="Use a strength of 1.",
        )


def finished(request: Stylisation, drawn: Pixels) -> Pixels:
    """The picture that was asked for, from the photograph and what was drawn of it."""
    coloured = with_colours_of(request.photograph, drawn) if request.keep_colour else drawn
    mixed = request.photograph + request.strength * (coloured.astype(np.float64) - request.photograph)
    return mixed.round().clip(0, 255).astype(np.uint8)


def with_colours_of(photograph: Pixels, drawn: Pixels) -> Pixels:
    """The light and dark of one picture in the colours of another.

    The drawn luma is brought to mean and deviation of the photograph's, and takes its place. Source: Gatys et al. 2017,
    section 5.2 (luminance-only transfer).
    """
    old, new = photograph @ LUMA, drawn @ LUMA
    matched = (new - new.mean()) * (old.std() / max(float(new.std()), 1e-6)) + old.mean()
    shifted: NDArray[np.float64] = photograph + (matched - old)[..., None]
    return shifted.round().clip(0, 255).astype(np.uint8)
