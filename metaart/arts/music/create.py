"""Compose in the hands of artists; and draw pieces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from metaart.artists.art import Made, Request
from metaart.artists.run import Run
from metaart.arts.music.adapt import music_of, read
from metaart.arts.music.compose import Piece, compose, primer_tokens
from metaart.domains.music.domain import MusicDomain
from metaart.files import read_file, write_file
from metaart.formats.scores.midi import read_midi
from metaart.formats.scores.piano_roll import piano_rolls


def create(run: Run, requests: Sequence[Request]) -> list[Made]:
    """A MIDI file for each request, all composed side by side; if asked, a piano roll beside the first example.

    Raises:
        UserError: a primer that cannot be used.
    """
    domain = music_of(run)
    pieces = [Piece(request.options, _primer(domain, request)) for request in requests]
    files = compose(run.together([request.artist for request in requests]), pieces, domain.vocabulary)
    return [_made(request, data) for request, data in zip(requests, files, strict=True)]


def draw(files: Sequence[Path], out: Path) -> None:
    """Draw MIDI files as piano rolls, one below the other, on common axes.

    Raises:
        UserError: a file that cannot be read.
    """
    write_file(out, piano_rolls({str(path): read_midi(read_file(path), name=str(path)) for path in files}))


def _primer(domain: MusicDomain, request: Request) -> tuple[int, ...]:
    work = request.files.get("primer")
    return () if work is None else primer_tokens(read(domain, work), domain.vocabulary, request.options.bars)


def _made(request: Request, data: bytes) -> Made:
    bars, seed = request.options.bars, request.options.seed
    return Made(
        data,
        f"{bars} bars in the hand of {request.artist.num_works} examples (seed {seed})",
        {"picture": _picture(request, data)} if "picture" in request.extras else {},
        {"Bars": str(bars), "Seed": str(seed)},
        f"metaart-seed{seed}.mid",
    )


def _picture(request: Request, data: bytes) -> bytes:
    """The piano roll of the first example, where there is one, over that of the piece."""
    rolls = {f"example: {Path(work.name).name}": read_midi(work.data) for work in request.works[:1]}
    return piano_rolls({**rolls, f"new: {request.title}" if request.title else "new": read_midi(data)})
