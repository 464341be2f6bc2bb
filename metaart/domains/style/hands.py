"""Artists and their pictures, from which the tasks of style are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from metaart.data.works import Recent
from metaart.domains.base import Hand
from metaart.domains.style.frames import square
from metaart.domains.style.measures import StyleReader, examples_of
from metaart.domains.style.new_styles import NewStyles, Palette, Strokes, draw_palette, draw_strokes, new_style
from metaart.formats.pictures.read import Pixels
from metaart.tasks import Examples


class HasPixels(Protocol):
    """A stored picture."""

    def pixels(self) -> Pixels:
        """uint8 (height, width, 3)."""


class DecodedPhotographs(Sequence[Pixels]):
    """Stored photographs, decoded; those used last stay so."""

    def __init__(self, works: Sequence[HasPixels]) -> None:
        self._works, self._recent = works, Recent()

    def __len__(self) -> int:
        return len(self._works)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return DecodedPhotographs(self._works[index])
        index = range(len(self))[index]
        return self._recent.find(index, lambda: self._works[index].pixels())


@dataclass(frozen=True, eq=False)
class Shown:
    """A photograph in the place of an artist's picture."""

    photographs: Sequence[Pixels]
    index: int

    def pixels(self) -> Pixels:
        """As it is."""
        return self.photographs[self.index]


class StyleHand(Hand):
    """One artist. A work to learn from is a photograph beside one of the artist's pictures.

    Where the artist has several pictures, a task takes up to `most_pictures` of them and deals them out: so a
    query photograph may be judged by another picture than the support photographs were.

    Args:
        name: of the artist.
        pictures: the artist's.
        photographs: what is redrawn; as many works as there are of them.
        reader: measures both.
        new_styles: task augmentation.
        size: of the squares, px.
        most_pictures: of the artist in one task.
        varied: whether tasks are varied.
    """

    def __init__(
        self,
        name: str,
        pictures: Sequence[HasPixels],
        photographs: Sequence[Pixels],
        reader: StyleReader,
        new_styles: NewStyles,
        size: int,
        most_pictures: int,
        varied: bool,
    ) -> None:
        self.name, self.num_works = name, len(photographs)
        self._pictures, self._photographs = pictures, photographs
        self._reader, self._varied = reader, varied
        self._new, self._size, self._most_pictures = new_styles, size, most_pictures

    def examples(self, works: Sequence[int], variation: np.random.Generator) -> Examples:
        """{"photograph": (works, 3, size, size) from 0 to 1, "statistics": of the style, and what is wanted by tap}."""
        if not works:  # the support set of pooled training: nothing to measure
            return self._reader.nothing(self._size)
        size, new = self._size, self._new
        palette: Palette | None = None
        strokes: Strokes | None = None
        chosen = list(range(len(self._pictures)))
        if self._varied:
            # All draws are made whatever is switched on, so that switching one off leaves the others as they are.
            drawn_palette, drawn_strokes = draw_palette(variation), draw_strokes(variation)
            palette = drawn_palette if new.colour and variation.random() < 0.8 else None
            strokes = drawn_strokes if variation.random() < new.paint else None
            # Support and query draw from the same seed: the same pictures for both, and other photographs.
            chosen = [int(index) for index in variation.permutation(len(self._pictures))]
            chosen = chosen[: int(variation.integers(1, self._most_pictures + 1))]
        chosen = chosen[: self._most_pictures]
        pixels = [self._pictures[index].pixels() for index in chosen]
        if self._varied:
            squares = [new_style(picture, size, new, palette, strokes, variation) for picture in pixels]
        else:
            squares = [square(picture, size) for picture in pixels]
        photographs = [
            square(self._photographs[work], size, variation if self._varied else None, closest=0.4) for work in works
        ]
        return examples_of(self._reader, squares, photographs, [work % len(squares) for work in works])


def quarters(pixels: Pixels) -> list[Pixels]:
    """The four overlapping corners of a picture, each three quarters as high and wide."""
    height, width, _ = pixels.shape
    high, wide = height * 3 // 4, width * 3 // 4
    return [pixels[top : top + high, left : left + wide] for top in (0, height - high) for left in (0, width - wide)]
