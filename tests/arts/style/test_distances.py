"""Measures of likeness on pictures whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from metaart.arts.style.distances import PATCH, colour_distance, structure_distance
from metaart.domains.style.measures import shipped_photographs
from metaart.formats.pictures.read import Pixels


def flat(red: int, green: int, blue: int) -> Pixels:
    return np.full((16, 16, 3), (red, green, blue), np.uint8)


def test_colour_distances_count_what_is_not_shared() -> None:
    half = flat(255, 0, 0)
    half[:8] = (0, 0, 255)
    quarter = flat(255, 0, 0)
    quarter[:4] = (0, 0, 255)
    assert colour_distance(half, half.repeat(2, 0)) == 0
    assert colour_distance(flat(255, 0, 0), flat(0, 255, 0)) == 1
    assert colour_distance(half, flat(255, 0, 0)) == pytest.approx(0.5)
    assert colour_distance(half, quarter) == pytest.approx(0.25)


def test_structure_does_not_know_colours_but_places() -> None:
    photograph = shipped_photographs()[0][:96, :96]
    inverted, darker = 255 - photograph, (photograph // 2).astype(np.uint8)
    assert structure_distance(photograph, photograph) == 0
    assert structure_distance(inverted, photograph) == pytest.approx(0, abs=1e-9)
    assert structure_distance(darker, photograph) < 0.05
    rolled = np.roll(photograph, 40, 1)
    assert structure_distance(rolled, photograph) > 0.1


def test_the_structure_of_two_patches_by_hand() -> None:
    """Two patches, the second the negative of the first or its copy: the cosines differ by 2 in two cells of four."""
    ramp = np.linspace(0, 200, PATCH).astype(np.uint8)[None, :, None].repeat(PATCH, 0).repeat(3, 2)
    alike, opposed = np.concatenate([ramp, ramp], 1), np.concatenate([ramp, ramp[:, ::-1]], 1)
    assert structure_distance(opposed, alike) == pytest.approx(1.0, abs=1e-3)
