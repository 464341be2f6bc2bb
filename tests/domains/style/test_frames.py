"""What a drawing lies on is no part of its hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.domains.style.frames import MOST_GROUND, without_ground
from metaart.domains.style.measures import shipped_photographs
from metaart.formats.pictures.read import Pixels


def on_paper(height: int, width: int) -> Pixels:
    return np.full((height, width, 3), 255, np.uint8)


def disc(side: int) -> Pixels:
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    paper = on_paper(side, side)
    paper[rows**2 + columns**2 <= (side / 2) ** 2] = (200, 30, 30)
    return paper


@pytest.mark.parametrize("side", [24, 64, 200])
def test_a_disc_loses_its_paper(side: int) -> None:
    cut = without_ground(disc(side))
    assert (cut == 255).all(-1).mean() <= MOST_GROUND
    # The square inscribed in the disc has sides of 0.71; with a tenth of paper it is some larger.
    assert 0.7 * side <= cut.shape[0] == cut.shape[1] < 0.95 * side


def test_white_inside_a_drawing_is_its_own() -> None:
    drawing = on_paper(60, 60)
    drawing[5:55, 5:55] = (0, 0, 200)
    drawing[20:40, 20:40] = 255
    cut = without_ground(drawing)
    assert (cut[..., 0] == 255).sum() >= 20 * 20


def test_ground_is_followed_round_corners() -> None:
    drawing = on_paper(41, 41)
    drawing[::4, :-3] = drawing[2::4, 3:] = 0  # a maze: all of its white hangs together with the corners
    drawing[[0, -1]] = 255
    assert without_ground(drawing) is drawing, "no square is free of it, and it stays as it is"


@pytest.mark.parametrize(
    "drawing", [shipped_photographs()[0], on_paper(30, 40), on_paper(1, 1)], ids=["photograph", "paper", "dot"]
)
def test_what_has_no_ground_or_nothing_else_stays(drawing: Pixels) -> None:
    assert without_ground(drawing) is drawing


def test_a_sketch_keeps_its_paper() -> None:
    sketch = on_paper(80, 80)
    sketch[np.arange(10, 70), np.arange(10, 70)] = 0
    sketch[40, 10:70] = 0
    assert without_ground(sketch) is sketch


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 1), st.integers(0, 99))
def test_a_cut_lies_inside(height: int, width: int, share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = on_paper(height, width)
    pixels[rng.random((height, width)) < share] = (9, 9, 9)
    cut = without_ground(pixels)
    assert cut.size
    assert cut is pixels or cut.shape[0] == cut.shape[1] <= min(height, width)
