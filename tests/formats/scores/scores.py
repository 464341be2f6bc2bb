"""Scores to test with."""

from __future__ import annotations

import symusic
from hypothesis import strategies as st

from tests.formats.scores.readers import of_score

Mark = tuple[int, int, int]


def score_of(
    notes: list[tuple[int, int, int]], marks: list[Mark] | None = None, *, clock: int = 480, drums: bool = False
) -> symusic.Score:
    """A score of (start, length, pitch) and time signatures, in ticks."""
    score = symusic.Score(clock)
    track = symusic.Track(program=40, is_drum=drums)
    for start, length, pitch in notes:
        track.notes.append(symusic.Note(start, length, pitch, 64))
    score.tracks.append(track)
    for tick, numerator, denominator in marks or []:
        score.time_signatures.append(symusic.TimeSignature(tick, numerator, denominator))
    return score


def marks_of(score: symusic.Score) -> list[Mark]:
    return [(mark.time, mark.numerator, mark.denominator) for mark in score.time_signatures]


def times(score: symusic.Score) -> list[tuple[int, int, int]]:
    """(start, end, pitch)."""
    return [row[:3] for row in of_score(score)]


@st.composite
def scores(draw: st.DrawFn) -> symusic.Score:
    """Any score that `read_midi` might give: several tracks, any clock, time signatures anywhere."""
    score = symusic.Score(draw(st.sampled_from([24, 96, 480, 1000, 32767])))
    quarter = score.ticks_per_quarter
    time = st.one_of(st.integers(0, 12 * quarter), st.integers(0, 48).map(lambda step: step * quarter // 4))
    row = st.tuples(time, st.one_of(st.just(0), time), st.integers(0, 127))
    for number, notes in enumerate(draw(st.lists(st.lists(row, max_size=25), min_size=1, max_size=3))):
        track = symusic.Track(program=number, is_drum=False)
        for start, length, pitch in notes:
            track.notes.append(symusic.Note(start, length, pitch, 90))
        score.tracks.append(track)
    score.tracks[0].notes.append(symusic.Note(draw(time), quarter, draw(st.integers(0, 127)), 90))
    marks = st.tuples(time, st.integers(1, 20), st.sampled_from([1, 2, 4, 8, 16, 32]))
    for tick, numerator, denominator in draw(st.lists(marks, max_size=3)):
        score.time_signatures.append(symusic.TimeSignature(tick, numerator, denominator))
    return score
