"""New hands: pictures in styles that nobody has, made from the pictures there are, so that no task is met twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from metaart.domains.style.frames import scaled, square
from metaart.formats.pictures.read import Pixels
from metaart.options import option, options

Floats = NDArray[np.float64]
TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
"""Red, green, blue to luma and two axes of colour (NTSC)."""

MAX_STROKES = 1500
"""Of a painted picture: more take longer to draw than the networks take to look."""


@options(section="domain.new_styles")
class NewStyles:
    """Which task augmentation is on; each part is drawn once for a task."""

    colour: bool = option(default=True, help="turn the hues, mix the channels, invert, change contrast and saturation")
    cut: bool = option(default=True, help="take a part of the picture, mirrored or not")
    paint: float = option(
        default=0.5, ge=0, le=1,
        help="share of tasks whose pictures are painted over with strokes of one length, width and direction field",
    )  # fmt: skip
    photographs: bool = option(
        default=True, help="let each photograph be a hand too: painted over, it is one more way to paint"
    )


@dataclass(frozen=True)
class Palette:
    """An affine map of colours: x A + b, on values from 0 to 1."""

    matrix: Floats
    offset: Floats

    def of(self, pixels: Pixels) -> Pixels:
        """Pixels in other colours, clipped."""
        values = pixels.reshape(-1, 3) / 255 @ self.matrix + self.offset
        return (values.clip(0, 1) * 255).round().astype(np.uint8).reshape(pixels.shape)


@dataclass(frozen=True)
class Strokes:
    """How a picture is painted over.

    Attributes:
        length: of a stroke, as a share of the picture's side.
        width: of a stroke, likewise.
        turns: how often the direction turns across the picture.
        angle: where directions start, radians.
        along_edges: follow the picture's edges instead of a field of their own.
        jitter: deviation of a stroke's lightness, from 0 to 1.
    """

    length: float
    width: float
    turns: float
    angle: float
    along_edges: bool
    jitter: float


def draw_palette(rng: np.random.Generator) -> Palette:
    """Colours of a new hand: a turn of hue, maybe swapped channels or a negative, other contrast and saturation."""
    turn, saturation = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.5)
    # In YIQ a turn of hue leaves luma alone, and saturation is the length of what is turned.
    cosine, sine = saturation * np.cos(turn), saturation * np.sin(turn)
    hue = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    matrix = (np.linalg.inv(TO_YIQ) @ hue @ TO_YIQ).T
    if rng.random() < 0.3:
        matrix = matrix[:, rng.permutation(3)]
    contrast = rng.uniform(0.6, 1.2) * (-1 if rng.random() < 0.2 else 1)
    centre = rng.uniform(0.4, 0.6)
    # Middle grey goes to the centre, near the middle of the range, whatever the contrast: a negative stays in it too.
    return Palette(matrix * contrast, np.full(3, centre) - np.full(3, 0.5) @ (matrix * contrast))


def draw_strokes(rng: np.random.Generator) -> Strokes:
    """A way of painting."""
    width = float(np.exp(rng.uniform(np.log(0.01), np.log(0.06))))
    return Strokes(
        length=width * float(np.exp(rng.uniform(0, np.log(10)))),
        width=width,
        turns=float(rng.uniform(0, 3)),
        angle=float(rng.uniform(0, np.pi)),
        along_edges=bool(rng.random() < 0.5),
        jitter=float(rng.uniform(0, 0.25)),
    )


def painted(pixels: Pixels, strokes: Strokes, rng: np.random.Generator) -> Pixels:
    """A picture painted over with strokes of its own colours, in the manner of Haeberli 1990."""
    height, width, _ = pixels.shape
    side = min(height, width)
    # As fine as a stroke is wide: neither the colours of strokes nor the gaps between them show finer detail.
    grain = max(round(1 / strokes.width), 4)
    blurred = scaled(scaled(pixels, max(height * grain // side, 2), max(width * grain // side, 2)), height, width)
    thick, half = max(round(strokes.width * side), 1), strokes.length * side / 2
    # Strokes of this length and width cover every place twice on average.
    count = min(int(2 * height * width / (thick * max(2 * half, thick))), MAX_STROKES)
    y, x = rng.integers(height, size=count), rng.integers(width, size=count)
    # One draw for all three channels: a stroke is lighter or darker, not of another hue.
    colours = blurred[y, x] / 255 + rng.normal(0, strokes.jitter, (count, 1))
    directions = _directions(blurred, strokes)[y, x]
    across, down = np.cos(directions) * half, np.sin(directions) * half
    ends = np.stack([x - across, y - down, x + across, y + down], -1)
    image = Image.fromarray(blurred)
    pencil = ImageDraw.Draw(image)
    for line, colour in zip(ends.tolist(), (colours.clip(0, 1) * 255).astype(np.uint8).tolist(), strict=True):
        pencil.line(line, fill=tuple(colour), width=thick)
    return np.asarray(image, dtype=np.uint8)


def new_style(
    pixels: Pixels, size: int, new: NewStyles, palette: Palette | None, strokes: Strokes | None,
    rng: np.random.Generator,
) -> Pixels:  # fmt: skip
    """A style picture in the variation of a task, (size, size, 3).

    Args:
        pixels: uint8 (height, width, 3).
        size: side, px.
        new: which parts are on.
        palette: of the task; the picture's own if None.
        strokes: of the task; none if None.
        rng: draws the cut and where strokes fall.
    """
    cut = square(pixels, size, rng if new.cut else None, closest=0.4)
    if strokes is not None:
        cut = painted(cut, strokes, rng)
    return cut if palette is None else palette.of(cut)


def _directions(pixels: Pixels, strokes: Strokes) -> Floats:
    """The angle of a stroke at each place, (height, width), radians."""
    height, width, _ = pixels.shape
    if strokes.along_edges:
        down, across = np.gradient(pixels.mean(-1))
        # Lightness rises across an edge; a quarter turn on, the stroke runs along it.
        edges: Floats = np.arctan2(down, across) + np.pi / 2
        return edges
    rows, columns = np.mgrid[:height, :width]
    field: Floats = strokes.angle + strokes.turns * (np.sin(rows / height * 4) + np.cos(columns / width * 4))
    return field
