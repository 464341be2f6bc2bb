"""At which rate a rival is tuned, and what each is called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from metaart.arts import load
from metaart.errors import UserError
from metaart.evaluation.rivals import best_rates, learners_by_name, search_rates


def valley(best: Sequence[float]) -> Any:
    """Losses that are lowest at a rate of its own for each number of steps, and the calls that were made."""
    calls: list[tuple[float, tuple[int, ...]]] = []
    lowest = dict(zip((0, 1, 5), (1.0, *best), strict=True))

    def measure(rate: float, steps: Sequence[int]) -> NDArray[np.float64]:
        calls.append((rate, tuple(steps)))
        return np.array([[0.0 if number == 0 else np.log(rate / lowest[number]) ** 2 for number in steps]])

    return measure, calls


def test_rates_are_widened_only_where_the_best_lies_at_their_edge() -> None:
    measure, calls = valley([0.4, 0.2])
    tried = search_rates(measure, (0.1, 0.2, 0.4, 0.8), (0, 1, 5), extensions=3)
    assert list(tried) == [0.1, 0.2, 0.4, 0.8]
    assert best_rates(tried, (0, 1, 5)).tolist() == [[0.4, 0.4, 0.2]]
    measure, calls = valley([1.6, 0.05])
    tried = search_rates(measure, (0.1, 0.2, 0.4, 0.8), (0, 1, 5), extensions=3)
    assert best_rates(tried, (0, 1, 5)).tolist() == [[1.6, 1.6, 0.05]]
    assert calls[4:] == [(1.6, (1,)), (3.2, (1,)), (0.05, (5,)), (0.025, (5,))], "each only for the steps that ask"


def test_widening_ends() -> None:
    measure, _ = valley([1e9, 1e-9])
    tried = search_rates(measure, (1.0,), (0, 1, 5), extensions=2)
    assert list(tried) == [0.25, 0.5, 1, 2, 4]


def test_a_rate_at_which_the_loss_is_no_number_is_never_chosen() -> None:
    def measure(rate: float, steps: Sequence[int]) -> NDArray[np.float64]:
        return np.full((1, len(steps)), np.nan if rate > 0.5 else rate)

    tried = search_rates(measure, (0.25, 0.5, 1.0), (1,), extensions=0)
    assert best_rates(tried, (1,)).tolist() == [[0.25]]


def test_every_learner_has_a_name_of_its_own(tiny_run: Path) -> None:
    run = load(tiny_run)
    assert list(learners_by_name(run, {"other": run})) == ["music", "other"]
    with pytest.raises(UserError, match=f"beside music, which is {run.folder}; got music={run.folder}"):
        learners_by_name(run, {"music": run})
