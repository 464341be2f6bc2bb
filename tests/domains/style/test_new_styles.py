"""New hands: the same for the same draw, in range, and each part can be switched off."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.domains.style.frames import square, to_pixels, to_tensor
from metaart.domains.style.measures import shipped_photographs
from metaart.domains.style.new_styles import TO_YIQ, NewStyles, draw_palette, draw_strokes, new_style, painted
from metaart.errors import UserError
from metaart.formats.pictures.read import Pixels

PHOTOGRAPH = shipped_photographs()[0]


def varied(seed: int) -> Pixels:
    rng = np.random.default_rng(seed)
    return new_style(PHOTOGRAPH, 48, NewStyles(), draw_palette(rng), draw_strokes(rng), rng)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_a_variation_is_its_seed(seed: int) -> None:
    one, same, other = varied(seed), varied(seed), varied(seed + 1)
    assert one.shape == (48, 48, 3)
    assert one.dtype == np.uint8
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@given(st.integers(0, 999))
def test_a_palette_keeps_grey_grey_unless_channels_are_swapped(seed: int) -> None:
    palette = draw_palette(np.random.default_rng(seed))
    greys = np.arange(0, 256, 15, dtype=np.uint8).repeat(3).reshape(-1, 1, 3)
    spread = np.ptp(palette.of(greys).astype(int), axis=-1)
    assert spread.max() <= 2
    luma = (palette.of(greys) / 255 @ TO_YIQ[0]).ravel()
    assert (np.diff(luma) >= -0.01).all() or (np.diff(luma) <= 0.01).all(), "a ramp stays a ramp"


def test_strokes_are_of_the_colours_of_the_picture() -> None:
    half = np.zeros((40, 40, 3), np.uint8)
    half[:, 20:] = (200, 40, 40)
    rng = np.random.default_rng(0)
    strokes = draw_strokes(rng)
    drawn = painted(half, strokes, rng)
    assert not np.array_equal(drawn, half)
    assert (drawn[..., 0] >= drawn[..., 1]).mean() > 0.9, "never greener than red, but for lightness"


def test_what_is_off_does_nothing() -> None:
    plain = new_style(PHOTOGRAPH, 32, NewStyles(cut=False), None, None, np.random.default_rng(0))
    assert np.array_equal(plain, square(PHOTOGRAPH, 32))
    with pytest.raises(UserError, match="share"):
        NewStyles(paint=1.5)


@settings(max_examples=30, deadline=None)
@given(st.integers(8, 60), st.integers(8, 60), st.integers(8, 24), st.integers(0, 99))
def test_squares_are_cut_from_inside(height: int, width: int, size: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    for rng in (None, np.random.default_rng(seed)):
        assert square(pixels, size, rng, closest=0.3).shape == (size, size, 3)
    assert np.array_equal(to_pixels(to_tensor(pixels)), pixels)
