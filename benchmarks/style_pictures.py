"""The pictures of docs/results-style.md: loss networks side by side, artists by photographs, five strengths."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from metaart.artists.art import Request
from metaart.artists.run import Run
from metaart.artists.works import Work
from metaart.arts.style import StyleOptions
from metaart.arts.style.create import by_network
from metaart.arts.style.evaluate import spaced
from metaart.arts.style.gatys import GatysConfig, gatys
from metaart.data.media.pictures import StoredPicture
from metaart.data.shards import Dataset
from metaart.domains.style.domain import StyleDomain
from metaart.domains.style.frames import square, to_pixels, to_tensor
from metaart.domains.style.measures import StyleReader, in_colours_of
from metaart.domains.style.objective import Objective, ObjectiveConfig, Wanted
from metaart.files import write_file
from metaart.formats.pictures.read import Pixels, read_picture, write_png
from metaart.formats.pictures.sheet import contact_sheet

NETWORKS = ("efficientnet", "efficientnet-strided", "random-vgg")
SIDE, STEPS, CELL = 160, 100, 192
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)


def compare_networks(data: Path, photograph: Pixels, out: Path) -> list[dict[str, Any]]:
    """The classical way with each loss network on the same three paintings, as a sheet; losses and seconds of each.

    Every network judges every result, relative to what it says of the photograph itself: so each can be seen to cheat.
    """
    listed = _works(data)
    styles = [square(listed[index].pixels(), SIDE) for index in spaced(len(listed), 3)]
    content = square(photograph, SIDE)
    original = to_tensor(content)[None]
    judges = {name: Objective(ObjectiveConfig(loss_network=name)) for name in NETWORKS}
    rows: list[tuple[str, Sequence[Pixels]]] = [("photograph and styles", [content, *styles])]
    found = []
    for name, objective in judges.items():
        drawn, begun = [], time.process_time()
        for style in styles:
            statistics, _ = StyleReader(objective).style(to_tensor(style)[None])
            wanted, start = objective.of_style(to_tensor(style)[None]), in_colours_of(original, statistics)
            drawn.append(gatys(objective, original, wanted, GatysConfig(steps=STEPS), start))
        seconds = (time.process_time() - begun) / len(styles)
        rows.append((f"{name}, {STEPS} steps", [content, *(to_pixels(picture[0]) for picture in drawn)]))
        judged = {}
        for judge, other in judges.items():
            apart = []
            for style, picture in zip(styles, drawn, strict=True):
                aim = Wanted(other.of_content(original), other.of_style(to_tensor(style)[None]))
                apart.append(float(other.parts(picture, aim).total) / float(other.parts(original, aim).total))
            judged[judge] = sum(apart) / len(apart)
        found.append({"network": name, "seconds": seconds, "judged": judged})
    write_file(out, write_png(contact_sheet(rows, cell=SIDE)))
    return found


def draw_sheet(run: Run, data: Path, out: Path, photographs: int = 4) -> None:
    """The first painting of every artist, and test photographs redrawn like it."""
    shown = photographs_of(run)
    chosen = [_fitted(shown[index]) for index in spaced(len(shown), photographs)]
    rows: list[tuple[str, Sequence[Pixels]]] = [("", [square(chosen[0] * 0 + 255, CELL), *chosen])]
    for name, works in _artists(data).items():
        request = _request(run, works[0], StyleOptions())
        drawn = [by_network(run, request, photograph) for photograph in chosen]
        rows.append((f"{name}: {works[0].title}", [works[0].pixels(), *drawn]))
    write_file(out, write_png(contact_sheet(rows, cell=CELL)))


def draw_strengths(run: Run, data: Path, out: Path) -> None:
    """One photograph in one style at five strengths."""
    works = _artists(data)["Vincent van Gogh"]
    request, photograph = _request(run, works[0], StyleOptions()), _fitted(photographs_of(run)[0])
    wishes = [request._replace(options=StyleOptions(strength=strength)) for strength in STRENGTHS]
    drawn = [by_network(run, wish, photograph) for wish in wishes]
    title = f"Vincent van Gogh: {works[0].title}, strength {', '.join(f'{strength:g}' for strength in STRENGTHS)}"
    write_file(out, write_png(contact_sheet([(title, [works[0].pixels(), *drawn])], cell=CELL)))


def _request(run: Run, work: StoredPicture, options: StyleOptions) -> Request:
    return Request([run.adapt_works([Work(work.title, work.png)])], options)


def _fitted(pixels: Pixels) -> Pixels:
    return read_picture(write_png(pixels), max_side=CELL)


def _works(data: Path) -> Sequence[StoredPicture]:
    dataset = Dataset.open(data, medium="pictures")
    return dataset.works(*dataset.groups("test"))


def _artists(data: Path) -> dict[str, Sequence[StoredPicture]]:
    dataset = Dataset.open(data, medium="pictures")
    return {group: dataset.works(group) for group in dataset.groups("test")}


def photographs_of(run: Run) -> Sequence[Pixels]:
    """The test photographs of a run of style."""
    assert isinstance(run.domain, StyleDomain)
    return run.domain.photographs("test")
