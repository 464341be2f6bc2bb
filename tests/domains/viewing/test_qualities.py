"""Qualities of pictures that were made to have them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.domains.viewing.qualities import NAMES, Pictures, described, qualities


def measured(picture: Pictures) -> dict[str, float]:
    return dict(zip(NAMES, qualities(picture[None])[0].tolist(), strict=True))


def blank(side: int = 16) -> Pictures:
    return np.full((side, side, 3), 255, np.uint8)


def test_an_empty_picture_is_plain_balanced_and_symmetric() -> None:
    assert measured(blank()) == pytest.approx(
        {"palette": 0, "contrast": 0, "coverage": 0, "balance": 1, "symmetry": 1, "texture": 0}, abs=1e-12
    )


def test_a_black_left_half() -> None:
    picture = blank(8)
    picture[:, :4] = 0
    found = measured(picture)
    assert found["contrast"] == pytest.approx(1)  # half at 0, half at 1: deviation 1/2
    assert found["texture"] == pytest.approx(1 / 7)  # one of seven steps to the right goes from 0 to 1
    assert found["palette"] == 0


def test_ink_in_a_corner_is_off_balance_and_in_its_mirror_image_is_not() -> None:
    picture = blank(9)
    picture[1, 1] = 0
    found = measured(picture)
    assert found["coverage"] == pytest.approx(1 / 81)
    assert found["balance"] == pytest.approx(1 - 0.75)  # 3/4 of the way to the corner
    assert found["symmetry"] == pytest.approx(0)
    picture[1, 7] = picture[7, 1] = picture[7, 7] = 0
    assert measured(picture)["balance"] == pytest.approx(1)
    assert measured(picture)["symmetry"] == pytest.approx(1)


def test_the_palette_of_one_colour_by_hand() -> None:
    """Red everywhere: rg = 1, yb = 1/2, no variance: 0.3 sqrt(1 + 1/4)."""
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[..., 0] = 255
    assert measured(picture)["palette"] == pytest.approx(0.3 * np.sqrt(1.25))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.integers(2, 20), st.integers(2, 20))
def test_what_a_mirror_changes_and_what_it_does_not(seed: int, height: int, width: int) -> None:
    pictures = np.random.default_rng(seed).integers(0, 256, (3, height, width, 3)).astype(np.uint8)
    values, mirrored = qualities(pictures), qualities(pictures[:, :, ::-1])
    same = [NAMES.index(name) for name in ("palette", "contrast", "coverage", "balance", "symmetry")]
    np.testing.assert_allclose(values[:, same], mirrored[:, same], atol=1e-12)
    assert values.shape == (3, 6)
    assert (values >= -1e-12).all()
    assert (values[:, [NAMES.index(name) for name in ("coverage", "balance", "symmetry")]] <= 1 + 1e-12).all()


def test_words_follow_the_numbers() -> None:
    picture = blank()
    plain = {quality.name: quality for quality in described(picture)}
    assert list(plain) == list(NAMES)
    assert plain["palette"].words == "without colour"
    assert plain["contrast"].words == "little contrast"
    assert plain["symmetry"].words == "symmetric"
    picture[2:6, 2:6] = (255, 0, 0)
    changed = {quality.name: quality for quality in described(picture)}
    assert changed["palette"].words != "without colour"
    assert changed["symmetry"].value == measured(picture)["symmetry"]
