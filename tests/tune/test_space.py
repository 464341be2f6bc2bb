"""The grammar of spaces: what it reads, what it refuses, and that values lie where they should."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaart.errors import UserError
from tune.space import Choice, Range, corners, grid, parse, written

REFUSED = {
    "": "NAME=KIND",
    "alpha": "NAME=KIND",
    "alpha=0.1": "NAME=KIND",
    "alpha=loguniform(1e-3,1": "NAME=KIND",
    "=uniform(0,1)": "NAME=KIND",
    "alpha=normal(0,1)": "one of the kinds choice, uniform",
    "alpha=loguniform(1,1e-3)": "lower to a higher end",
    "alpha=uniform(2,2)": "--set alpha=2",
    "alpha=loguniform(0,1)": "above 0",
    "alpha=loguniform(-1,1)": "above 0",
    "alpha=uniform(nan,1)": "finite numbers",
    "alpha=uniform(0,inf)": "finite numbers",
    "alpha=uniform(a,b)": "finite numbers",
    "alpha=uniform(1)": r"uniform\(low,high\)",
    "alpha=quniform(0,1)": r"quniform\(low,high,step\)",
    "alpha=quniform(0,1,0)": "step above 0",
    "alpha=quniform(0,1,2)": "step above 0",
    "steps=randint(1.5,3)": "whole numbers",
    "steps=lograndint(0,3)": "above 0",
    "steps=choice()": "between the commas",
    "steps=choice(1,,3)": "between the commas",
    "steps=choice(1,1)": "different values",
    "steps=choice([1,3)": "NAME=KIND|between the commas",
    "steps=choice(]1[)": "NAME=KIND",
    "steps=choice(__import__('os').system('true'))": "NAME=KIND",
    "steps=choice(" + "1" * 5000 + ")": "NAME=KIND",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_space_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(UserError, match=REFUSED[text]):
        parse(text)


def test_every_kind_is_read() -> None:
    assert parse("alpha=loguniform(1e-3,1)") == Range("alpha", 1e-3, 1.0, log=True)
    assert parse(" a.b = uniform( -1 , 2.5 ) ") == Range("a.b", -1.0, 2.5)
    assert parse("x=quniform(0,1,0.25)") == Range("x", 0.0, 1.0, step=0.25)
    assert parse("x=randint(1,5)") == Range("x", 1.0, 5.0, step=1.0)
    assert parse("x=lograndint(1,1000)") == Range("x", 1.0, 1000.0, log=True, step=1.0)
    assert parse("x=choice(no, layer)") == Choice("x", ("no", "layer"))
    assert parse("x=choice([],[1,3])") == Choice("x", ("[]", "[1,3]"))


def test_whole_numbers_have_both_ends_and_each_its_share() -> None:
    rng = np.random.default_rng(0)
    drawn = [parse("x=randint(1,4)").at(position) for position in rng.random(4000)]
    counts = {value: drawn.count(value) for value in sorted(set(drawn))}
    assert list(counts) == ["1", "2", "3", "4"]
    assert all(abs(count - 1000) < 120 for count in counts.values())  # four standard deviations


def test_a_logarithmic_range_is_even_in_the_logarithm() -> None:
    """Each decade has a third of [1e-3, 1]: the empirical distribution of log10 against the straight line."""
    rng = np.random.default_rng(0)
    drawn = np.sort([math.log10(float(parse("x=loguniform(1e-3,1)").at(position))) for position in rng.random(4000)])
    expected = (drawn + 3) / 3
    assert np.abs(np.arange(1, 4001) / 4000 - expected).max() < 0.03  # Kolmogorov-Smirnov at 0.1 %


numbers = st.floats(1e-6, 1e6, allow_nan=False)


@given(one=numbers, other=numbers, position=st.floats(0, 1), log=st.booleans())
def test_values_lie_between_the_ends_and_are_written_shortly(
    one: float, other: float, position: float, log: bool
) -> None:
    low, high = min(one, other), max(one, other)
    if high - low < 1e-9 * high:
        return
    parameter = Range("x", low, high, log=log)
    value = parameter.at(position)
    assert low * (1 - 1e-14) <= float(value) <= high * (1 + 1e-14)
    assert parameter.rounded(float(value)) == pytest.approx(float(value), rel=1e-12)


@given(low=st.integers(1, 50), more=st.integers(1, 500), position=st.floats(0, 1), log=st.booleans())
def test_stepped_values_are_whole_steps(low: int, more: int, position: float, log: bool) -> None:
    parameter = parse(f"x={'log' if log else ''}randint({low},{low + more})")
    value = parameter.at(position)
    assert value == str(int(value))
    assert low <= int(value) <= low + more


@given(low=st.floats(-1e3, 1e3), high=st.floats(-1e3, 1e3), count=st.integers(2, 40))
def test_a_spread_has_both_ends_and_ascends(low: float, high: float, count: int) -> None:
    if high - low < 1e-3:
        return
    values = [float(value) for value in Range("x", low, high).spread(count)]
    assert len(values) == count
    assert values == sorted(values)
    assert (values[0], values[-1]) == (pytest.approx(low, rel=1e-12), pytest.approx(high, rel=1e-12))


@given(st.floats(-1e12, 1e12, allow_nan=False))
def test_numbers_are_read_back_equal(number: float) -> None:
    assert float(written(number)) == pytest.approx(number, rel=1e-14, abs=0)


def test_a_grid_of_a_logarithm_is_geometric() -> None:
    assert [point["x"] for point in grid([parse("x=loguniform(1e-3,1)")], 4)] == ["0.001", "0.01", "0.1", "1"]


@given(trials=st.integers(3, 200))
def test_a_grid_is_no_larger_than_asked_and_has_no_point_twice(trials: int) -> None:
    space = [parse("x=loguniform(1e-3,1)"), parse("y=choice(a,b,c)"), parse("z=randint(1,4)")]
    points = grid(space, trials)
    assert len(points) <= trials
    assert len({tuple(point.items()) for point in points}) == len(points)
    assert {point["y"] for point in points} == {"a", "b", "c"}
    # As full as it goes: one more value of x or z would not fit.
    x, z = (len({point[key] for point in points}) for key in "xz")
    assert 3 * (x + 1) * z > trials


def test_a_grid_without_room_for_the_choices_is_refused() -> None:
    with pytest.raises(UserError, match="--trials 6"):
        grid([parse("x=choice(1,2)"), parse("y=choice(1,2,3)")], 5)


def test_corners_hold_every_end_and_every_choice() -> None:
    points = corners([parse("x=randint(1,9)"), parse("y=choice(a,b)")])
    assert points == [{"x": x, "y": y} for y in "ab" for x in ("1", "9")]
    many = [parse(f"x{number}=randint(1,9)") for number in range(20)]
    assert {(key, point[key]) for point in corners(many) for key in point} >= {
        (f"x{number}", end) for number in range(20) for end in ("1", "9")
    }
