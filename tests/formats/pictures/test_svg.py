"""Drawings: what is drawn, and what is refused before it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.errors import TooLarge, UserError, WrongFormat
from metaart.formats.pictures.svg import DrawingBounds, on_square, rasterise

HEAD = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def svg(body: str, box: str = 'viewBox="0 0 16 16"') -> bytes:
    return f"<svg {HEAD} {box}>{body}</svg>".encode()


def test_a_square_lies_where_it_was_drawn() -> None:
    drawn = rasterise(svg('<rect x="4" y="8" width="8" height="4" fill="#f00"/>'), 64)
    wanted = np.full((64, 64, 3), 255)
    wanted[32:48, 16:48] = (255, 0, 0)
    assert np.array_equal(drawn, wanted)


@settings(deadline=None, max_examples=30)
@given(st.floats(0.5, 400), st.floats(0.5, 400), st.integers(16, 80))
def test_the_longer_side_is_as_asked_and_the_shape_kept(width: float, height: float, side: int) -> None:
    data = svg('<rect width="100%" height="100%"/>', f'viewBox="0 0 {width} {height}"')
    if max(width, height) > 16 * min(width, height):
        with pytest.raises(UserError, match="16 times"):
            rasterise(data, side)
        return
    drawn = rasterise(data, side)
    assert max(drawn.shape) == side
    assert min(drawn.shape[:2]) == pytest.approx(max(side * min(width, height) / max(width, height), 1), abs=0.51)


@pytest.mark.parametrize("size", ['width="32" height="16"', 'width="1in" height="48px"', 'width="2cm" height="10mm"'])
def test_a_size_without_a_view_box_counts(size: str) -> None:
    assert rasterise(svg('<circle cx="5" cy="5" r="5"/>', size), 40).shape == (20, 40, 3)


def test_what_is_used_several_times_is_drawn_several_times() -> None:
    body = '<defs><rect id="a" width="4" height="4"/></defs><use href="#a"/><use xlink:href="#a" x="8"/>'
    drawn = rasterise(svg(body), 16)
    assert [int((drawn[:4, left : left + 4] == 0).all()) for left in (0, 4, 8, 12)] == [1, 0, 1, 0]


def test_notes_of_drawing_programs_are_passed_over() -> None:
    notes = '<!-- a --><s:view xmlns:s="urn:s"><s:grid/></s:view>'
    assert (rasterise(svg(f'{notes}<rect width="16" height="16"/>'), 8) == 0).all()


def _nested(levels: int, each: int) -> str:
    body = '<g id="a0"><rect width="1" height="1"/></g>'
    for level in range(levels):
        body += f'<g id="a{level + 1}">' + f'<use href="#a{level}"/>' * each + "</g>"
    return f'<defs>{body}</defs><use href="#a{levels}"/>'


@pytest.mark.parametrize(("data", "kind", "reason"), [
    (b"", WrongFormat, "not XML"),
    (b"la la", WrongFormat, "not XML"),
    (b"<html/>", WrongFormat, "whose root"),
    (b'<!DOCTYPE svg [<!ENTITY a "b">]>' + svg("&a;"), WrongFormat, "entities"),
    (svg("", ""), WrongFormat, "without a size"),
    (svg("", 'viewBox="0 0 a b"'), WrongFormat, "without a size"),
    (svg("", 'viewBox="0 0 inf 9"'), WrongFormat, "without a size"),
    (svg("", 'viewBox="0 0 1 100"'), UserError, "16 times"),
    (svg('<image href="file:///etc/hostname" width="9" height="9"/>'), WrongFormat, "<image>"),
    (svg('<image href="data:image/png;base64,AAAA" width="9" height="9"/>'), WrongFormat, "<image>"),
    (svg("<script>1</script>"), WrongFormat, "<script>"),
    (svg('<filter id="a"><feImage href="#b"/></filter>'), WrongFormat, "<feImage>"),
    (svg('<filter id="a"><feTurbulence numOctaves="99999999"/></filter>'), WrongFormat, "<feTurbulence>"),
    (svg('<use href="other.svg#a"/>'), WrongFormat, "refers to 'other.svg#a'"),
    (svg('<rect fill="url(http://a.b/c)"/>'), WrongFormat, "refers to 'http"),
    (svg('<style>rect{fill:url("x.svg#a")}</style>'), WrongFormat, r"refers to 'x\.svg"),
    (svg('<style>@import "x.css";</style>'), WrongFormat, "imports"),
    (svg('<g id="a"><use href="#a"/></g>'), WrongFormat, "refers to itself"),
    (svg('<pattern id="p"><rect fill="url(#p)"/></pattern>'), WrongFormat, "refers to itself"),
    (svg(_nested(9, 10)), TooLarge, "50,000 shapes"),
    (svg("<g>" * 70 + "</g>" * 70), TooLarge, "elements within 64"),
])  # fmt: skip
def test_what_reaches_out_or_grows_is_refused(data: bytes, kind: type[UserError], reason: str) -> None:
    with pytest.raises(kind, match=reason):
        rasterise(data, 64, name="it")


def test_bytes_are_counted_first() -> None:
    with pytest.raises(TooLarge, match=r"a\.svg of 101 bytes"):
        rasterise(bytes(101), 64, name="a.svg", bounds=DrawingBounds(max_bytes=100))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=3)), max_size=5))
def test_damage_is_refused_or_drawn(damage: list[tuple[int, bytes]]) -> None:
    data = bytearray(svg('<defs><g id="a"><path d="M1 1h9v9z" fill="url(#b)"/></g></defs><use href="#a" x="2"/>'))
    for offset, patch in damage:
        data[offset % len(data) : offset % len(data) + len(patch)] = patch
    try:
        drawn = rasterise(bytes(data), 24)
    except UserError:
        return
    assert max(drawn.shape) == 24


@given(st.integers(1, 20), st.integers(1, 20))
def test_a_picture_lies_in_the_middle_of_its_square(height: int, width: int) -> None:
    square = on_square(np.zeros((height, width, 3), np.uint8), 20)
    rows, columns = np.flatnonzero((square == 0).any((1, 2))), np.flatnonzero((square == 0).any((0, 2)))
    assert (len(rows), len(columns)) == (height, width)
    assert abs(rows[0] - (19 - rows[-1])) <= 1
    assert abs(columns[0] - (19 - columns[-1])) <= 1
