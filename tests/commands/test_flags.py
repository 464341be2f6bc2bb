"""Flags from fields, and what was given of them."""

from __future__ import annotations

import argparse
from typing import Any, Literal

import pytest

from metaart.commands.flags import add_flags, help_of, values_of
from metaart.errors import UserError
from metaart.options import described, option, options


@options()
class Wishes:
    """Of every kind that there is."""

    bars: int = option(default=16, ge=1, le=128, help="length", unit="bars")
    top_p: float = option(default=0.9, gt=0, le=1, help="share of 100 %")
    way: Literal["meta", "gatys"] = option(default="meta", help="how")
    plain: bool = option(default=False, help="without more")
    rates: tuple[float, ...] = option(default=(0.1, 0.2), help="tried")
    also: tuple[str, ...] = option(default=(), usual="none", help="more")
    name: str | None = option(default=None, usual="its own", help="of it")
    steps: int | None = option(default=None, ge=0, usual="as trained", help="taken")


def values_from(*words: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    add_flags(parser, described(Wishes))
    return values_of(parser.parse_args(words), Wishes)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ([], {}),
        (["--bars", "8"], {"bars": 8}),
        (["--top-p", "1"], {"top_p": 1}),
        (["--way", "gatys"], {"way": "gatys"}),
        (["--plain"], {"plain": True}),
        (["--rates", "0.5"], {"rates": (0.5,)}),
        (["--rates", "1", "0.25"], {"rates": (1, 0.25)}),
        (["--also", "a=b c", "--also", "3"], {"also": ("a=b c", "3")}),
        (["--name", "7"], {"name": "7"}),
        (["--steps", "0"], {"steps": 0}),
    ],
)
def test_what_is_given_is_what_is_meant(words: list[str], meant: dict[str, Any]) -> None:
    assert values_from(*words) == meant
    wishes = Wishes(**meant)
    assert all(getattr(wishes, name) == value for name, value in meant.items())


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--bars", "8.5"], "bars to be a whole number from 1 to 128; got 8.5"),
        (["--bars", "[1]"], "bars to be a whole number"),
        (["--bars", "true"], "bars to be a whole number"),
        (["--top-p", "NaN"], "top_p to be a number above 0 and at most 1"),
        (["--way", "no"], "way to be meta or gatys; got 'no'"),
        (["--rates", "1", "x"], "rates to be a list of numbers; got 'x'"),
        (["--steps", "-1"], "steps to be a whole number from 0 up"),
    ],
)
def test_what_means_nothing_is_refused_with_the_name_and_what_was_expected(words: list[str], reason: str) -> None:
    with pytest.raises(UserError) as caught:
        Wishes(**values_from(*words))
    assert reason in str(caught.value)


def test_the_help_has_range_unit_and_default() -> None:
    helps = {name: help_of(field) for name, field in described(Wishes).items()}
    assert helps["bars"] == "length; from 1 to 128 bars (16)"
    assert helps["top_p"] == "share of 100 %%; above 0 and at most 1 (0.9)", "argparse takes %% for a per cent sign"
    assert helps["way"] == "how (meta)"
    assert helps["plain"] == "without more"
    assert helps["rates"] == "tried (0.1 0.2)"
    assert helps["also"] == "more (none)"
    assert helps["steps"] == "taken; from 0 up (as trained)"
