"""Class means as a linear layer."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.functional.prototypes import ABSENT, prototype_head


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 6), st.integers(1, 5), st.integers(1, 4), st.integers(0, 2**31))
def test_its_softmax_is_that_over_squared_distances(classes: int, size: int, shots: int, seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    features = torch.randn(classes * shots, size, generator=rng, dtype=torch.float64)
    labels = torch.arange(classes).repeat(shots)
    weight, bias = prototype_head(features, labels, classes)
    asked = torch.randn(7, size, generator=rng, dtype=torch.float64)
    means = torch.stack([features[labels == label].mean(0) for label in range(classes)])
    distances = torch.cdist(asked, means, compute_mode="donot_use_mm_for_euclid_dist") ** 2
    torch.testing.assert_close((asked @ weight.T + bias).softmax(-1), (-distances).softmax(-1))


def test_two_points_by_hand() -> None:
    features = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
    weight, bias = prototype_head(features, torch.tensor([0, 0, 1]), 2)
    assert weight.tolist() == [[4.0, 0.0], [0.0, 4.0]]
    assert bias.tolist() == [-4.0, -4.0]


def test_a_class_without_works_is_never_the_answer() -> None:
    weight, bias = prototype_head(torch.randn(4, 3), torch.tensor([0, 0, 2, 2]), 4)
    assert bias[[1, 3]].tolist() == [ABSENT, ABSENT]
    assert not weight[[1, 3]].any()
    shares = (torch.randn(100, 3) @ weight.T + bias).softmax(-1)
    assert not shares[:, [1, 3]].any()
