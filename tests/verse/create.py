"""Verses of exactly the asked number of letters, drawn side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metaart.artists.art import Made, Request
from metaart.artists.run import Run
from metaart.sequences.grammar import Bools, Ints
from metaart.sequences.sampling import Drawing, draw
from tests.verse.medium import LETTERS


class VerseGrammar:
    """So many letters, no two spaces on end and none at an end."""

    def __init__(self, lengths: Sequence[int]) -> None:
        self._left, self._last = np.array(lengths), np.full(len(lengths), 1)

    @property
    def ended(self) -> Bools:
        """Which verses have all their letters."""
        return self._left < 0

    def allowed(self) -> Bools:
        """Letters; spaces between them; the end where nothing is left."""
        allowed = np.zeros((len(self._left), len(LETTERS)), dtype=np.bool_)
        allowed[:, 3:] = (self._left > 0)[:, None]
        allowed[:, 2] = (self._left > 1) & (self._last > 2)
        allowed[:, 1], allowed[:, 0] = self._left == 0, self._left < 0
        return allowed

    def advance(self, tokens: Ints) -> None:
        """One letter of each verse."""
        self._left, self._last = self._left - 1, tokens


def create(run: Run, requests: Sequence[Request]) -> list[Made]:
    """A text file for each request."""
    asked = [request.options for request in requests]
    verses = draw(
        run.together([request.artist for request in requests]),
        VerseGrammar([options.letters for options in asked]),
        [Drawing(seed=options.seed) for options in asked],
        begin=1,
        pad=0,
    )
    return [
        Made(
            "".join(LETTERS[letter] for letter in verse[1:-1]).encode() + b"\n",
            f"{options.letters} letters (seed {options.seed})",
            facts={"Seed": str(options.seed)},
        )
        for verse, options in zip(verses, asked, strict=True)
    ]
