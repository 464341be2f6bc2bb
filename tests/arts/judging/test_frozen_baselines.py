"""Frozen features' classifiers and regression beside what they minimise."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from metaart.arts.judging.frozen_baselines import (
    class_means,
    linear_probe,
    nearest_neighbour,
    ridge,
    standardise,
)
from metaart.networks.frozen import FrozenFeatures

LABELS = torch.arange(3).repeat_interleave(4)


def points(count: int = 12, size: int = 30, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("penalty", [0.01, 0.3])
def test_the_probe_is_where_no_slope_is_left(penalty: float) -> None:
    """Its answers are those of softmax regression with a bias, whose slope in the weights must vanish."""
    x = torch.cat([points(), torch.ones(12, 1, dtype=torch.float64)], 1)
    answer = linear_probe(penalty, steps=3000)(points(), LABELS)
    basis = torch.eye(30, dtype=torch.float64)
    bias = answer(torch.zeros(1, 30, dtype=torch.float64))
    weights = torch.cat([answer(basis) - bias, bias]).requires_grad_()
    (slope,) = torch.autograd.grad(F.cross_entropy(x @ weights, LABELS) + penalty / 2 * weights.square().sum(), weights)
    torch.testing.assert_close(slope, torch.zeros_like(slope), atol=1e-6, rtol=0)


def test_neighbours_and_means_by_hand() -> None:
    examples = torch.tensor([[0.0], [4.0], [5.0], [7.0]])
    labels = torch.tensor([0, 0, 1, 1])
    asked = torch.tensor([[3.8], [4.6]])
    assert nearest_neighbour(examples, labels)(asked).argmax(1).tolist() == [0, 1]
    assert class_means(examples, labels)(asked).argmax(1).tolist() == [0, 1]  # means 2 and 6: the middle is 4
    assert class_means(examples, labels)(torch.tensor([[3.9], [4.1]])).argmax(1).tolist() == [0, 1]


def test_ridge_is_the_normal_equations() -> None:
    x, y = points(9, 4), points(9, 1, 5)[:, 0]
    centred = x - x.mean(0)
    weights = torch.linalg.solve(
        centred.T @ centred + 0.7 * torch.eye(4, dtype=torch.float64), centred.T @ (y - y.mean())
    )
    asked = points(5, 4, 9)
    torch.testing.assert_close(ridge(x, y, 0.7)(asked), (asked - x.mean(0)) @ weights + y.mean())


def test_a_standard_has_unit_length_in_the_mean() -> None:
    found = standardise(points(200), points(200))
    assert found.square().sum(1).mean() == pytest.approx(1, rel=0.02)
    torch.testing.assert_close(found.mean(0), torch.zeros(30, dtype=torch.float64))


def test_frozen_features_are_the_works_own() -> None:
    ink = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    frozen = FrozenFeatures(32)
    found = frozen(ink)
    assert found.shape == (3, 992)
    torch.testing.assert_close(found[1:2], frozen(ink[1:2]), rtol=1e-3, atol=1e-4)
    assert not torch.allclose(found[0], found[1])
