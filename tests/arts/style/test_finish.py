"""How strong, in whose colours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaart.arts.style import StyleOptions
from metaart.arts.style.finish import LUMA, finished, with_colours_of
from metaart.errors import UserError
from metaart.formats.pictures.read import Pixels


def noise(seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(60, 190, (12, 9, 3)).astype(np.uint8)


@given(st.floats(0, 1))
def test_strength_goes_from_the_photograph_to_the_style(strength: float) -> None:
    photograph, drawn = noise(0), noise(1)
    mixed = finished(photograph, drawn, strength=strength)
    expected = (1 - strength) * photograph.astype(float) + strength * drawn.astype(float)
    assert np.abs(mixed - expected).max() <= 0.5 + 1e-9


def test_kept_colours_are_those_of_the_photograph() -> None:
    photograph, drawn = noise(0), (noise(1) // 2).astype(np.uint8)
    result = with_colours_of(photograph, drawn).astype(float)
    old, new = photograph @ LUMA, result @ LUMA
    for channel in range(3):  # what is not light and dark has not moved
        np.testing.assert_allclose(result[..., channel] - new, photograph[..., channel] - old, atol=1.1)
    assert new.mean() == pytest.approx(old.mean(), abs=0.5)
    assert new.std() == pytest.approx(old.std(), rel=0.05)
    assert np.corrcoef(new.ravel(), (drawn @ LUMA).ravel())[0, 1] > 0.98
    flat = np.full((4, 4, 3), 100, np.uint8)
    assert with_colours_of(flat, flat).tolist() == flat.tolist()


def test_colours_are_kept_where_that_is_asked() -> None:
    photograph, drawn = noise(0), noise(1)
    expected = with_colours_of(photograph, drawn)
    assert np.array_equal(finished(photograph, drawn, keep_colour=True), expected)
    assert np.array_equal(finished(photograph, drawn), drawn)


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan"), float("inf"), 10**400])
def test_other_strengths_are_refused(strength: float) -> None:
    with pytest.raises(UserError, match="strength"):
        StyleOptions(strength=strength)
