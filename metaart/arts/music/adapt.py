"""MIDI files by one hand as what a run of music is adapted to."""

from __future__ import annotations

from collections.abc import Sequence

from metaart.artists.artist import Support
from metaart.artists.run import Run
from metaart.artists.works import Work
from metaart.domains.base import Domain
from metaart.domains.music.domain import MusicDomain
from metaart.errors import UserError
from metaart.formats.scores.canonical import canonical
from metaart.formats.scores.midi import read_midi
from metaart.formats.scores.tokens import Tokens, encode_canonical
from metaart.sequences.windows import window, windows_of

WINDOWS_PER_WORK = 4
"""Parts of a work that are adapted to, at most: its beginning, and more from bar lines."""


def read(domain: Domain, work: Work) -> Tokens:
    """A MIDI file as BOS, its tokens, EOS: (time,) uint16.

    Raises:
        UserError: it cannot be used; the error has its name.
    """
    assert isinstance(domain, MusicDomain)
    score = canonical(read_midi(work.data, name=work.name), name=work.name)
    return encode_canonical(domain.tokenizer, score)


def support(domain: Domain, pieces: Sequence[Tokens], works: Sequence[Work]) -> Support:  # noqa: ARG001
    """{"tokens": (windows, max_tokens)}: of each piece its beginning, and more windows from bar lines."""
    assert isinstance(domain, MusicDomain)
    length, bar = domain.config.max_tokens, domain.vocabulary.bar
    parts = [part for piece in pieces for part in windows_of(piece, length, bar, WINDOWS_PER_WORK)]
    return Support({"tokens": window(parts, length)})


def music_of(run: Run) -> MusicDomain:
    """The domain of a run that must be one of music.

    Raises:
        UserError: it is of another art.
    """
    if not isinstance(run.domain, MusicDomain):
        raise UserError(
            expected="a run of music",
            got=f"{run.folder}, a run of {run.config.recipe}",
            fix="Give a run of `metaart train music`.",
        )
    return run.domain
