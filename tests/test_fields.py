"""What is said of a field is what is taken."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.errors import UserError
from metaart.fields import described, named
from metaart.options import option, options

RANGE = re.compile(
    r"(?:that is a multiple of (?P<multiple>\S+))? ?"
    r"(?:from (?P<ge>\S+) up|from (?P<from>\S+) to (?:below (?P<to_below>\S+)|(?P<to>\S+))"
    r"|above (?P<gt>\S+)(?: and (?:below (?P<and_below>\S+)|at most (?P<and_most>\S+)))?"
    r"|of at most (?P<le>\S+)|below (?P<lt>\S+))?"
)


def read(words: str) -> Callable[[float], bool]:
    """What a reader takes a range in words for."""
    match = RANGE.fullmatch(words)
    assert match, words
    number = {name: float(text) for name, text in match.groupdict().items() if text}
    least = number.get("ge", number.get("from", -math.inf))
    most = number.get("to", number.get("and_most", number.get("le", math.inf)))
    below = number.get("to_below", number.get("and_below", number.get("lt", math.inf)))
    return lambda value: (
        least <= value <= most
        and number.get("gt", -math.inf) < value < below
        and math.fmod(value, number.get("multiple", value or 1)) == 0
    )


def of_kind(kind: Any, **bounds: Any) -> type[Any]:
    """Options with one field `x`."""
    return options()(type("Bounded", (), {"__annotations__": {"x": kind}, "x": option(**bounds)}))


def takes(kind: type[Any], value: Any) -> bool:
    try:
        kind(x=value)
    except UserError:
        return False
    return True


@st.composite
def bounds(draw: st.DrawFn, numbers: st.SearchStrategy[float]) -> dict[str, float]:
    """None, one or two ends, each in or out."""
    low, high = sorted([draw(numbers), draw(numbers)])
    ends = {draw(st.sampled_from(["ge", "gt", ""])): low, draw(st.sampled_from(["le", "lt", " "])): high}
    return {name: end for name, end in ends.items() if name.strip()}


@given(bounds(st.integers(-60, 60)), st.sampled_from([None, 1, 4, 7]), st.booleans())
@settings(deadline=None)
def test_a_range_of_whole_numbers_in_words_is_what_is_taken(
    ends: dict[str, int], multiple: int | None, optional: bool
) -> None:
    kind = of_kind(int | None if optional else int, multiple_of=multiple, **ends)
    meant = read(described(kind)["x"].range)
    for value in {0, 1, 28, *(end + step for end in ends.values() for step in range(-4, 5))}:
        assert takes(kind, value) == meant(value), (described(kind)["x"].range, value)
    assert takes(kind, None) is optional


@given(bounds(st.integers(-9999, 9999).map(lambda number: number / 1000) | st.sampled_from([1e-8, 1e-4, 1e6])))
@settings(deadline=None)
def test_a_range_of_numbers_in_words_is_what_is_taken(ends: dict[str, float]) -> None:
    kind = of_kind(float, **ends)
    meant = read(described(kind)["x"].range)
    near = {math.nextafter(end, way) for end in ends.values() for way in (-math.inf, math.inf)}
    for value in {0.0, 1e-9, -1e9, 1e9, *ends.values(), *near}:
        assert takes(kind, value) == meant(value), (described(kind)["x"].range, value)


def test_no_bounds_are_no_words() -> None:
    assert described(of_kind(int))["x"].range == ""
    assert described(of_kind(int))["x"].expected == "a whole number"


def test_the_largest_seed_is_a_power() -> None:
    kind = of_kind(int, ge=0, le=2**63 - 1)
    assert described(kind)["x"].expected == "a whole number from 0 to 2^63 - 1"
    assert takes(kind, 2**63 - 1)
    assert not takes(kind, 2**63)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (int, "a whole number"),
        (float, "a number"),
        (bool, "true or false"),
        (str, "text"),
        (Path, "a path"),
        (float | None, "a number"),
        (Path | None, "a path"),
        (Literal["meta", "gatys"], "meta or gatys"),
        (Literal[1, 2], "1 or 2"),
        (tuple[int, ...], "a list of whole numbers"),
        (tuple[float, ...] | None, "a list of numbers"),
        (list[str], "a list of texts"),
        (UserError, "UserError"),
    ],
)
def test_types_in_words(kind: Any, words: str) -> None:
    assert named(kind) == words


@pytest.mark.parametrize(
    ("default", "usual", "words"), [(..., "", ""), (True, "", "true"), (None, "as trained", "as trained"), (0, "", "0")]
)
def test_a_default_in_words(default: Any, usual: str, words: str) -> None:
    field = described(of_kind(Any, default=default, usual=usual))["x"]
    assert (field.usual, field.default) == (words, default)


def test_a_field_knows_its_flag_and_whether_the_service_takes_it() -> None:
    @options()
    class Two:
        per_group: int = option(default=8, local=True, unit="px", help="pictures of each")
        other: int = option(default=1)

    fields = described(Two)
    assert list(fields) == ["per_group", "other"]
    assert fields["per_group"].flag == "--per-group"
    assert (fields["per_group"].local, fields["other"].local) == (True, False)
    assert (fields["per_group"].unit, fields["other"].unit) == ("px", "")
    assert (fields["per_group"].help, fields["other"].help) == ("pictures of each", "")
