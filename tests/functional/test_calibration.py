"""Every number of calibration beside one found by hand or by brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from metaart.functional.calibration import (
    answer_sets,
    auroc,
    conformal_quantile,
    expected_calibration_error,
    fitted_temperature,
    reliability,
    spearman,
)

seeds = st.integers(0, 2**31)


def test_the_temperature_of_two_classes_in_closed_form() -> None:
    """Logit gap 4 in every answer, three quarters right: sigmoid(4 / T) = 3/4, so T = 4 / log 3."""
    logits = torch.tensor([[4.0, 0.0]] * 4, dtype=torch.float64)
    labels = torch.tensor([0, 0, 0, 1])
    assert fitted_temperature(logits, labels) == pytest.approx(4 / math.log(3), rel=1e-8)


@settings(deadline=None, max_examples=40)
@given(seeds, st.integers(2, 6), st.floats(0.2, 8.0))
def test_no_temperature_is_likelier(seed: int, classes: int, scale: float) -> None:
    rng = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(60, classes, generator=rng, dtype=torch.float64)
    random = torch.randint(classes, (60,), generator=rng)
    labels = torch.where(torch.rand(60, generator=rng) < 0.5, logits.argmax(-1), random)

    def loss(log_rate: float) -> float:
        return float(torch.nn.functional.cross_entropy(logits * math.exp(log_rate), labels))

    found = optimize.minimize_scalar(loss, bounds=(-math.log(100), math.log(100)), method="bounded",
                                     options={"xatol": 1e-9})  # fmt: skip
    assert loss(-math.log(fitted_temperature(logits, labels))) <= found.fun + 1e-9


def test_perfect_answers_take_the_lowest_temperature_and_wrong_ones_the_highest() -> None:
    logits = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert 0.01 <= fitted_temperature(logits, torch.tensor([0, 1])) < 0.05  # as low as makes a difference
    assert fitted_temperature(logits, torch.tensor([1, 0])) == pytest.approx(100.0)


def test_the_calibration_error_of_a_table_by_hand() -> None:
    """Two bins of two: confidence 0.25 with 1 of 2 right and 0.9 with 2 of 2: 0.5 (0.25 + 0.1)."""
    confidence = torch.tensor([0.2, 0.3, 0.85, 0.95], dtype=torch.float64)
    right = torch.tensor([True, False, True, True])
    share, sure, correct = reliability(confidence, right, bins=2)
    assert share.tolist() == [0.5, 0.5]
    assert sure.tolist() == pytest.approx([0.25, 0.9])
    assert correct.tolist() == [0.5, 1.0]
    assert expected_calibration_error(confidence, right, bins=2) == pytest.approx(0.175)


def test_the_edges_of_bins() -> None:
    share, _, _ = reliability(torch.tensor([0.0, 0.5, 0.500001, 1.0]), torch.ones(4, dtype=torch.bool), bins=2)
    assert share.tolist() == [0.5, 0.5]


def test_confidence_that_is_frequency_has_no_error() -> None:
    confidence = torch.tensor([0.75] * 8, dtype=torch.float64)
    assert expected_calibration_error(confidence, torch.tensor([True] * 6 + [False] * 2)) == 0
    assert expected_calibration_error(confidence, torch.tensor([False] * 8)) == pytest.approx(0.75)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=20), st.lists(st.integers(0, 6), min_size=1, max_size=20))
def test_auroc_is_the_share_of_pairs(positive: list[int], negative: list[int]) -> None:
    pairs = [1.0 if p > n else 0.5 if p == n else 0.0 for p in positive for n in negative]
    found = auroc(torch.tensor(positive, dtype=torch.float64), torch.tensor(negative, dtype=torch.float64))
    assert found == pytest.approx(np.mean(pairs))


def test_the_conformal_quantile_by_hand() -> None:
    scores = torch.arange(1.0, 10.0)
    assert conformal_quantile(scores, 0.9) == 9  # ceil(10 * 0.9) = 9th of 9
    assert conformal_quantile(scores, 0.5) == 5
    assert conformal_quantile(scores[:8], 0.9) == math.inf  # ceil(9 * 0.9) = 9 of 8
    many = torch.arange(1.0, 101.0)
    assert conformal_quantile(many, 0.9, groups=10) == 99  # ceil(100 * 1.1 * 0.9)
    assert conformal_quantile(many, 0.9, groups=100) == conformal_quantile(many, 0.9) == 91
    assert conformal_quantile(many, 0.9, groups=8) == math.inf  # 1.125 * 0.9 is more than all


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9])
def test_the_conformal_quantile_covers_as_promised(coverage: float) -> None:
    """Exchangeable scores: the mean coverage over many calibrations lies between the promise and 1/(n + 1) above."""
    rng = torch.Generator().manual_seed(0)
    drawn = torch.rand(4000, 20, generator=rng, dtype=torch.float64)
    covered = [float(row[-1]) <= conformal_quantile(row[:-1], coverage) for row in drawn]
    assert coverage - 0.02 < np.mean(covered) < coverage + 1 / 20 + 0.02


def test_a_new_group_is_covered_as_promised() -> None:
    """Four groups of ten equal scores: 70 % by scores is the third group's, which covers 3/5; by groups the fourth's.

    The k-th smallest of four is at least as large as a fifth with probability k/5.
    """
    rng = torch.Generator().manual_seed(0)
    levels = torch.rand(4000, 5, generator=rng, dtype=torch.float64)

    def covered(groups: int | None) -> float:
        bounds = [conformal_quantile(row[:-1].repeat_interleave(10), 0.7, groups) for row in levels]
        return float((levels[:, -1] <= torch.tensor(bounds, dtype=torch.float64)).double().mean())

    assert covered(None) == pytest.approx(3 / 5, abs=0.03)
    assert covered(4) == pytest.approx(4 / 5, abs=0.03)


def test_answer_sets_hold_what_cannot_be_ruled_out() -> None:
    probabilities = torch.tensor([[0.7, 0.2, 0.1], [0.4, 0.35, 0.25]])
    assert answer_sets(probabilities, 0.66).tolist() == [[True, False, False], [True, True, False]]
    assert answer_sets(probabilities, math.inf).all()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=20))
def test_spearman_is_scipys(pairs: list[tuple[int, int]]) -> None:
    one, other = (torch.tensor(side, dtype=torch.float64) for side in zip(*pairs, strict=True))
    found = spearman(one, other)
    if len(set(one.tolist())) < 2 or len(set(other.tolist())) < 2:
        assert found == 0
    else:
        assert found == pytest.approx(float(stats.spearmanr(one, other).statistic), abs=1e-12)
