"""Large pictures in tiles: no seams, because no tile differs from what the whole picture gives."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from metaart.arts.style.tiling import filled, reduced, stylised
from metaart.networks.stylist import FACTOR, Stylist

BLOCKS = 2


def network() -> Stylist:
    torch.manual_seed(0)
    return Stylist(4, 8, BLOCKS, 5, 6).double().requires_grad_(False)


def photograph(height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    rough = torch.rand(3, height, width, generator=generator, dtype=torch.float64)
    return 0.5 * rough + 0.5 * torch.linspace(0, 1, width, dtype=torch.float64)


@pytest.mark.parametrize(("height", "width"), [(96, 120), (150, 70), (41, 130)])
def test_tiles_give_what_the_whole_picture_gives(height: int, width: int) -> None:
    predict, picture, statistics = network(), photograph(height, width), torch.ones(5, dtype=torch.float64)
    whole = predict(filled(picture)[None], statistics[None])[0, :, :height, :width]
    tiled = stylised(predict, picture, statistics, blocks=BLOCKS, tile=32)
    torch.testing.assert_close(tiled, whole, rtol=1e-4, atol=1e-6)


def test_moments_of_a_reduced_picture_leave_no_seams_either() -> None:
    """Steps between neighbours across the borders of tiles are no larger than elsewhere."""
    predict, picture, statistics = network(), photograph(96, 128), torch.ones(5, dtype=torch.float64)
    tiled = stylised(predict, picture, statistics, blocks=BLOCKS, tile=32, whole=48)
    at_once = stylised(predict, picture, statistics, blocks=BLOCKS, tile=128, whole=48)
    torch.testing.assert_close(tiled, at_once, rtol=1e-4, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(8, 30))
def test_sides_are_filled_up_and_reduced(height: int, width: int, side: int) -> None:
    picture = photograph(height, width)
    large = filled(picture)
    assert all(length % FACTOR == 0 and length >= 2 * FACTOR for length in large.shape[1:])
    torch.testing.assert_close(large[:, :height, :width], picture)
    assert max(reduced(picture, side).shape[1:]) == min(max(height, width), side)
