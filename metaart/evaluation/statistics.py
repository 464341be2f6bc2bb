"""Means and how far they can be trusted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959964
"""Standard errors on either side of a mean that hold 95 % of a normal distribution."""


def half_width(values: NDArray[np.float64]) -> float:
    """Half the width of the 95 % interval of a mean, values taken for independent: 1.96 standard errors."""
    return float(Z95 * values.std(ddof=1) / np.sqrt(len(values)))


def standing(ahead: float, interval: float) -> str:
    """Where a paired difference stands, as far as half its interval says: `ahead of`, `behind` or `level with`."""
    return "ahead of" if ahead > interval else "behind" if ahead < -interval else "level with"


def half_width_by_hand(values: NDArray[np.float64], hands: Sequence[str]) -> float:
    """The same where values of one hand are not independent: the cluster-robust standard error of the mean.

        sqrt(G / (G - 1) sum over hands of (sum of the hand's residuals)^2) / n,  G hands, n values

    Source: Liang & Zeger 1986. Not a number where all values are of one hand.
    """
    sums: dict[str, float] = defaultdict(float)
    # Summed before they are squared: where the values of a hand err together their residuals add up, and the interval
    # widens.
    for residual, hand in zip(values - values.mean(), hands, strict=True):
        sums[hand] += residual
    if len(sums) < 2:
        return float("nan")
    scale = len(sums) / (len(sums) - 1)
    return float(Z95 * np.sqrt(scale * sum(total**2 for total in sums.values())) / len(values))


def mean_and_interval(values: NDArray[np.float64]) -> dict[str, float | int | None]:
    """{"mean", "interval", "count"} of the values that are numbers; None where there are too few."""
    finite = values[np.isfinite(values)]
    return {
        "mean": float(finite.mean()) if len(finite) else None,
        "interval": half_width(finite) if len(finite) > 1 else None,
        "count": len(finite),
    }
