"""Works by made hands, and what a run judges by them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from metaart.artists.art import Made, Request
from metaart.artists.artist import Artist
from metaart.artists.run import Run
from metaart.artists.works import Work
from metaart.formats.pictures.read import write_png
from tests.formats.pictures.drawings import drawing


def picture(hand: int, work: int) -> bytes:
    return write_png(drawing(hand, work, 24))


OF_HANDS = [Work(f"{hand}/{work}", picture(hand, work), hand=f"hand {hand}") for hand in range(3) for work in range(4)]
RATED = [Work(f"{work}.png", picture(1, work), score=work + 2) for work in range(6)]


def judged_by(run: Run, artist: Artist, work: bytes, extras: Sequence[str] = ()) -> Made:
    """What an artist judges of a work."""
    use = run.art.use("judge")
    assert use is not None
    request = Request([artist], use.options(), {"work": Work("it", work)}, frozenset(extras))
    (made,) = run.make(use, [request])
    return made


def judged(run: Run, work: bytes, works: Sequence[Work], extras: Sequence[str] = ()) -> Made:
    """What a run judges of a work by works."""
    return judged_by(run, run.adapt_works(works), work, extras)


def plain(made: Made) -> dict[str, Any]:
    """A judgement as JSON has it."""
    found: dict[str, Any] = json.loads(made.data)
    return found


def write_hands(folder: Path) -> Path:
    """FOLDER/hand/work.png of the works of hands."""
    for work in OF_HANDS:
        (folder / work.hand).mkdir(parents=True, exist_ok=True)
        (folder / work.hand / f"{work.name[-1]}.png").write_bytes(work.data)
    return folder


def write_ratings(folder: Path) -> Path:
    """FOLDER/scores.csv of the rated works, beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    for work in RATED:
        (folder / work.name).write_bytes(work.data)
    lines = [f"{work.name},{work.score}\n" for work in RATED]
    (folder / "scores.csv").write_text("file,score\n" + "".join(lines))
    return folder / "scores.csv"
