"""The one form of a score: what it keeps, what it changes, and that doing it twice does nothing more."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import symusic
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.data.shards import Dataset
from metaart.errors import UserError
from metaart.formats.scores.canonical import (
    HIGHEST_PITCH,
    LOWEST_PITCH,
    TICKS_PER_QUARTER,
    bar_ticks,
    canonical,
    duration_steps,
    scaled,
    signature_in_vocabulary,
)
from metaart.formats.scores.midi import read_midi, write_midi
from tests.formats.scores.readers import Row, of_score
from tests.formats.scores.scores import marks_of, score_of, scores, times


@settings(deadline=None, max_examples=120)
@given(scores())
def test_the_canonical_form_of_any_score(score: symusic.Score) -> None:
    once = canonical(score)
    assert of_score(canonical(once)) == of_score(once)
    assert marks_of(canonical(once)) == marks_of(once)
    assert once.ticks_per_quarter == TICKS_PER_QUARTER
    assert len(once.tracks) == 1
    assert [(tempo.time, tempo.qpm) for tempo in once.tempos] == [(0, 120)]
    marks = marks_of(once)
    assert marks[0][0] == 0
    for (tick, *signature), (then, *other) in pairwise(marks):
        assert then > tick
        assert (then - tick) % bar_ticks(*signature) == 0
        assert signature != other
    rows = of_score(once)
    assert rows[0][0] < bar_ticks(*marks[0][1:])
    sounding: dict[int, int] = {}
    for start, end, pitch, velocity in rows:
        step = [1 if denominator == 8 else 2 for tick, _, denominator in marks if tick <= start][-1]
        assert start % step == 0
        assert (end - start) / step in duration_steps()
        assert LOWEST_PITCH <= pitch <= HIGHEST_PITCH
        assert velocity == 100
        assert sounding.get(pitch, 0) <= start
        sounding[pitch] = end
    classes = {note.pitch % 12 for track in score.tracks for note in track.notes}
    assert {row[2] % 12 for row in rows} == classes


def test_real_works_are_canonical_already_and_survive_being_written(music_data: Path) -> None:
    dataset = Dataset.open(music_data)
    works = [work for split in dataset.splits.values() for group in split for work in dataset.works(group)[:4]]
    assert len(works) >= 24
    for work in works:
        score = read_midi(work.midi)
        once = canonical(score)
        assert [tuple(x * 20 for x in row[:2]) + row[2:] for row in of_score(once)] == of_score(score)
        assert of_score(canonical(read_midi(write_midi(once)))) == of_score(once)


def test_pitches_are_folded_by_octaves_into_the_piano() -> None:
    pitches = [0, 11, 20, 21, 60, 108, 109, 120, 127]
    score = score_of([(480 * index, 480, pitch) for index, pitch in enumerate(pitches)])
    folded = [pitch for *_, pitch in times(canonical(score))]
    assert folded == [24, 23, 32, 21, 60, 108, 97, 108, 103]


def test_drums_and_performance_are_dropped_and_voices_merged() -> None:
    score = score_of([(0, 480, 60)])
    score.tracks.append(score_of([(240, 480, 72)]).tracks[0])
    score.tracks.append(score_of([(0, 480, 36)], drums=True).tracks[0])
    score.tempos.append(symusic.Tempo(0, 77))
    assert times(canonical(score)) == [(0, 24, 60), (12, 36, 72)]
    with pytest.raises(UserError, match=r"tune\.mid without any \(drums"):
        canonical(score_of([(0, 480, 36)], drums=True), name="tune.mid")
    with pytest.raises(UserError, match="pitched notes"):
        canonical(symusic.Score(480))


@pytest.mark.parametrize(
    ("played", "written"),
    [(475, 480), (160, 160), (10, 40), (0, 40), (60, 40), (1300, 1320), (7680, 7680), (20000, 7680), (3900, 3840)],
)
def test_lengths_go_to_the_nearest_that_has_a_token(played: int, written: int) -> None:
    ((start, end, _),) = times(canonical(score_of([(0, played, 60)])))
    assert (end - start) * 20 == written


def test_of_equal_pitches_the_longest_stays_and_one_struck_again_ends() -> None:
    score = score_of([(0, 240, 60), (0, 960, 60), (0, 960, 64), (480, 480, 60), (480, 480, 64)])
    assert times(canonical(score)) == [(0, 24, 60), (0, 24, 64), (24, 48, 60), (24, 48, 64)]


@pytest.mark.parametrize(
    ("signature", "written"),
    [((4, 4), (4, 4)), ((2, 2), (4, 4)), ((4, 2), (8, 4)), ((1, 1), (4, 4)), ((6, 8), (6, 8)), ((12, 16), (6, 8)),
     ((2, 8), (4, 4)), ((9, 16), (4, 4)), ((11, 4), (4, 4)), ((3, 2), (6, 4)), ((24, 32), (6, 8))],
)  # fmt: skip
def test_time_signatures_outside_the_vocabulary(signature: tuple[int, int], written: tuple[int, int]) -> None:
    assert signature_in_vocabulary(*signature) == written
    assert marks_of(canonical(score_of([(0, 480, 60)], [(0, *signature)]))) == [(0, *written)]


def test_time_signatures_move_to_the_nearest_bar_line() -> None:
    notes = [(quarter * 480, 480, 60) for quarter in range(20)]
    found = marks_of(canonical(score_of(notes, [(0, 3, 4), (1500, 4, 4), (99999, 2, 4)])))
    assert found == [(0, 3, 4), (72, 4, 4)]


def test_whole_bars_of_silence_at_the_start_are_removed_and_no_others() -> None:
    score = score_of([(3 * 1440 + 480, 480, 60), (9 * 1440, 480, 62)], [(0, 3, 4)])
    assert times(canonical(score)) == [(24, 48, 60), (6 * 72, 6 * 72 + 24, 62)]
    changing = score_of([(2 * 1440, 480, 60)], [(0, 3, 4), (1440, 6, 8), (5 * 1440, 2, 4)])
    assert marks_of(canonical(changing)) == [(0, 6, 8)]


def test_scaled_halves_and_doubles_and_comes_back() -> None:
    whole = canonical(score_of([(0, 480, 60), (480, 960, 62), (1440, 480, 64)], [(0, 4, 4)]))
    half, double = scaled(whole, 0.5), scaled(whole, 2.0)
    assert half is not None
    assert double is not None
    assert times(half) == [(0, 12, 60), (12, 36, 62), (36, 48, 64)]
    assert times(double) == [(0, 48, 60), (48, 144, 62), (144, 192, 64)]
    assert marks_of(half) == marks_of(double) == [(0, 4, 4)]
    back = scaled(double, 0.5)
    assert back is not None
    assert of_score(back) == of_score(whole)


def test_scaled_refuses_what_leaves_the_grid() -> None:
    sixteenths_of_triplets = canonical(score_of([(0, 40, 60), (40, 40, 62)]))
    assert times(sixteenths_of_triplets)[1][0] == 2
    assert scaled(sixteenths_of_triplets, 0.5) is None
    assert scaled(sixteenths_of_triplets, 2.0) is not None


@settings(deadline=None, max_examples=50)
@given(scores(), st.sampled_from([0.5, 2.0]))
def test_a_scaled_score_is_canonical(score: symusic.Score, factor: float) -> None:
    whole = canonical(score)
    other = scaled(whole, factor)
    if other is None:
        assert factor == 0.5
        return
    assert of_score(canonical(other)) == of_score(other)
    starts = np.unique([row[0] for row in of_score(whole)]) * factor
    first = starts[0] - of_score(other)[0][0]
    assert np.array_equal(np.unique([row[0] for row in of_score(other)]), starts - first)


def test_rows_are_in_order_of_start_then_pitch() -> None:
    score = canonical(score_of([(480, 480, 72), (480, 480, 60), (0, 480, 66)]))
    order: list[Row] = [(n.time, n.time + n.duration, n.pitch, n.velocity) for n in score.tracks[0].notes]
    assert (
        order
        == sorted(order, key=lambda row: (row[0], row[2]))
        == [(0, 24, 66, 100), (24, 48, 60, 100), (24, 48, 72, 100)]
    )
