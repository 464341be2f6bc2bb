"""New hands: random maps of the tokens that turn one hand's works into the works of a hand nobody has heard."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from metaart.formats.scores.canonical import HIGHEST_PITCH, LOWEST_PITCH
from metaart.formats.scores.tokens import Vocabulary
from metaart.options import option, options


@options(section="domain.new_hands")
class NewTunes:
    """The parts of task augmentation, each of which can be switched off."""

    transpose: bool = option(default=True, help="move every pitch by the same -6 to 6 semitones")
    mode: bool = option(default=True, help="move one to four pitch classes by a semitone")
    invert: bool = option(default=True, help="turn the tune upside down, half the time")
    time: bool = option(default=True, help="half or double all times, each a quarter of the time")
    durations: bool = option(default=True, help="exchange two of the common note lengths, half the time")
    plain_share: float = option(default=1 / 3, ge=0, le=1, help="share of the draws that are only transposed")


_AXIS = 66
"""MIDI pitch that an inversion leaves where it is, near the middle of what is sung and played."""


class DrawnHand(NamedTuple):
    """One new hand: a map from token to token, (vocabulary,), and the time scale (0.5, 1 or 2) of the scores."""

    token_map: NDArray[Any]
    time_scale: float


def draw_hand(parts: NewTunes, vocabulary: Vocabulary, rng: np.random.Generator) -> DrawnHand:
    """Draw a new hand; every work of a task goes through the same one."""
    pitches = np.arange(LOWEST_PITCH, HIGHEST_PITCH + 1)
    moved = pitches.copy()
    time_scale, lengths = 1.0, None
    if rng.random() >= parts.plain_share:
        if parts.mode:
            # Whole pitch classes move, in every octave alike, so that a scale becomes another scale.
            shift = np.zeros(12, dtype=np.int64)
            classes = rng.choice(12, size=rng.integers(1, 5), replace=False)
            shift[classes] = rng.choice([-1, 1], size=len(classes))
            moved = moved + shift[moved % 12]
        if parts.invert and rng.random() < 0.5:
            moved = 2 * _AXIS - moved
        if parts.time:
            time_scale = float(rng.choice([0.5, 1.0, 1.0, 2.0]))
        if parts.durations and rng.random() < 0.5:
            lengths = rng.choice(np.array([0.5, 1.0, 1.5, 2.0, 3.0, 4.0]), size=2, replace=False)
    if parts.transpose:
        moved = moved + rng.integers(-6, 7)
    # What left the keyboard comes back an octave further in. That is always enough: an inversion leads out by 3
    # semitones at most, a mode by 1 and a transposition by 6.
    moved = np.where(moved < LOWEST_PITCH, moved + 12, moved)
    moved = np.where(moved > HIGHEST_PITCH, moved - 12, moved)
    token_map = np.arange(vocabulary.size)
    token_map[vocabulary.pitch_ids] = vocabulary.pitch_ids[moved - LOWEST_PITCH]
    if lengths is not None:
        # The same beats in every time signature: a token's length is in beats, whatever a beat is there.
        first, second = (vocabulary.id["Duration", float(length)] for length in lengths)
        token_map[[first, second]] = [second, first]
    return DrawnHand(token_map, time_scale)
