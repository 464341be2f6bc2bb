"""Style: pictures by one hand and photographs, a network that redraws one like the other, and PNG files."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from torch import Tensor, nn

from metaart.arts.style.finish import Stylisation, finished
from metaart.arts.style.tiling import stylised
from metaart.data.location import Where, absolute
from metaart.data.shards import Dataset
from metaart.data.works import Recent
from metaart.domains.base import Domain, Hand, Split
from metaart.domains.style.frames import square, to_pixels, to_tensor, without_ground
from metaart.domains.style.measures import Reader, examples_of, in_colours_of, shipped_photographs, tried_on, wanted_of
from metaart.domains.style.new_styles import NewStyles, Palette, Strokes, draw_palette, draw_strokes, new_style
from metaart.domains.style.objective import Objective, ObjectiveConfig
from metaart.errors import TooLarge, UserError
from metaart.formats.pictures.read import Pixels, read_picture, write_png
from metaart.networks.stylist import Stylist
from metaart.tasks import Examples

MAX_FILES = 20
SUPPORT_PHOTOGRAPHS = 8
"""Photographs that a user's style pictures are tried on, at least one for each picture."""


@dataclass(frozen=True)
class StyleConfig:
    """How styles are read and learned.

    Attributes:
        size: side of the squares that are trained on, px; a multiple of 8.
        width: channels of the network at full size.
        depth: at a quarter.
        blocks: residual blocks there.
        hidden: width of what predicts the affines from the style.
        conditioned: whether the network is told what the style is like; otherwise its weights alone say it.
        photographs: prepared folder of photographs, or its URL; those that ship with the package if empty.
        pictures: pictures of a hand in one task, at most.
        objective: what is minimised.
        new_styles: task augmentation; each part can be switched.
    """

    size: int = 64
    width: int = 16
    depth: int = 64
    blocks: int = 5
    hidden: int = 96
    conditioned: bool = True
    photographs: str = "data/photographs"
    pictures: int = 2
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    new_styles: NewStyles = field(default_factory=NewStyles)

    def __post_init__(self) -> None:
        if self.size < 16 or self.size % 8:
            raise UserError(
                expected="domain.size to be a multiple of 8, from 16",
                got=str(self.size),
                fix="Use --set domain.size=96.",
            )
        for name in ("width", "depth", "blocks", "hidden", "pictures"):
            if getattr(self, name) < (2 if name == "depth" else 1):
                raise UserError(
                    expected=f"domain.{name} to be a positive number (depth at least 2)",
                    got=str(getattr(self, name)),
                    fix=f"Give another value: --set domain.{name}=...",
                )

    def located(self) -> StyleConfig:
        """The same, its files named so that a process in another folder finds them."""
        kind, mark, path = self.objective.loss_network.partition(":")
        objective = dataclasses.replace(self.objective, loss_network=f"{kind}{mark}{absolute(path)}")
        return dataclasses.replace(self, photographs=absolute(self.photographs), objective=objective)


class HasPixels(Protocol):
    """A stored picture."""

    def pixels(self) -> Pixels:
        """uint8 (height, width, 3)."""


class Photographs(Sequence[Pixels]):
    """Stored photographs, decoded; those used last stay so."""

    def __init__(self, works: Sequence[HasPixels]) -> None:
        self._works, self._recent = works, Recent()

    def __len__(self) -> int:
        return len(self._works)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return Photographs(self._works[place])
        place = range(len(self))[place]
        return self._recent.find(place, lambda: self._works[place].pixels())


@dataclass(frozen=True, eq=False)
class Shown:
    """A photograph in the place of an artist's picture."""

    photographs: Sequence[Pixels]
    place: int

    def pixels(self) -> Pixels:
        """As it is."""
        return self.photographs[self.place]


class StyleHand(Hand):
    """One artist. A work to learn from is a photograph beside one of the artist's pictures.

    Where the artist has several pictures, a task takes up to `StyleConfig.pictures` of them and deals them out: so a
    query photograph may be judged by another picture than the support photographs were.

    Args:
        name: of the artist.
        pictures: the artist's.
        photographs: what is redrawn; as many works as there are of them.
        reader: measures both.
        config: of the domain.
        varied: whether tasks are varied.
    """

    def __init__(
        self,
        name: str,
        pictures: Sequence[HasPixels],
        photographs: Sequence[Pixels],
        reader: Reader,
        config: StyleConfig,
        varied: bool,
    ) -> None:
        self.name, self.num_works = name, len(photographs)
        self._pictures, self._photographs = pictures, photographs
        self._reader, self._config, self._varied = reader, config, varied

    def examples(self, works: Sequence[int], variation: np.random.Generator) -> Examples:
        """{"photograph": (works, 3, size, size) from 0 to 1, "statistics": of the style, and what is wanted by tap}."""
        if not works:  # the support set of pooled training: nothing to measure
            return self._reader.nothing(self._config.size)
        size, new = self._config.size, self._config.new_styles
        palette: Palette | None = None
        strokes: Strokes | None = None
        chosen = list(range(len(self._pictures)))
        if self._varied:
            # All draws are made whatever is switched on, so that switching one off leaves the others as they are.
            drawn_palette, drawn_strokes = draw_palette(variation), draw_strokes(variation)
            palette = drawn_palette if new.colour and variation.random() < 0.8 else None
            strokes = drawn_strokes if variation.random() < new.paint else None
            chosen = [int(place) for place in variation.permutation(len(self._pictures))]
            chosen = chosen[: int(variation.integers(1, self._config.pictures + 1))]
        chosen = chosen[: self._config.pictures]
        pixels = [self._pictures[place].pixels() for place in chosen]
        if self._varied:
            squares = [new_style(picture, size, new, palette, strokes, variation) for picture in pixels]
        else:
            squares = [square(picture, size) for picture in pixels]
        photographs = [
            square(self._photographs[work], size, variation if self._varied else None, closest=0.4) for work in works
        ]
        return examples_of(self._reader, squares, photographs, [work % len(squares) for work in works])


class Style(Domain):
    """Redraw photographs in the hand of a few pictures; the loss is that of `Objective`.

    Views: `all` is the whole objective; its unit has no dimension: every part is relative to what is wanted.
    """

    unit = "perceptual loss"

    def __init__(self, config: StyleConfig = StyleConfig()) -> None:
        self.config = config
        self.objective = Objective(config.objective)
        self.reader = Reader(self.objective)

    def hands(self, data: Where | None, split: Split, *, varied: bool) -> list[Hand]:
        """The groups of a prepared folder that are mostly in colour, each beside the photographs of the split."""
        dataset = Dataset.open(data, medium="pictures")
        photographs = self.photographs(split)
        artists: dict[str, Sequence[HasPixels]] = {
            group: dataset.works(group)
            for group in dataset.groups(split)
            if dataset.about(group)["colour_share"] >= 0.5
        }
        if varied and self.config.new_styles.photographs:
            artists |= {f"a photograph ({place + 1})": [Shown(photographs, place)] for place in range(len(photographs))}
        return [
            StyleHand(name, pictures, photographs, self.reader, self.config, varied)
            for name, pictures in artists.items()
        ]

    def photographs(self, split: Split) -> Sequence[Pixels]:
        """The photographs of a split; those that ship, in parts, where no folder is set."""
        if not self.config.photographs:
            return [part for pixels in shipped_photographs() for part in quarters(pixels)]
        dataset = Dataset.open(self.config.photographs, medium="pictures")
        return Photographs(dataset.works(*dataset.groups(split)))

    def learner(self) -> nn.Module:
        """The image transformation network."""
        config = self.config
        told = self.reader.num_statistics if config.conditioned else 0
        return Stylist(config.width, config.depth, config.blocks, told, config.hidden)

    def loss(self, predict: Callable[..., Any], examples: Examples) -> Tensor:
        """The mean objective of the redrawn photographs."""
        pictures = predict(examples["photograph"], examples["statistics"])
        return self.objective.parts(pictures, wanted_of(examples)).total.mean()

    def read(self, files: Sequence[bytes], names: Sequence[str] = ()) -> Examples:
        """PNG, JPEG or WebP files of one hand, to be tried on the photographs that ship."""
        if not 1 <= len(files) <= MAX_FILES:
            kind = TooLarge if files else UserError
            raise kind(
                expected=f"1 to {MAX_FILES} pictures as examples",
                got=str(len(files)),
                fix="Give one to five pictures by one hand.",
            )
        named = zip(names or [f"example {place}" for place in range(1, len(files) + 1)], files, strict=True)
        pictures = [without_ground(read_picture(data, name=name, max_side=1024)) for name, data in named]
        styles = [square(picture, self.config.size) for picture in pictures]
        photographs = [square(pixels, self.config.size) for pixels in tried_on(max(SUPPORT_PHOTOGRAPHS, len(styles)))]
        return examples_of(self.reader, styles, photographs, [work % len(styles) for work in range(len(photographs))])

    def render(self, predict: Callable[..., Any], requests: Sequence[Stylisation]) -> list[bytes]:
        """One PNG file per request."""
        files = []
        for place, request in enumerate(requests):

            def alone(*inputs: Tensor, place: int = place) -> Tensor:
                everywhere = (value[None].expand(len(requests), *value.shape) for value in inputs)
                picture: Tensor = predict(*everywhere)[place]
                return picture

            photograph = in_colours_of(to_tensor(request.photograph)[None], request.statistics[None])[0]
            drawn = stylised(alone, photograph, request.statistics, blocks=self.config.blocks)
            files.append(write_png(finished(request, to_pixels(drawn))))
        return files


def quarters(pixels: Pixels) -> list[Pixels]:
    """The four overlapping corners of a picture, each three quarters as high and wide."""
    height, width, _ = pixels.shape
    high, wide = height * 3 // 4, width * 3 // 4
    return [pixels[top : top + high, left : left + wide] for top in (0, height - high) for left in (0, width - wide)]
