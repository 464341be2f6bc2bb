"""The perceptual losses against pictures whose values are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from metaart.functional.style import (
    channel_statistics,
    colour_moments,
    content_distance,
    gram,
    gram_distance,
    recoloured,
    statistics_matched,
    total_variation,
)

sizes = st.integers(2, 6)


def some(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_gram_matrix_of_a_checkerboard() -> None:
    """Channel 0 is 1 on the white squares, channel 1 is 2 on the black ones, channel 2 is 3 everywhere."""
    rows, columns = torch.meshgrid(torch.arange(4), torch.arange(6), indexing="ij")
    white = ((rows + columns) % 2 == 0).double()
    features = torch.stack([white, 2 * (1 - white), torch.full_like(white, 3)])
    # Half the places are white: the means over places are 1/2, 4/2, 9; together 0, 3/2, 6/2; all by the 3 channels.
    expected = torch.tensor([[0.5, 0, 1.5], [0, 2, 3], [1.5, 3, 9]], dtype=torch.float64) / 3
    torch.testing.assert_close(gram(features), expected)


@given(sizes, sizes, sizes, st.integers(0, 99))
def test_a_gram_matrix_is_symmetric_and_positive_semidefinite(
    channels: int, height: int, width: int, seed: int
) -> None:
    value = gram(some(channels, height, width, seed=seed))
    torch.testing.assert_close(value, value.mT)
    assert float(torch.linalg.eigvalsh(value).min()) > -1e-12


def test_a_gram_matrix_does_not_know_where_or_how_large() -> None:
    features = some(3, 4, 5)
    shuffled = features.flatten(1)[:, torch.randperm(20)].reshape(3, 4, 5)
    torch.testing.assert_close(gram(shuffled), gram(features))
    torch.testing.assert_close(gram(features.repeat(1, 2, 3)), gram(features))


def test_gram_distances_are_relative() -> None:
    wanted = gram(some(2, 3, 4, 4))
    torch.testing.assert_close(gram_distance(wanted, wanted), torch.zeros(2, dtype=torch.float64))
    torch.testing.assert_close(gram_distance(0 * wanted, wanted), torch.ones(2, dtype=torch.float64), atol=1e-6, rtol=0)
    # Features three times as strong have Gram matrices nine times as large: (9 - 1)^2.
    torch.testing.assert_close(gram_distance(9 * wanted, wanted), torch.full((2,), 64.0, dtype=torch.float64))
    assert bool(gram_distance(wanted, 0 * wanted).isfinite().all())


def test_content_distances_are_relative_and_by_place() -> None:
    wanted = some(2, 3, 4, 5)
    torch.testing.assert_close(content_distance(1.5 * wanted, wanted), torch.full((2,), 0.25, dtype=torch.float64))
    assert float(content_distance(wanted.roll(1, -1), wanted).min()) > 0.5


@given(st.floats(-2, 2), st.floats(-2, 2), sizes, sizes)
def test_the_total_variation_of_a_ramp(across: float, down: float, height: int, width: int) -> None:
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    ramp = (across * columns.double() + down * rows.double())[None]
    expected = torch.tensor(across**2 + down**2, dtype=torch.float64)
    torch.testing.assert_close(total_variation(ramp), expected, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("name", ["gram", "content", "variation"])
def test_gradients_are_finite_differences(name: str) -> None:
    features, wanted = some(2, 4, 4), some(2, 4, 4, seed=1)
    losses = {
        "gram": lambda x: gram_distance(gram(x), gram(wanted)),
        "content": lambda x: content_distance(x, wanted),
        "variation": total_variation,
    }
    direction, small = some(2, 4, 4, seed=2), 1e-5
    moved = features.clone().requires_grad_()
    (slope,) = torch.autograd.grad(losses[name](moved), moved)
    rise = losses[name](features + small * direction) - losses[name](features - small * direction)
    assert float((slope * direction).sum()) == pytest.approx(float(rise) / (2 * small), rel=1e-7)


def test_matched_features_have_the_statistics_of_the_others() -> None:
    features, like = some(2, 3, 6, 6), 3 * some(2, 3, 5, 4, seed=1) + 2
    for found, expected in zip(
        channel_statistics(statistics_matched(features, like)), channel_statistics(like), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    mean, deviation = channel_statistics(features, eps=0)
    np.testing.assert_allclose(mean.squeeze(), features.numpy().mean((2, 3)))
    np.testing.assert_allclose(deviation.squeeze(), features.numpy().std((2, 3)))


@given(st.integers(0, 99))
def test_recoloured_pictures_have_the_colours_wanted(seed: int) -> None:
    """Mean and covariance are those wanted; the map is symmetric and positive, so nothing is turned or mirrored."""
    picture, like = 0.4 + 0.03 * some(3, 12, 12, seed=seed), 0.6 + 0.04 * some(3, 9, 9, seed=seed + 100)
    like[2] = 0.5 * like[0] + 0.5 * like[2]
    found = recoloured(picture, colour_moments(like), floor=0.0)
    np.testing.assert_allclose(np.cov(found.flatten(1), ddof=0), np.cov(like.flatten(1), ddof=0), rtol=1e-6, atol=1e-12)
    torch.testing.assert_close(found.mean((1, 2)), like.mean((1, 2)))
    offset = (picture - picture.mean((1, 2), keepdim=True)).flatten(1)
    turn = (found - found.mean((1, 2), keepdim=True)).flatten(1) @ torch.linalg.pinv(offset)
    torch.testing.assert_close(turn, turn.mT, rtol=1e-6, atol=1e-8)
    assert float(torch.linalg.eigvalsh(turn).min()) > 0


def test_recolouring_by_ones_own_colours_changes_nothing() -> None:
    picture = some(2, 3, 8, 8).sigmoid()
    torch.testing.assert_close(recoloured(picture, colour_moments(picture)), picture)
    flat = torch.full((3, 4, 4), 0.5, dtype=torch.float64)
    assert bool(recoloured(flat, colour_moments(picture[0])).isfinite().all())


@given(st.integers(0, 99))
def test_a_colour_beyond_the_range_is_drawn_back_towards_the_mean_and_keeps_its_hue(seed: int) -> None:
    """Where the map leaves the range, the result is its point on the way to the mean at which the range ends."""
    picture = (0.3 + 0.1 * some(3, 12, 12, seed=seed)).clamp(0, 1)
    wanted = colour_moments((0.6 + 0.4 * some(3, 9, 9, seed=seed + 100)).clamp(0, 1))
    mean = wanted[:3, None]
    covariance = wanted[3:].reshape(3, 3) - mean * mean.mT
    # The same map to a twentieth of the spread stays within the range, and tells where the whole map would lead.
    little = torch.cat([wanted[:3], (covariance / 400 + mean * mean.mT).flatten()])
    away = 20 * (recoloured(picture, little, floor=0.0).flatten(1) - mean)
    found = recoloured(picture, wanted, floor=0.0).flatten(1) - mean
    within = ((mean + away >= 0) & (mean + away <= 1)).all(0)
    assert 0 < int(within.sum()) < within.numel()
    torch.testing.assert_close(found[:, within], away[:, within], rtol=1e-5, atol=1e-7)
    share = (found[:, ~within] / away[:, ~within]).nan_to_num()
    torch.testing.assert_close(share, share[:1].expand_as(share), rtol=1e-5, atol=1e-7)
    ends = (found + mean)[:, ~within]
    torch.testing.assert_close(
        torch.maximum(ends.amax(0), 1 - ends.amin(0)), torch.ones(ends.shape[1], dtype=ends.dtype)
    )
