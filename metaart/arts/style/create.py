"""Redraw photographs: by a network that was adapted, or by pixels that are optimised anew."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from metaart.artists.art import Made, Request
from metaart.artists.run import Run
from metaart.artists.works import Work
from metaart.arts.style import MAX_SIDE, StyleOptions
from metaart.arts.style.finish import finished
from metaart.arts.style.gatys import GatysConfig, gatys
from metaart.arts.style.tiling import stylised
from metaart.domains.style.domain import StyleDomain
from metaart.domains.style.frames import to_pixels, to_tensor
from metaart.domains.style.measures import StyleReader, in_colours_of
from metaart.domains.style.objective import Objective, ObjectiveConfig
from metaart.formats.pictures.read import Pixels, read_picture, write_png

GATYS_SIDE = 512
"""Longest side at which the classical way works, px, where none is given: its cost grows with the area."""


def create(run: Run | None, requests: Sequence[Request]) -> list[Made]:
    """A PNG of each photograph in the hand of its artist; without a run, by pixels in the hand of the works."""
    made = []
    for request in requests:
        asked: StyleOptions = request.options
        work = request.files["photograph"]
        photograph = read_picture(work.data, name=work.name, max_side=asked.side)
        if run is None:
            drawn, number = by_pixels(photograph, request.works, asked), len(request.works)
        else:
            drawn, number = by_network(run, request, photograph), request.artist.num_works
        made.append(Made(write_png(drawn), f"in the hand of {number} examples"))
    return made


@torch.no_grad()
def by_network(run: Run, request: Request, pixels: Pixels) -> Pixels:
    """A photograph redrawn by an adapted network, in single precision."""
    assert isinstance(run.domain, StyleDomain)
    predict, statistics = run.predict(run.params(request.artist)), request.artist.beside["statistics"]
    photograph = in_colours_of(to_tensor(pixels)[None], statistics[None])[0]
    drawn = to_pixels(stylised(predict, photograph, statistics, blocks=run.domain.config.blocks))
    asked: StyleOptions = request.options
    return finished(pixels, drawn, strength=asked.strength, keep_colour=asked.keep_colour)


def by_pixels(pixels: Pixels, works: Sequence[Work], asked: StyleOptions) -> Pixels:
    """A photograph whose pixels are optimised; several pictures count as one style, the mean of what they have."""
    # The longest side stands for none asked for, as the two cannot be told apart: then this method has its own.
    side = min(asked.side, GATYS_SIDE) if asked.side == MAX_SIDE else asked.side
    objective, statistics, grams = style_of(tuple(works), side, asked.loss_network or ObjectiveConfig().loss_network)
    # By way of a file, so that it is scaled down exactly as the style pictures are.
    small = read_picture(write_png(pixels), max_side=side)
    photograph, config = to_tensor(small)[None], GatysConfig(steps=asked.steps or GatysConfig().steps)
    # Whoever creates may have switched gradients off; here they are the method.
    with torch.enable_grad():
        drawn = gatys(objective, photograph, grams, config, in_colours_of(photograph, statistics))
    return finished(small, to_pixels(drawn[0]), strength=asked.strength, keep_colour=asked.keep_colour)


@lru_cache(maxsize=1)
@torch.no_grad()
def style_of(works: tuple[Work, ...], side: int, loss_network: str) -> tuple[Objective, Tensor, dict[str, Tensor]]:
    """The network that measures, and the mean statistics and Gram matrices of the works; kept for the next photograph.

    The works are read with a longest side of at most ``side`` px.
    """
    objective = Objective(ObjectiveConfig(loss_network=loss_network))
    pictures = [to_tensor(read_picture(work.data, name=work.name, max_side=side))[None] for work in works]
    reader = StyleReader(objective)
    statistics = torch.stack([reader.style(picture)[0] for picture in pictures]).mean(0)
    grams = [objective.of_style(picture) for picture in pictures]
    # Means of Gram matrices, not of pictures: of several textures the mean still is one, and of pictures it is a blur.
    return objective, statistics, {tap: torch.stack([gram[tap] for gram in grams]).mean(0) for tap in grams[0]}
