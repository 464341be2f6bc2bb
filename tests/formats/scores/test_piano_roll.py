"""Piano rolls: the notes are to be seen in the picture."""

from __future__ import annotations

import io

import numpy as np
import pytest
import symusic
from PIL import Image

from metaart.errors import UserError
from metaart.formats.scores.piano_roll import piano_rolls
from tests.formats.scores.scores import score_of

BLUE, ORANGE = (0x1F, 0x77, 0xB4), (0xFF, 0x7F, 0x0E)


def pixels(png: bytes) -> np.ndarray:
    picture = Image.open(io.BytesIO(png))
    assert picture.format == "PNG"
    return np.asarray(picture.convert("RGB")).astype(int)


def coloured(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Where a colour is: (pixels, 2) rows and columns."""
    return np.argwhere((abs(image - colour) < 12).all(axis=-1))


def test_a_rising_scale_rises_to_the_right() -> None:
    image = pixels(piano_rolls({"a scale": score_of([(n * 480, 480, 60 + 2 * n) for n in range(8)])}))
    assert image.shape == (286, 1320, 3)
    rows, columns = coloured(image, BLUE).T
    assert len(rows) > 500
    assert np.corrcoef(rows, columns)[0, 1] < -0.95
    assert not len(coloured(image, ORANGE))


def test_two_pieces_stand_one_below_the_other_on_common_axes() -> None:
    short, long = score_of([(0, 960, 60)]), score_of([(0, 960, 60), (960, 7 * 960, 72)])
    image = pixels(piano_rolls({"example": short, "new": long}))
    assert image.shape == (572, 1320, 3)
    above, below = coloured(image, BLUE), coloured(image, ORANGE)
    assert above[:, 0].max() < below[:, 0].min()
    width_above, width_below = (np.ptp(found[:, 1]) for found in (above, below))
    assert width_below / width_above == pytest.approx(8, rel=0.05)


def test_no_more_is_shown_than_asked_for() -> None:
    piece = score_of([(n * 480, 480, 60) for n in range(40)])
    halves = [len(coloured(pixels(piano_rolls({"": piece}, max_quarters=most))[:, :700], BLUE)) for most in (64, 40)]
    assert halves[0] == halves[1]
    few, many = (pixels(piano_rolls({"": piece}, max_quarters=most)) for most in (4, 40))
    assert not np.array_equal(few, many)


def test_a_score_without_notes_is_named() -> None:
    with pytest.raises(UserError, match="empty"):
        piano_rolls({"the empty one": symusic.Score(480)})
