"""Tokens of finished pieces to scores: what is composed becomes a score that lasts as long as its bars do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import symusic
from numpy.typing import NDArray

from metaart.formats.scores.canonical import Notes, bar_ticks, build
from metaart.formats.scores.tokens import Vocabulary

Ints = NDArray[np.int64]


def score_of(tokens: Sequence[int], vocabulary: Vocabulary) -> symusic.Score:
    """The score that the tokens of a finished piece say, and that lasts as long as its bars do.

    A pitch that is struck again ends there, nothing sounds beyond the last bar line, and the notes struck last are
    held up to it. `tokens.decode` is MidiTok's way, which ends with the last note instead.

    Args:
        tokens: BOS, the piece, EOS, under the grammar.
        vocabulary: of the tokens.

    Returns:
        A score as `canonical` builds it, in canonical ticks.
    """
    notes: list[tuple[int, int, int]] = []
    signatures: list[tuple[int, int, int]] = []
    bar_start = bar_end = beat = position = pitch = 0
    for token in tokens:
        kind, value = vocabulary.kind[token], vocabulary.value[token]
        if kind == "TimeSig":
            # Every bar says its time signature, and only there is known how long it is: a bar begins where the one
            # before it ended.
            assert isinstance(value, tuple)
            numerator, denominator = int(value[0]), int(value[1])
            bar_start, bar_end = bar_end, bar_end + bar_ticks(numerator, denominator)
            beat = bar_ticks(1, denominator)
            if not signatures or signatures[-1][1:] != (numerator, denominator):
                signatures.append((bar_start, numerator, denominator))
        elif isinstance(value, tuple) or value is None:
            continue  # bar lines, BOS, EOS
        elif kind == "Position":
            position = bar_start + int(value) * beat // vocabulary.steps_per_beat
        elif kind == "Pitch":
            pitch = int(value)
        else:
            notes.append((position, round(value * beat), pitch))
    return build(_trimmed(np.array(sorted(notes), dtype=np.int64).reshape(-1, 3), bar_end), signatures)


def _trimmed(table: Ints, end: int) -> Notes:
    """Rows of (start, length, pitch) sorted by start, cut where their pitch comes again and at the end."""
    start, length, pitch = table.T
    cut = np.full(len(start), end)
    # In the order of pitch, then start, the next row is where the same pitch is struck again, if it is.
    by_pitch = np.lexsort((start, pitch))
    here, then = by_pitch[:-1], by_pitch[1:]
    again = pitch[here] == pitch[then]
    cut[here[again]] = start[then[again]]
    # Readers take the end of the last note for the end of the piece: held up to the bar line, the piece has its bars.
    stop = np.where(start == start[-1], end, np.minimum(start + length, cut))
    order = np.lexsort((pitch, start))
    return Notes(start[order], (stop - start)[order], pitch[order])
