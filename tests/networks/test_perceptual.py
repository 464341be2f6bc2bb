"""How windows are laid over pictures."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from metaart.networks.perceptual import pad_same, smooth_halved


@given(st.integers(3, 20), st.integers(3, 20), st.sampled_from([1, 3, 5]), st.sampled_from([1, 2]))
def test_same_padding_gives_one_place_per_stride(height: int, width: int, kernel: int, stride: int) -> None:
    padded = pad_same(torch.ones(1, 1, height, width), kernel, stride)
    sizes = [(side - kernel) // stride + 1 for side in padded.shape[-2:]]
    assert sizes == [-(-height // stride), -(-width // stride)]


def test_the_odd_zero_is_right_and_below() -> None:
    padded = pad_same(torch.ones(1, 1, 4, 4), 3, 2)
    assert padded[0, 0].tolist() == [[1, 1, 1, 1, 0]] * 4 + [[0] * 5]
    assert pad_same(torch.ones(1, 1, 4, 4), 3, 2, "replicate").min() == 1


def test_halving_is_smooth() -> None:
    """The highest frequency, which striding alone would turn into a flat picture, is gone; a slow ramp stays."""
    stripes = torch.tensor([0.0, 1.0] * 8).expand(1, 2, 16, 16)
    inside = smooth_halved(stripes)[..., 1:-1, 1:-1]
    torch.testing.assert_close(inside, torch.full_like(inside, 0.5))
    ramp = torch.arange(16.0).expand(1, 2, 16, 16)
    torch.testing.assert_close(smooth_halved(ramp)[..., 1:-1], ramp[..., ::2, ::2][..., 1:-1])
