"""De Piles' painters: the measurement on scores whose truth is known."""

from __future__ import annotations

import pytest
import torch

from benchmarks.painters import COVERAGE, QUALITIES, measure


def test_a_quality_that_follows_from_another_is_told_from_it() -> None:
    rng = torch.Generator().manual_seed(0)
    first, second = (torch.rand(54, generator=rng, dtype=torch.float64) * 18 for _ in range(2))
    scores = torch.stack([first, 18 - first, second, torch.rand(54, generator=rng, dtype=torch.float64)], 1)
    qualities = measure(scores, splits=60)["qualities"]
    for name in QUALITIES[:2]:
        assert qualities[name]["spearman"] > 0.98
        assert qualities[name]["error"] < 0.3 * qualities[name]["error_of_the_mean"]
    assert abs(qualities["Colour"]["spearman"]) < 0.3
    for row in qualities.values():
        assert row["covered"] == pytest.approx(COVERAGE, abs=0.05), "an interval keeps its promise, told or not"
