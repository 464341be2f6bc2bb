"""What is searched: a small grammar of ranges and choices, read by ourselves; nothing in it is ever executed."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from metaart.errors import UserError

EXAMPLE = "For example: --space 'alpha=loguniform(1e-3,1)' --space 'steps=choice(1,3,5)'"
_LONGEST, _MOST_CHOICES = 2000, 100
_WRITTEN = re.compile(r"\s*([A-Za-z_][\w.]*)\s*=\s*(\w+)\s*\((.*)\)\s*", re.DOTALL)

Point = dict[str, str]
"""One place in a space: the key of each setting, and its value as `--set` takes it."""


@dataclass(frozen=True)
class Range:
    """Numbers between two ends, both included.

    Attributes:
        key: of the setting.
        low: the lowest.
        high: the highest, above `low`.
        log: searched evenly in the logarithm.
        step: distance of the values from `low` on; 0 takes every number between.
    """

    key: str
    low: float
    high: float
    log: bool = False
    step: float = 0.0

    @property
    def size(self) -> int | None:
        """How many values there are; None where every number between the ends is one."""
        # A hair more: 0.3 / 0.1 is 2.9999999999999996.
        return math.floor((self.high - self.low) / self.step + 1e-9) + 1 if self.step else None

    def at(self, position: float) -> str:
        """The value at a position from 0 (the lowest) to 1 (the highest)."""
        # Position 1 belongs to the last value, not to one beyond it.
        if self.step and not self.log:
            number = self.low + self.step * min(int(position * self._count), self._count - 1)
        elif self.step:  # each value has the positions that round to it
            number = _between(max(self.low - 0.5, 0.5), self.high + 0.5, position, log=True)
            number = min(max(self.low, round(number)), self.high)
        else:
            number = self.rounded(_between(self.low, self.high, position, self.log))
        return written(number)

    def rounded(self, number: float) -> float:
        """A number of the range with the first four digits that differ in it: tables stay readable."""
        # Ends that share their first digits differ in later ones, and as many more are written.
        digits = 4 + max(0, round(math.log10(max(abs(self.low), abs(self.high)) / (self.high - self.low))))
        return min(max(self.low, float(f"{number:.{digits}g}")), self.high)

    def spread(self, count: int) -> list[str]:
        """At most `count` values, evenly spread, both ends among them; the middle where there is room for one alone."""
        if self.size is not None and self.size <= count:
            return [written(self.low + self.step * index) for index in range(self.size)]
        if count == 1:
            return [self.at(0.5)]
        positions = [index / (count - 1) for index in range(count)]
        if not self.step:
            return [written(self.low), *(self.at(position) for position in positions[1:-1]), written(self.high)]
        values = [
            _between(self.low, self.low + self.step * (self._count - 1), position, self.log) for position in positions
        ]
        # Moved to the nearest step; in a logarithm several may meet there, and count once.
        on_steps = [self.low + self.step * round((value - self.low) / self.step) for value in values]
        return list(dict.fromkeys(written(value) for value in on_steps))

    @property
    def probes(self) -> list[str]:
        """The lowest and the highest value, and one between where there are fractions, which a setting may refuse."""
        if self.size is None:
            # Not the middle, which is a whole number sooner: that of 1 and 3 is one.
            return [written(self.low), self.at(0.37), written(self.high)]
        return [written(self.low), written(self.low + self.step * (self.size - 1))]

    @property
    def _count(self) -> int:
        assert self.size is not None
        return self.size


@dataclass(frozen=True)
class Choice:
    """One of several values, without an order."""

    key: str
    values: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many values there are."""
        return len(self.values)

    def at(self, position: float) -> str:
        """The value at a position from 0 to 1."""
        return self.values[min(int(position * len(self.values)), len(self.values) - 1)]

    def spread(self, count: int) -> list[str]:  # noqa: ARG002
        """All values: none lies between others, so none can be left out."""
        return list(self.values)

    @property
    def probes(self) -> list[str]:
        """All values."""
        return list(self.values)


Parameter = Range | Choice


def parse(text: str) -> Parameter:
    """Read `NAME=KIND(...)`.

    Kinds: uniform(low,high), loguniform(low,high), quniform(low,high,step), randint(low,high) and lograndint(low,high)
    (whole numbers, both ends included), choice(value,value,...) with values as `--set` takes them.

    Raises:
        UserError: another shape or kind, no numbers, a range that is reversed or, for a logarithm, not above 0.
    """
    match = _WRITTEN.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        shown = repr(text if len(text) <= 80 else text[:80] + "...")
        raise UserError(expected="a space NAME=KIND(...)", got=shown, fix=EXAMPLE)
    key, kind, inside = match.groups()
    arguments = _arguments(inside, text)
    if kind == "choice":
        return _choice(key, arguments, text)
    wanted = {"uniform": 2, "loguniform": 2, "quniform": 3, "randint": 2, "lograndint": 2}
    if kind not in wanted:
        raise UserError(
            expected=f"a space of one of the kinds choice, {', '.join(wanted)}", got=repr(text.strip()), fix=EXAMPLE
        )
    if len(arguments) != wanted[kind]:
        parts = "low,high,step" if kind == "quniform" else "low,high"
        raise UserError(expected=f"{kind}({parts})", got=repr(text.strip()), fix=EXAMPLE)
    numbers = [_number(argument, text) for argument in arguments]
    return _range(key, kind, numbers, text)


def written(number: float) -> str:
    """A number as `--set` takes it: whole ones without a point, others so that they are read back equal."""
    return str(int(number)) if float(number).is_integer() and abs(number) < 2**53 else f"{number:.15g}"


def corners(space: Sequence[Parameter], most: int = 64) -> list[Point]:
    """Points that hold every probe of every parameter: all combinations, or where they are too many one by one."""
    combinations: list[Point] = [{}]
    for parameter in space:
        combinations = [{**point, parameter.key: value} for value in parameter.probes for point in combinations]
        # One by one each probe is still tried, if not beside every other.
        if len(combinations) > most:
            middle = {parameter.key: parameter.at(0.5) for parameter in space}
            return [{**middle, parameter.key: value} for parameter in space for value in parameter.probes]
    return combinations


def grid(space: Sequence[Parameter], most: int) -> list[Point]:
    """An even grid of at most `most` points: all choices, and as many values of each range as there is room for.

    Raises:
        UserError: the choices alone are more.
    """
    choices = math.prod(parameter.size for parameter in space if isinstance(parameter, Choice))
    if choices > most:
        raise UserError(
            expected=f"as many trials as the {choices} combinations of the choices",
            got=f"a grid of {most} trials",
            fix=f"Use --trials {choices} or more, fewer choices, or --searcher tpe.",
        )
    counts = _counts([parameter for parameter in space if isinstance(parameter, Range)], most // choices)
    points: list[Point] = [{}]
    for parameter in space:
        values = parameter.spread(counts.get(parameter.key, 0))
        points = [{**point, parameter.key: value} for point in points for value in values]
    return points


def _counts(ranges: Sequence[Range], room: int) -> dict[str, int]:
    """Values for each range: one more in turn, the first named first, while their product fits."""
    counts = {parameter.key: 1 for parameter in ranges}
    growing = list(ranges)
    # In turn, so that no range has two values more than another that could still grow.
    while growing:
        for parameter in list(growing):
            more = {**counts, parameter.key: counts[parameter.key] + 1}
            full = parameter.size is not None and counts[parameter.key] >= parameter.size
            if full or math.prod(more.values()) > room:
                growing.remove(parameter)
            else:
                counts = more
    return counts


def _between(low: float, high: float, position: float, log: bool) -> float:
    if log:
        return math.exp(math.log(low) + position * (math.log(high) - math.log(low)))
    return low + position * (high - low)


def _arguments(inside: str, text: str) -> list[str]:
    """What stands between commas, those inside square brackets apart."""
    found, depth = [""], 0
    for letter in inside:
        # Parentheses and nested lists mean nothing here, so they are refused before anything is split.
        depth += {"[": 1, "]": -1}.get(letter, 0)
        if letter in "()" or depth not in (0, 1):
            raise UserError(expected="a space NAME=KIND(...)", got=repr(text.strip()), fix=EXAMPLE)
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    found = [argument.strip() for argument in found]
    if depth or not all(found):
        raise UserError(expected="values between the commas of a space", got=repr(text.strip()), fix=EXAMPLE)
    return found


def _choice(key: str, values: list[str], text: str) -> Choice:
    if len(set(values)) != len(values) or len(values) > _MOST_CHOICES:
        raise UserError(
            expected=f"at most {_MOST_CHOICES} different values to choose from",
            got=repr(text.strip())[:120],
            fix=EXAMPLE,
        )
    return Choice(key, tuple(values))


def _range(key: str, kind: str, numbers: list[float], text: str) -> Range:
    low, high = numbers[:2]
    if low >= high:
        raise UserError(
            expected=f"{key} from a lower to a higher end",
            got=repr(text.strip()),
            fix=f"Use {kind}({written(high)},{written(low)}...)."
            if low > high
            else f"To fix it: --set {key}={written(low)}",
        )
    log = kind in ("loguniform", "lograndint")
    if log and low <= 0:
        raise UserError(expected=f"ends above 0 for {kind}", got=repr(text.strip()), fix=EXAMPLE)
    if kind in ("randint", "lograndint"):
        if not (low.is_integer() and high.is_integer()):
            raise UserError(expected=f"whole numbers for {kind}", got=repr(text.strip()), fix=EXAMPLE)
        return Range(key, low, high, log=log, step=1.0)
    step = numbers[2] if kind == "quniform" else 0.0
    if kind == "quniform" and not 0 < step <= high - low:
        raise UserError(expected="a step above 0 that fits into the range", got=repr(text.strip()), fix=EXAMPLE)
    return Range(key, low, high, log=log, step=step)


def _number(argument: str, text: str) -> float:
    try:
        number = float(argument)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UserError(expected="finite numbers as ends of a range", got=repr(text.strip()), fix=EXAMPLE)
    return number
