"""What a score is like in numbers that do not depend on its key or length, and what it copies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import symusic
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Gram = tuple[int, ...]

WIDEST_INTERVAL = 12
"""Semitones; wider leaps are counted with these."""

LONGEST_OCTAVE = 3
"""Durations are counted in half octaves around the quarter note, from an eighth of it to eight times it."""

SCALARS = ("pitch_class_entropy", "scale_consistency", "groove_consistency")
HISTOGRAMS = ("intervals", "durations")
_MAJOR = (1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1)
_MINOR = (1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0)
_SCALES = np.array([np.roll(scale, root) for scale in (_MAJOR, _MINOR) for root in range(12)], dtype=np.float64)


@dataclass(frozen=True)
class Features:
    """What `features` measures of one score.

    Attributes:
        scalars: those of `SCALARS`, (3,); not a number where the score is too short to tell.
        intervals: shares of the steps of its upper line from -12 to 12 semitones, (25,).
        durations: shares of its notes' lengths, in half octaves from an eighth of a quarter note up, (13,).
    """

    scalars: Floats
    intervals: Floats
    durations: Floats


def features(score: symusic.Score) -> Features:
    """The features of a score with at least one pitched note; drums do not count."""
    table = _table(score)
    start, length, pitch = table.T
    # Whatever is too wide or too long is counted at the end of its histogram, not left out: shares sum to 1.
    intervals = np.clip(np.diff(upper_line(score)[:, 2]), -WIDEST_INTERVAL, WIDEST_INTERVAL)
    # A note of no ticks has no logarithm; it counts with the shortest.
    octaves = np.log2(np.maximum(length, 1) / score.ticks_per_quarter)
    halves = np.clip(np.rint(2 * octaves), -2 * LONGEST_OCTAVE, 2 * LONGEST_OCTAVE).astype(np.int64)
    return Features(
        np.array([
            pitch_class_entropy(pitch),
            scale_consistency(pitch),
            groove_consistency(start, int((start + length).max()), _bar(score)),
        ]),
        _shares(intervals + WIDEST_INTERVAL, 2 * WIDEST_INTERVAL + 1),
        _shares(halves + 2 * LONGEST_OCTAVE, 4 * LONGEST_OCTAVE + 1),
    )  # fmt: skip


def pitch_class_entropy(pitch: Ints) -> float:
    """Shannon entropy of the pitch classes in bits. Source: Wu & Yang 2020; as in MusPy."""
    shares = _shares(pitch % 12, 12)
    # What is not heard adds nothing: x log x goes to 0 with x.
    heard = shares[shares > 0]
    return float(-(heard * np.log2(heard)).sum())


def scale_consistency(pitch: Ints) -> float:
    """Share of notes in the best of the 24 major and natural minor scales. Source: Mogren 2016; as in MusPy."""
    # Shares of pitch classes against each scale's members at once: one product for all 24.
    return float((_SCALES @ _shares(pitch % 12, 12)).max())


def groove_consistency(start: Ints, end: int, bar: int) -> float:
    """One minus the mean Hamming distance of the onsets of neighbouring bars, per tick of a bar.

    Args:
        start: onsets in ticks.
        end: of the last note; a bar that would begin there counts as an empty one, as in MusPy.
        bar: ticks of a bar, taken to be the same throughout.

    Source: Wu & Yang 2020; as in MusPy. Not a number below two bars.
    """
    bars = end // bar + 1
    if bars < 2:
        return float("nan")
    onsets = np.zeros(bars * bar, dtype=np.bool_)
    onsets[start] = True
    patterns = onsets.reshape(bars, bar)
    return float(1 - np.count_nonzero(patterns[:-1] != patterns[1:]) / (bar * (bars - 1)))


def upper_line(score: symusic.Score) -> Ints:
    """The highest note of each onset: rows of (start, length, pitch), in the order of time."""
    table = _table(score)
    start, length, pitch = table.T
    # By start, then from high to low, then from long to short: the first row of each start is the upper line.
    ordered = table[np.lexsort((-length, -pitch, start))]
    first = np.r_[True, np.diff(ordered[:, 0]) > 0]
    line: Ints = ordered[first]
    return line


def grams(score: symusic.Score, size: int = 8) -> list[Gram]:
    """All runs of `size` (interval, duration) pairs of the upper line, flat; the same in every key.

    A pair is the length of a note in twenty-fourths of a quarter note and the interval to the next one.
    """
    line = upper_line(score)
    ticks = np.rint(line[:-1, 1] * 24 / score.ticks_per_quarter).astype(np.int64)
    pairs = np.stack([np.diff(line[:, 2]), ticks], axis=1)
    if len(pairs) < size:
        return []
    # (runs, pairs of a run, 2): the window comes last of sliding_window_view, and is to come before the pair.
    runs = np.lib.stride_tricks.sliding_window_view(pairs, size, axis=0).transpose(0, 2, 1)
    return [tuple(run) for run in runs.reshape(len(runs), 2 * size).tolist()]


def copy_rate(piece: Sequence[Gram], examples: Iterable[Sequence[Gram]]) -> float:
    """Share of a piece's runs (`grams`) that stand in one of the examples; not a number where it has none."""
    if not piece:
        return float("nan")
    seen = {run for example in examples for run in example}
    return sum(run in seen for run in piece) / len(piece)


def total_variation(one: Floats, other: Floats) -> Floats:
    """Half the sum of absolute differences of shares along the last axis: 0 for equal, 1 for disjoint histograms."""
    distance: Floats = 0.5 * np.abs(one - other).sum(-1)
    return distance


def _table(score: symusic.Score) -> Ints:
    """Rows of (start, length, pitch) of all pitched notes."""
    parts = [track.notes.numpy() for track in score.tracks if not track.is_drum and len(track.notes)]
    columns = [np.concatenate([part[name] for part in parts]) for name in ("time", "duration", "pitch")]
    return np.stack(columns, axis=1).astype(np.int64)


def _bar(score: symusic.Score) -> int:
    """Ticks of the first bar; 4/4 where nothing is said."""
    numerator, denominator = 4, 4
    if len(score.time_signatures):
        first = min(score.time_signatures, key=lambda mark: int(mark.time))
        numerator, denominator = int(first.numerator), int(first.denominator)
    # A time signature from outside may be nonsense: a bar has a tick at least.
    return max(4 * int(score.ticks_per_quarter) * numerator // denominator, 1)


def _shares(values: Ints, size: int) -> Floats:
    """Shares of the values 0 to size - 1; zeros where there are none."""
    counts: Floats = np.bincount(values, minlength=size) / max(len(values), 1)
    return counts
