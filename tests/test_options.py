"""What a text or JSON says for a field, and what of it is taken."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.errors import UserError
from metaart.options import described, from_plain, from_text, option, options


@options()
class Paths:
    path: Path = option(help="where it is")
    other: Path | None = option(default=None, usual="nowhere", help="where else it is")


@pytest.mark.parametrize("text", ["music", "a folder/b", "1234", "null", "true", '["a"]', "-x"])
@pytest.mark.parametrize("name", ["path", "other"])
def test_a_text_is_a_path_whatever_it_looks_like(name: str, text: str) -> None:
    assert from_text(Paths, name, text) == Path(text)
    values = Paths(**{"path": Path("first"), name: from_text(Paths, name, text)})
    assert getattr(values, name) == Path(text)


def test_a_path_in_json_is_a_text() -> None:
    assert from_plain(Paths, {"path": "a/b"}) == Paths(path=Path("a/b"))


@pytest.mark.parametrize("wrong", [3, True, ["a"], None])
def test_what_is_no_path_is_refused(wrong: object) -> None:
    with pytest.raises(UserError, match="expected path to be a path; got"):
        from_plain(Paths, {"path": wrong})


def test_a_path_that_must_be_given_says_what_it_is() -> None:
    with pytest.raises(UserError, match=r"expected path to be given \(where it is\)"):
        Paths()  # type: ignore[call-arg]
    assert [field.default for field in described(Paths).values()] == [..., None]


@options()
class Inner:
    size: int = option(default=3, ge=0, help="within")


@options()
class Everything:
    """A field of every kind."""

    whole: int = option(default=16, ge=1, le=128, help="a length")
    eights: int = option(default=8, ge=8, multiple_of=8, help="a side")
    share: float = option(default=0.5, gt=0, lt=1, help="a share")
    number: float = option(default=1.0, help="any number")
    maybe: int | None = option(default=None, ge=0, help="a number or none")
    switch: bool = option(default=False, help="on or off")
    text: str = option(default="", help="any text")
    words: str | None = option(default=None, help="a text or none")
    way: Literal["meta", "gatys"] = option(default="meta", help="one of two")
    order: Literal[1, 2] = option(default=1, help="first or second")
    listed: str = option(default="sgd", choices=("sgd", "adam"), help="one of a registry")
    path: Path = option(default=Path("data"), help="a path")
    rates: tuple[float, ...] = option(default=(), help="numbers")
    sizes: tuple[int, ...] = option(default=(), help="whole numbers")
    names: tuple[str, ...] = option(default=(), help="texts")
    inner: Inner = option(default=Inner(), help="values of its own")


def is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def is_list(value: object, of: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and all(map(of, value))


MEANT: dict[str, Callable[[Any], bool]] = {
    "whole": lambda value: type(value) is int and 1 <= value <= 128,
    "eights": lambda value: type(value) is int and value >= 8 and value % 8 == 0,
    "share": lambda value: is_number(value) and 0 < value < 1,
    "number": is_number,
    "maybe": lambda value: value is None or (type(value) is int and value >= 0),
    "switch": lambda value: type(value) is bool,
    "text": lambda value: type(value) is str,
    "words": lambda value: value is None or type(value) is str,
    "way": lambda value: value in ("meta", "gatys"),
    "order": lambda value: value in (1, 2),  # 1.0 and true are 1, and end as it
    "listed": lambda value: value in ("sgd", "adam"),
    "path": lambda value: type(value) is str,
    "rates": lambda value: is_list(value, is_number),
    "sizes": lambda value: is_list(value, lambda entry: type(entry) is int),
    "names": lambda value: is_list(value, lambda entry: type(entry) is str),
    "inner": lambda value: isinstance(value, dict) and set(value) <= {"size"}
    and all(type(size) is int and size >= 0 for size in value.values()),
}  # fmt: skip
"""Which JSON values each field takes, written down a second time."""

finite = st.floats(allow_nan=False, allow_infinity=False)
everything = st.builds(
    Everything,
    whole=st.integers(1, 128),
    eights=st.integers(1, 2**40).map(lambda number: 8 * number),
    share=st.floats(0, 1, exclude_min=True, exclude_max=True),
    number=finite,
    maybe=st.none() | st.integers(0),
    switch=st.booleans(),
    text=st.text(),
    words=st.none() | st.text(),
    way=st.sampled_from(["meta", "gatys"]),
    order=st.sampled_from([1, 2]),
    listed=st.sampled_from(["sgd", "adam"]),
    path=st.text().map(Path),
    rates=st.lists(finite).map(tuple),
    sizes=st.lists(st.integers()).map(tuple),
    names=st.lists(st.text()).map(tuple),
    inner=st.builds(Inner, size=st.integers(0)),
)
scalars = st.none() | st.booleans() | st.integers() | st.integers(-2, 130) | st.floats() | st.floats(-1, 2) | st.text()
near = st.sampled_from(
    ["meta", "gatys", "sgd", "adam", "META", 1.0, 8.0, 128.0, "1", "true", {"size": 0}, {"size": -1}]
)
plain_values = near | st.recursive(
    scalars,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text() | st.just("size"), inside),
    max_leaves=8,
)


def plain(values: Any) -> dict[str, Any]:
    """As a JSON file holds them: lists for tuples, texts for paths."""
    content: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(values), default=str))
    return content


def made(make: Callable[[], Everything]) -> Everything | UserError:
    """What comes of it; any other error goes on."""
    try:
        return make()
    except UserError as error:
        return error


@given(everything)
@settings(deadline=None)
def test_what_goes_through_json_comes_back(values: Everything) -> None:
    assert from_plain(Everything, plain(values)) == values


@pytest.mark.parametrize("name", MEANT)
def test_a_value_is_taken_where_it_is_meant_and_else_refused_by_name(name: str) -> None:
    @given(plain_values)
    @settings(deadline=None, max_examples=60)
    def check(value: Any) -> None:
        result = made(lambda: from_plain(Everything, {name: value}))
        assert isinstance(result, Everything) == MEANT[name](value)
        if isinstance(result, UserError):
            assert result.expected.startswith((f"{name} to be ", f"{name}.size to be ", f"one of the keys {name}."))
        else:
            meant = {"size": 3} | value if name == "inner" else str(Path(value)) if name == "path" else value
            assert plain(result)[name] == meant

    check()


@given(st.sampled_from(list(MEANT)), plain_values)
@settings(deadline=None, max_examples=300)
def test_python_code_is_refused_by_name_as_well(name: str, value: Any) -> None:
    result = made(lambda: Everything(**{name: value}))
    if isinstance(result, UserError):
        assert result.expected.startswith(f"{name} to be ")
    else:
        assert MEANT[name](value)
        assert getattr(result, name) == value


@given(st.text().filter(lambda name: name not in MEANT), plain_values)
@settings(deadline=None)
def test_a_name_that_there_is_not_is_refused_with_those_that_there_are(name: str, value: Any) -> None:
    with pytest.raises(UserError, match="one of the keys whole, eights, share") as caught:
        from_plain(Everything, {"whole": 3, name: value})
    assert caught.value.got.startswith("the unknown key ")


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ({"size": -1}, "inner.size to be a whole number from 0 up"),
        ({"size": None}, "inner.size to be a whole number from 0 up"),
        ({"sides": 1}, "one of the keys inner.size"),
        ([3], "inner to be Inner"),
    ],
)
def test_what_is_wrong_within_is_refused_by_its_full_name(inner: Any, expected: str) -> None:
    with pytest.raises(UserError) as caught:
        from_plain(Everything, {"inner": inner})
    assert caught.value.expected == expected


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_is_finite(value: float) -> None:
    for make in (lambda: Everything(number=value), lambda: from_plain(Everything, {"number": value}),
                 lambda: from_plain(Everything, {"rates": [value]})):  # fmt: skip
        assert isinstance(made(make), UserError)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [np.int64(3), {1}, 3j, b"3", Path("3"), 10**5000, nested(500), nested(100_000), "\ud800"],
    ids=["numpy", "set", "complex", "bytes", "path", "huge", "deep", "deeper", "surrogate"],
)  # fmt: skip
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(UserError, match="whole"):
        from_plain(Everything, {"whole": value})


@given(everything)
@settings(deadline=None)
def test_the_text_of_a_value_is_that_value(values: Everything) -> None:
    for name in ("whole", "eights", "share", "number", "switch", "way", "order", "listed", "text", "path"):
        value = getattr(values, name)
        again = from_text(Everything, name, str(value))
        assert (again, type(again)) == (value, type(value))


@given(
    st.sampled_from(list(MEANT)), st.text() | plain_values.map(json.dumps) | st.sampled_from(["[" * 9999, "9" * 9999])
)
@settings(deadline=None, max_examples=300)
def test_any_text_is_a_value_or_refused_by_name(name: str, text: str) -> None:
    result = made(lambda: Everything(**{name: from_text(Everything, name, text)}))
    if isinstance(result, UserError):
        assert result.expected.startswith(f"{name} to be ")
