"""The image transformation network: shapes, what it sees, and normalising by other moments than its own."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from metaart.networks.stylist import Stylist, doubled, reach


def small(statistics: int = 5, blocks: int = 2) -> Stylist:
    torch.manual_seed(0)
    return Stylist(4, 8, blocks, statistics, 6).double().requires_grad_(False)


def pictures(count: int, height: int, width: int) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@settings(max_examples=10, deadline=None)
@given(st.integers(2, 6), st.integers(2, 6))
def test_a_picture_keeps_its_sides(high: int, wide: int) -> None:
    drawn = small()(pictures(2, 4 * high, 4 * wide), torch.ones(2, 5, dtype=torch.float64))
    assert drawn.shape == (2, 3, 4 * high, 4 * wide)
    assert 0 < float(drawn.min()) < float(drawn.max()) < 1


def test_its_own_moments_change_nothing() -> None:
    network, photographs, style = small(), pictures(2, 16, 24), torch.randn(2, 5, dtype=torch.float64)
    moments = network(photographs, style, photographs.new_zeros(2, 2, 0))
    assert moments.shape == (2, 2, sum(network.channels))
    torch.testing.assert_close(network(photographs, style, moments), network(photographs, style), rtol=1e-4, atol=1e-6)
    others = network(photographs.flip(0) * 0.5, style, photographs.new_zeros(2, 2, 0))
    assert float((network(photographs, style, others) - network(photographs, style)).abs().max()) > 1e-3


def test_pictures_do_not_see_each_other() -> None:
    network, photographs, style = small(), pictures(3, 16, 16), torch.randn(3, 5, dtype=torch.float64)
    together = network(photographs, style)
    for index in range(3):
        alone = network(photographs[index : index + 1], style[index : index + 1])
        torch.testing.assert_close(together[index], alone[0])


def test_the_style_decides_unless_there_is_none() -> None:
    photographs, one, other = pictures(1, 16, 16), torch.zeros(1, 5).double(), torch.ones(1, 5).double()
    with_statistics, without = small(), small(statistics=0)
    assert float((with_statistics(photographs, one) - with_statistics(photographs, other)).abs().max()) > 1e-3
    nothing = photographs.new_zeros(1, 0)
    assert without(photographs, nothing).shape == photographs.shape
    assert not any("affines" in name for name, _ in without.named_parameters())


@pytest.mark.parametrize("blocks", [1, 3])
def test_it_sees_no_further_than_it_says(blocks: int) -> None:
    network, style = small(blocks=blocks), torch.zeros(1, 5, dtype=torch.float64)
    photograph = pictures(1, 8, 160)
    moments = network(photograph, style, photograph.new_zeros(1, 2, 0))
    changed = photograph.clone()
    changed[..., :80] = 1 - changed[..., :80]
    difference = (network(changed, style, moments) - network(photograph, style, moments)).abs().amax((0, 1, 2))
    seen = int(difference.nonzero().max()) - 79
    assert 0 < seen <= reach(blocks)


def test_doubling_repeats_each_place() -> None:
    assert doubled(torch.tensor([[1, 2]])).tolist() == [[1, 1, 2, 2], [1, 1, 2, 2]]
