"""Which token may come next, so that whatever is drawn is a score of exactly the asked number of bars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metaart.formats.scores.tokens import Vocabulary
from metaart.sequences.grammar import Bools, Ints

MAX_NOTES_PER_BAR = 64
"""Notes after which a bar takes no more."""

KINDS = ("PAD", "BOS", "EOS", "Bar", "TimeSig", "Position", "Pitch", "Duration")
PAD, BOS, EOS, BAR, TIME_SIGNATURE, POSITION, PITCH, DURATION = range(len(KINDS))
FOLLOWS = {
    PAD: [PAD],
    BOS: [BAR],
    EOS: [PAD],
    BAR: [TIME_SIGNATURE],
    TIME_SIGNATURE: [POSITION, BAR],
    POSITION: [PITCH],
    PITCH: [DURATION],
    DURATION: [PITCH, POSITION, BAR, EOS],
}
"""What may stand after each kind of token, before anything is counted."""


class REMIGrammar:
    """The sentences of REMI as a state machine (a `Grammar`), for several sequences side by side.

        piece = BOS bar+ EOS;  bar = Bar TimeSig chord*;  chord = Position (Pitch Duration)+

    and further: positions lie inside their bar and rise, the pitches of a chord rise, a bar has at most
    `MAX_NOTES_PER_BAR` notes, no two bars on end are empty, and neither the first nor the last one is. `Bar` is
    forbidden once the asked bars have begun, EOS before. There is always a token that may come next, and every
    sequence ends: after at most `bars * (2 + 3 * MAX_NOTES_PER_BAR) + 2` tokens, BOS and EOS among them.

    Args:
        vocabulary: what the tokens mean.
        bars: bars of each sequence, from 1.
    """

    def __init__(self, vocabulary: Vocabulary, bars: Sequence[int]) -> None:
        self._kind = np.array([KINDS.index(str(kind)) for kind in vocabulary.kind])
        self._number = np.array([_number(value) for value in vocabulary.value])
        self._follows = np.array([np.isin(self._kind, FOLLOWS[kind]) for kind in range(len(KINDS))])
        self._bars = np.array(bars, dtype=np.int64)
        size = len(self._bars)
        # What the rules look at, one entry per sequence; -1 stands below every position and every pitch.
        self._last = np.full(size, BOS)
        self._begun = np.zeros(size, dtype=np.int64)
        self._bar_steps = np.zeros(size, dtype=np.int64)
        self._position = np.full(size, -1)
        self._pitch = np.full(size, -1)
        self._notes = np.zeros(size, dtype=np.int64)
        self._after_empty = np.zeros(size, dtype=np.bool_)

    @property
    def ended(self) -> Bools:
        """Which sequences have their EOS, (sequences,)."""
        return np.isin(self._last, (EOS, PAD))

    @property
    def in_last_bar(self) -> Bools:
        """Which sequences have begun their last bar, (sequences,)."""
        return self._begun >= self._bars

    def allowed(self) -> Bools:
        """Which tokens may come next in each sequence, (sequences, vocabulary); padding alone after the end."""
        allowed: Bools = self._follows[self._last].copy()
        last_bar = self.in_last_bar
        room = self._notes < MAX_NOTES_PER_BAR
        # A bar line ends the bar before it: one with notes, or an empty one that is neither the first nor the second
        # on end. The last bar is ended by EOS, which stands after notes alone.
        may_stay_empty = (self._begun > 1) & ~self._after_empty
        bar_line = ~last_bar & ((self._notes > 0) | may_stay_empty)
        bar_line |= self._last == BOS  # nothing is before the first one
        number = self._number
        inside = (number > self._position[:, None]) & (number < self._bar_steps[:, None]) & room[:, None]
        above = (number > self._pitch[:, None]) & room[:, None]
        # Each rule forbids tokens of its own kind and leaves the others alone. Pitches and positions that rise may run
        # out: after a duration a bar line or EOS is left all the same.
        allowed &= (self._kind != BAR) | bar_line[:, None]
        allowed &= (self._kind != EOS) | last_bar[:, None]
        allowed &= (self._kind != POSITION) | inside
        allowed &= (self._kind != PITCH) | above
        return allowed

    def advance(self, tokens: Ints) -> None:
        """Take one token of each sequence, (sequences,); one that is not allowed is taken all the same."""
        kind, number = self._kind[tokens], self._number[tokens]
        bar = kind == BAR
        # Whether the bar that this bar line ends was empty; before the first bar line there is none.
        self._after_empty = np.where(bar, (self._begun > 0) & (self._notes == 0), self._after_empty)
        self._begun += bar
        self._notes = np.where(bar, 0, self._notes + (kind == PITCH))
        self._bar_steps = np.where(kind == TIME_SIGNATURE, number, self._bar_steps)
        self._position = np.where(bar, -1, np.where(kind == POSITION, number, self._position))
        self._pitch = np.where(kind == POSITION, -1, np.where(kind == PITCH, number, self._pitch))
        self._last = kind


def _number(value: object) -> int:
    """The pitch, the position, or the length of a bar in positions; what is not compared is -1."""
    if isinstance(value, tuple):
        return int(value[0]) * Vocabulary.steps_per_beat
    return value if isinstance(value, int) else -1
