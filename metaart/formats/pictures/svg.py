"""Drawings in SVG as pictures: a small, closed part of the format, counted before anything is drawn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np

from metaart.errors import TooLarge, UserError, WrongFormat
from metaart.formats.pictures.header import PictureBounds
from metaart.formats.pictures.read import Pixels, read_picture

_SHAPES = {"svg", "g", "defs", "symbol", "use", "title", "desc", "metadata", "style", "switch", "a", "view",
           "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "textPath",
           "clipPath", "mask", "pattern", "marker", "linearGradient", "radialGradient", "stop",
           "filter", "feFlood", "feBlend", "feOffset", "feComposite", "feColorMatrix", "feGaussianBlur", "feMerge",
           "feMergeNode", "animate", "animateTransform", "animateMotion", "mpath", "set"}  # fmt: skip
_REFERENCE = re.compile(r"url\(\s*['\"]?\s*([^'\")]*)")
_NUMBER = re.compile(r"\s*([0-9.eE+-]+)\s*(px|pt|pc|mm|cm|in|)\s*$")
_UNITS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0}
_SVG = "{http://www.w3.org/2000/svg}"
_DROPPED = {f"{_SVG}foreignObject", f"{_SVG}flowRoot"}


@dataclass(frozen=True)
class DrawingBounds:
    """What a drawing may hold at most.

    Attributes:
        max_bytes: size of the file.
        max_drawn: elements, counted again at every place that refers to them.
        max_depth: elements within elements.
        max_ratio: of the longer to the shorter side.
    """

    max_bytes: int = 2 * 2**20
    max_drawn: int = 50_000
    max_depth: int = 64
    max_ratio: int = 16


def rasterise(data: bytes, side: int, *, name: str = "the drawing", bounds: DrawingBounds | None = None) -> Pixels:
    """Draw an SVG over white.

    Nothing outside the file is reached: elements and references that could are refused, as are pictures and scripts
    inside it, entities, and references that make few bytes into many shapes. Foreign objects are passed over; text has
    no fonts and is not drawn.

    Args:
        data: the file, UTF-8.
        side: of the longer side of the picture, px.
        name: what to call it in errors.
        bounds: how much is too much (default: `DrawingBounds()`).

    Returns:
        uint8 (height, width, 3).

    Raises:
        TooLarge: more bytes or shapes than the bounds allow.
        WrongFormat: not SVG, or a part of it that is not read here.
        UserError: too narrow.
    """
    import resvg_py

    bounds = bounds or DrawingBounds()
    if len(data) > bounds.max_bytes:
        raise TooLarge(
            expected=f"a drawing of at most {bounds.max_bytes:,} bytes",
            got=f"{name} of {len(data):,} bytes",
            fix="Simplify it.",
        )
    root = _parse(data, name)
    _check(root, name, bounds)
    width, height = _size(root, name)
    if max(width, height) > bounds.max_ratio * min(width, height):
        raise UserError(
            expected=f"a drawing at most {bounds.max_ratio} times as long as wide",
            got=f"{name} of {width:g} x {height:g}",
            fix="Crop it.",
        )
    scale = side / max(width, height)
    columns, rows = (max(round(length * scale), 1) for length in (width, height))
    # The size that was counted is the size that is drawn, whatever the file asks for.
    root.set("width", str(columns))
    root.set("height", str(rows))
    if root.get("viewBox") is None:
        root.set("viewBox", f"0 0 {width:g} {height:g}")
    try:
        drawn = resvg_py.svg_to_bytes(
            # What was checked is written anew: the bytes that came in never reach the renderer.
            svg_string=ElementTree.tostring(root, encoding="unicode"),
            background="white",
            skip_system_fonts=True,
        )
    except ValueError as error:
        raise _refused(name, f"that cannot be drawn ({' '.join(str(error).split())[:100]})") from error
    return read_picture(drawn, name=name, bounds=PictureBounds(min_side=1, max_ratio=side, max_pixels=side * side))


def on_square(pixels: Pixels, side: int) -> Pixels:
    """A picture no larger than that in the middle of a white square.

    Args:
        pixels: uint8 (height, width, 3), height and width at most `side`.
        side: px.
    """
    square = np.full((side, side, 3), 255, np.uint8)
    height, width = pixels.shape[:2]
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = pixels
    return square


def _parse(data: bytes, name: str) -> ElementTree.Element:
    # Entities multiply (a billion laughs) and fetch files. UTF-16 would hide them, but its letters have zero bytes.
    if b"<!ENTITY" in data or b"<!entity" in data or b"\0" in data:
        raise _refused(name, "that declares entities or is not text")
    try:
        root = ElementTree.fromstring(data)
        if root.tag == "svg":  # the first drawing programs did not name the space
            root = ElementTree.fromstring(data.replace(b"<svg", b'<svg xmlns="http://www.w3.org/2000/svg"', 1))
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise _refused(name, f"that is not XML ({error})") from error
    if root.tag != f"{_SVG}svg":
        raise _refused(name, f"whose root is {root.tag[:60]!r}")
    return root


def _check(root: ElementTree.Element, name: str, bounds: DrawingBounds) -> None:
    """Refuse what is not of the closed part, and drop what other programs left in it."""
    by_id: dict[str, ElementTree.Element] = {}
    pending = [(root, 1)]
    while pending:
        element, depth = pending.pop()
        if depth > bounds.max_depth:
            raise _too_much(name, f"elements within {bounds.max_depth}")
        for child in list(element):
            if not isinstance(child.tag, str) or not child.tag.startswith(_SVG) or child.tag in _DROPPED:
                element.remove(child)  # comments, and what drawing programs keep for themselves
            else:
                pending.append((child, depth + 1))
        if element.tag.removeprefix(_SVG) not in _SHAPES:
            raise _refused(name, f"with <{element.tag.removeprefix(_SVG)[:40]}>, which is not read here")
        if "@import" in (element.text or "") or "@import" in "".join(element.attrib.values()):
            raise _refused(name, "that imports another file")
        by_id.setdefault(element.get("id", ""), element)
    # What refers is counted with what it refers to: ten uses of ten uses of ... make few bytes into many shapes.
    costs: dict[ElementTree.Element, int | None] = {}
    if _cost(root, by_id, costs, name, bounds.max_drawn) > bounds.max_drawn:
        raise _too_much(name, f"{bounds.max_drawn:,} shapes")


def _cost(
    element: ElementTree.Element, by_id: dict[str, ElementTree.Element], costs: dict[ElementTree.Element, int | None],
    name: str, limit: int, depth: int = 0,
) -> int:  # fmt: skip
    """Elements that are drawn for one, all that it refers to included, up to a limit."""
    if element in costs:
        cost = costs[element]
        if cost is None or depth > 400:
            raise _refused(name, "that refers to itself")
        return cost
    costs[element], total = None, 1  # None while it is counted: met again, it refers to itself
    for inner in [*element, *(by_id[key] for key in _references(element, name) if key in by_id)]:
        # Capped, so that the numbers cannot grow exponentially with the references.
        total = min(total + _cost(inner, by_id, costs, name, limit, depth + 1), limit + 1)
    costs[element] = total
    return total


def _references(element: ElementTree.Element, name: str) -> Iterator[str]:
    """The ids an element refers to; a reference to anything but an id is refused."""
    for key, value in element.attrib.items():
        found = [value] if key.rpartition("}")[2] in ("href", "src") else _REFERENCE.findall(value)
        # A link leads a reader away and draws nothing.
        if element.tag == f"{_SVG}a" and key.rpartition("}")[2] == "href":
            continue
        for target in found:
            if target and not target.startswith("#"):
                raise _refused(name, f"that refers to {target[:60]!r}")
            yield target[1:]
    for target in _REFERENCE.findall(element.text or "") if element.tag == f"{_SVG}style" else []:
        if not target.startswith("#"):
            raise _refused(name, f"that refers to {target[:60]!r}")
        yield target[1:]


def _size(root: ElementTree.Element, name: str) -> tuple[float, float]:
    """Width and height by the view box, or else as they are given, px."""
    box = re.split(r"[\s,]+", (root.get("viewBox") or "").strip())
    try:
        if len(box) == 4:
            sides = [float(box[2]), float(box[3])]
        else:
            found = [_NUMBER.match(root.get(key) or "") for key in ("width", "height")]
            sides = [float(match.group(1)) * _UNITS[match.group(2)] for match in found if match]
    except ValueError:
        sides = []
    if len(sides) != 2 or not all(0 < value < 1e6 for value in sides):
        raise _refused(name, "without a size")
    return sides[0], sides[1]


def _refused(name: str, got: str) -> WrongFormat:
    return WrongFormat(
        expected="an SVG drawing of shapes", got=f"{name}, {got}", fix="Save it as plain SVG, or draw it as PNG."
    )


def _too_much(name: str, limit: str) -> TooLarge:
    return TooLarge(expected=f"a drawing of at most {limit}", got=f"{name}, which has more", fix="Simplify it.")
