"""Where a sweep looks next: proposals are functions of the seed and of what was found, and TPE finds more."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from tune.records import DIVERGED, FINISHED, RUNNING, STOPPED, Trial
from tune.searchers import SEARCHERS, importances, propose
from tune.space import Parameter, Point, parse

SPACE = [parse("alpha=loguniform(1e-4,10)"), parse("steps=choice(1,3,5)"), parse("size=randint(1,40)")]


def loss(point: Point) -> float:
    """Lowest, 0, at alpha 0.03; the other two keys matter little."""
    return (math.log10(float(point["alpha"]) / 0.03)) ** 2 + 0.02 * (point["steps"] != "3") + 1e-4 * int(point["size"])


def searched(searcher: str, seed: int, most: int, space: Sequence[Parameter] = SPACE) -> list[Trial]:
    trials: list[Trial] = []
    while (point := propose(searcher, space, len(trials), trials, seed=seed, most=most)) and len(trials) < most:
        trials.append(Trial(len(trials), point, FINISHED, [(10, loss(point))], 10))
    return trials


@pytest.mark.parametrize("searcher", SEARCHERS)
def test_a_proposal_depends_on_the_seed_and_on_what_was_found_alone(searcher: str) -> None:
    trials = searched(searcher, seed=3, most=12)
    again = [
        propose(searcher, SPACE, number, trials[:number], seed=3, most=12)
        for number in random.Random(0).sample(range(12), 6)
    ]
    expected = [trials[number].point for number in random.Random(0).sample(range(12), 6)]
    assert again == expected
    if searcher != "grid":
        assert searched(searcher, seed=4, most=4)[0].point != trials[0].point


def test_tpe_looks_where_random_search_only_comes_by() -> None:
    late = {
        searcher: sum(loss(trial.point) for trial in searched(searcher, 0, 24)[12:]) for searcher in ("tpe", "random")
    }
    assert late["tpe"] < 0.7 * late["random"]


def test_tpe_takes_trials_that_were_stopped_or_diverged_for_poor_ones() -> None:
    """Above 1 trials diverge, or are stopped early at a loss that would be the lowest of all if it counted."""
    space, trials = SPACE[:1], []
    for number in range(40):
        point = propose("tpe", space, number, trials, seed=0, most=40)
        assert point is not None
        outcome, validations = FINISHED, [(10, loss({**point, "steps": "3", "size": "1"}))]
        if float(point["alpha"]) > 1:
            outcome, validations = (DIVERGED, []) if number % 2 else (STOPPED, [(2, -5.0)])
        trials.append(Trial(number, point, outcome, validations))
    late = [float(trial.point["alpha"]) for trial in trials[20:]]
    assert sum(alpha > 1 for alpha in late) <= 2
    assert sum(0.003 < alpha < 0.3 for alpha in late) >= 14


def test_trials_that_run_are_not_proposed_again() -> None:
    running = [Trial(number, {"steps": value}, RUNNING) for number, value in enumerate(("1", "3"))]
    space = [parse("steps=choice(1,3,5)")]
    for searcher in ("tpe", "random"):
        assert propose(searcher, space, 2, running, seed=0, most=9) == {"steps": "5"}
        assert propose(searcher, space, 3, [*running, Trial(2, {"steps": "5"})], seed=0, most=9) is None


def test_a_grid_ends_when_all_of_it_was_proposed() -> None:
    trials = searched("grid", seed=0, most=30)
    assert len(trials) == 27  # three values of each key
    assert propose("grid", SPACE, 27, trials, seed=0, most=30) is None


def test_importances_say_what_matters() -> None:
    found = importances(SPACE, searched("random", seed=1, most=60))
    assert next(iter(found)) == "alpha"
    assert found["alpha"] > 0.6
    assert sum(found.values()) == pytest.approx(1.0)


def test_a_few_trials_say_nothing_of_importances_and_one_key_has_all() -> None:
    assert importances(SPACE, searched("random", seed=1, most=3)) == {}
    one = [parse("alpha=loguniform(1e-4,10)")]
    trials = [Trial(number, {"alpha": str(number + 1)}, FINISHED, [(1, float(number))]) for number in range(5)]
    assert importances(one, trials) == {"alpha": 1.0}
