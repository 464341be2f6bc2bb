"""Compose in the hand of a few pieces, from files to files; and draw pieces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from metaart.artists.run import Creator, check_steps
from metaart.arts.music.compose import ComposeRequest
from metaart.domains.music.domain import Music
from metaart.errors import UserError
from metaart.files import read_file, write_file
from metaart.formats.scores.midi import read_midi
from metaart.formats.scores.piano_roll import piano_rolls


def music_of(creator: Creator, *, fix: str, expected: str = "a run of music") -> Music:
    """The domain of a run that must be one of music.

    Raises:
        UserError: it is of another art.
    """
    if not isinstance(creator.domain, Music):
        raise UserError(expected=expected, got=f"{creator.run}, a run of {creator.config.recipe}", fix=fix)
    return creator.domain


def create_music(
    *,
    examples: Sequence[Path],
    out: Path,
    run: Path | None = None,
    primer: Path | None = None,
    picture: Path | None = None,
    steps: int | None = None,
    bars: int = 16,
    temperature: float = 0.9,
    top_p: float = 0.95,
    seed: int = 1,
) -> str:
    """Read MIDI files, compose in their hand, write a MIDI file and, if asked, a piano roll; say so in a line.

    Raises:
        UserError: files or numbers that cannot be used.
    """
    ComposeRequest(bars, temperature, top_p, seed)
    check_steps(steps)
    files = [read_file(path) for path in examples]
    creator = Creator(run)
    domain = music_of(creator, fix="Give --run of `metaart train music`, or leave it out.")
    support = domain.read(files, [str(path) for path in examples])
    opening = () if primer is None else domain.primer(read_file(primer), bars=bars, name=str(primer))
    request = ComposeRequest(bars, temperature, top_p, seed, opening)
    (midi,) = creator.render([creator.adapt(support, steps)], [request])
    write_file(out, midi)
    written = str(out)
    if picture is not None:
        rolls = {f"example: {examples[0].name}": read_midi(files[0]), f"new: {out.name}": read_midi(midi)}
        write_file(picture, piano_rolls(rolls))
        written += f" and {picture}"
    return f"{written}: {bars} bars in the hand of {len(files)} examples (seed {seed})"


def draw(files: Sequence[Path], out: Path) -> None:
    """Draw MIDI files as piano rolls, one below the other, on common axes.

    Raises:
        UserError: a file that cannot be read.
    """
    write_file(out, piano_rolls({str(path): read_midi(read_file(path), name=str(path)) for path in files}))
