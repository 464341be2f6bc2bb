"""A vocabulary that is not music, to test with: verses of so many lines, each of one or two words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metaart.sequences.grammar import Bools, Ints

PAD, BEGIN, END, LINE, *WORDS = range(7)
SIZE = 7


class Verses:
    """verse = BEGIN (LINE word word?)+ END, with exactly the asked number of lines."""

    def __init__(self, lines: Sequence[int]) -> None:
        self.left = list(lines)
        self.words = [2] * len(self.left)
        self.over = [False] * len(self.left)

    @property
    def ended(self) -> Bools:
        return np.array(self.over)

    def allowed(self) -> Bools:
        return np.array([self.row(index) for index in range(len(self.left))])

    def row(self, index: int) -> list[bool]:
        may = set()
        if self.over[index]:
            may = {PAD}
        else:
            if self.words[index] < 2:
                may |= set(WORDS)
            if self.words[index] > 0:
                may.add(LINE if self.left[index] else END)
        return [token in may for token in range(SIZE)]

    def advance(self, tokens: Ints) -> None:
        for index, token in enumerate(tokens.tolist()):
            if token == LINE:
                self.left[index], self.words[index] = self.left[index] - 1, 0
            elif token in WORDS:
                self.words[index] += 1
            elif token == END:
                self.over[index] = True
