"""Redraw photographs in the hand of a few pictures, from files to files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from metaart.artists.run import Creator, check_steps
from metaart.arts.style.finish import Stylisation, finished
from metaart.arts.style.gatys import GatysConfig, gatys
from metaart.arts.style.tiling import MAX_SIDE, stylised
from metaart.domains.style.domain import Style
from metaart.domains.style.frames import to_pixels, to_tensor
from metaart.domains.style.measures import Reader, in_colours_of
from metaart.domains.style.objective import Objective, ObjectiveConfig
from metaart.errors import UserError
from metaart.files import read_file, write_file
from metaart.formats.pictures.read import Pixels, read_picture, write_png
from metaart.tasks import Params

GATYS_SIDE = 512
"""Longest side at which the classical way works, px, where none is given: its cost grows with the area."""


@dataclass(frozen=True)
class Wish:
    """What is asked for, beside files.

    Attributes:
        strength: from 0, the photograph, to 1, the style.
        keep_colour: take the style's light and dark alone.
        side: longest side of what is written, px; a larger photograph is scaled down to it.
        steps: adaptation steps, or steps of the classical way; what is usual if None.
    """

    strength: float = 1.0
    keep_colour: bool = False
    side: int = MAX_SIDE
    steps: int | None = None

    def __post_init__(self) -> None:
        if not 16 <= self.side <= MAX_SIDE:
            raise UserError(
                expected=f"a side from 16 to {MAX_SIDE} px", got=str(self.side), fix=f"Use --side {MAX_SIDE}."
            )


@dataclass(frozen=True)
class Hand:
    """A style that a run has been adapted to: weights, and what the network is told."""

    params: Params
    statistics: Tensor


Paint = Callable[[Pixels], Pixels]
"""Redraws a photograph."""


def create_style(
    *,
    examples: Sequence[Sequence[Path]],
    photographs: Sequence[Path],
    out: Path,
    wish: Wish = Wish(),
    run: Path | None = None,
    method: str = "meta",
    loss_network: str | None = None,
) -> str:
    """Read pictures of one hand or of several, redraw photographs, write PNG files; say so in a line.

    Args:
        examples: pictures of each hand; several hands are blended in equal parts.
        photographs: what is redrawn.
        out: the PNG file to write, or the folder for several.
        wish: how.
        run: run directory (default: the one that ships).
        method: `meta`, a network that adapts, or `gatys`, pixels that are optimised.
        loss_network: of the classical way, as `ObjectiveConfig.loss_network` (default: that of the recipe).

    Raises:
        UserError: files or numbers that cannot be used.
    """
    check_steps(wish.steps if method == "meta" else None)
    targets = _targets(photographs, out)
    shown = [read_picture(read_file(path, "a photograph"), name=str(path), max_side=wish.side) for path in photographs]
    hands = [[read_file(path, "a picture") for path in paths] for paths in examples]
    names = [[str(path) for path in paths] for paths in examples]
    if method == "meta":
        if loss_network is not None:
            raise UserError(
                expected="--loss-network with --method gatys alone",
                got="--method meta",
                fix="A run has the loss network it was trained with.",
            )
        paint = _with_network(Creator(run, "style"), hands, names, wish)
    else:
        paint = _with_pixels(hands, names, wish, loss_network or ObjectiveConfig().loss_network)
    for pixels, target in zip(shown, targets, strict=True):
        write_file(target, write_png(paint(pixels)))
    where = str(targets[0]) if len(targets) == 1 else f"{len(targets)} pictures in {out}"
    return f"{where}: in the hand of {sum(map(len, examples))} examples"


def adapt_to(creator: Creator, files: Sequence[bytes], names: Sequence[str] = (), steps: int | None = None) -> Hand:
    """Adapt a run to the pictures of one hand.

    Raises:
        UserError: files or steps that cannot be used, or a run of another art.
    """
    support = style_of(creator).read(files, names)
    return Hand(creator.adapt(support, steps), support["statistics"][0])


def blended(hands: Sequence[Hand]) -> Hand:
    """Several hands as one, in equal parts: means of their weights, which all started alike, and of what is told."""
    params = {name: torch.stack([hand.params[name] for hand in hands]).mean(0) for name in hands[0].params}
    return Hand(params, torch.stack([hand.statistics for hand in hands]).mean(0))


def painter(creator: Creator, hand: Hand, wish: Wish = Wish()) -> Paint:
    """What redraws photographs in a hand, in single precision."""
    predict, blocks = creator.predict(hand.params), style_of(creator).config.blocks

    @torch.no_grad()
    def paint(pixels: Pixels) -> Pixels:
        photograph = in_colours_of(to_tensor(pixels)[None], hand.statistics[None])[0]
        drawn = stylised(predict, photograph, hand.statistics, blocks=blocks)
        request = Stylisation(pixels, hand.statistics, wish.strength, wish.keep_colour)
        return finished(request, to_pixels(drawn))

    return paint


def style_of(creator: Creator) -> Style:
    """The domain of a run that must be one of style.

    Raises:
        UserError: it is of another art.
    """
    if not isinstance(creator.domain, Style):
        raise UserError(
            expected="a run of style",
            got=f"{creator.run}, a run of {creator.config.recipe}",
            fix="Give --run of `metaart train style`.",
        )
    return creator.domain


def _with_network(creator: Creator, hands: list[list[bytes]], names: list[list[str]], wish: Wish) -> Paint:
    each = [adapt_to(creator, files, named, wish.steps) for files, named in zip(hands, names, strict=True)]
    return painter(creator, blended(each), wish)


def _with_pixels(hands: list[list[bytes]], names: list[list[str]], wish: Wish, network: str) -> Paint:
    objective = Objective(ObjectiveConfig(loss_network=network))
    reader, config = Reader(objective), GatysConfig(steps=wish.steps or GatysConfig().steps)
    side = min(wish.side, GATYS_SIDE) if wish.side == MAX_SIDE else wish.side
    pictures = [
        to_tensor(read_picture(data, name=name, max_side=side))[None]
        for files, named in zip(hands, names, strict=True)
        for data, name in zip(files, named, strict=True)
    ]
    measured = [reader.style(picture) for picture in pictures]
    statistics = torch.stack([told for told, _ in measured]).mean(0)
    grams = [objective.of_style(picture) for picture in pictures]
    wanted = {tap: torch.stack([gram[tap] for gram in grams]).mean(0) for tap in grams[0]}

    def paint(pixels: Pixels) -> Pixels:
        small = read_picture(write_png(pixels), max_side=side)
        photograph = to_tensor(small)[None]
        start = in_colours_of(photograph, statistics)
        drawn = to_pixels(gatys(objective, photograph, wanted, config, start)[0])
        return finished(Stylisation(small, statistics[0], wish.strength, wish.keep_colour), drawn)

    return paint


def _targets(photographs: Sequence[Path], out: Path) -> list[Path]:
    """The file to write for each photograph."""
    if len(photographs) == 1 and out.suffix.lower() == ".png":
        return [out]
    if out.suffix:
        raise UserError(
            expected="a folder as --out, or one photograph and a file that ends with .png",
            got=f"{out} for {len(photographs)} photographs",
            fix="Use --out pictures",
        )
    stems = [path.stem for path in photographs]
    return [
        out / (f"{stem}.png" if stems.count(stem) == 1 else f"{place:02d}-{stem}.png")
        for place, stem in enumerate(stems, start=1)
    ]
