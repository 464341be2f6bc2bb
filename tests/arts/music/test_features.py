import math
from pathlib import Path

import numpy as np
import pytest
import symusic

from metaart.arts.music.features import Features, copy_rate, features, grams, total_variation, upper_line
from metaart.data.shards import Dataset
from metaart.formats.scores.canonical import canonical
from metaart.formats.scores.midi import read_midi


def score_of(notes: list[tuple[int, int, int]], numerator: int = 4, denominator: int = 4) -> symusic.Score:
    """A score of (start, length, pitch) rows in quarters."""
    score = symusic.Score(24)
    track = symusic.Track()
    for start, length, pitch in notes:
        track.notes.append(symusic.Note(int(24 * start), int(24 * length), pitch, 90))
    score.tracks.append(track)
    score.time_signatures.append(symusic.TimeSignature(0, numerator, denominator))
    return score


@pytest.mark.filterwarnings("ignore")
def test_scalars_are_those_of_muspy_on_real_music(music_data: Path, tmp_path: Path) -> None:
    import muspy

    dataset = Dataset.open(music_data)
    compared = 0
    for group in [name for names in dataset.splits.values() for name in names]:
        for work in dataset.works(group)[:4]:
            score = canonical(read_midi(work.midi))
            signature = score.time_signatures[0]
            music = muspy.Music(
                resolution=24,
                tracks=[
                    muspy.Track(
                        notes=[
                            muspy.Note(int(n.time), int(n.pitch), int(n.duration), 90) for n in score.tracks[0].notes
                        ]
                    )
                ],
            )
            bar = 96 * signature.numerator // signature.denominator
            expected = [
                muspy.pitch_class_entropy(music),
                muspy.scale_consistency(music),
                muspy.groove_consistency(music, bar),
            ]
            np.testing.assert_allclose(features(score).scalars, expected, rtol=1e-12)
            compared += 1
    assert compared >= 20


def test_histograms_of_a_known_tune() -> None:
    tune = score_of([(0, 1, 60), (1, 1, 62), (2, 2, 59), (4, 0.5, 59), (4.5, 4, 83)])
    measured = features(tune)
    intervals = {step - 12: share for step, share in enumerate(measured.intervals) if share}
    assert intervals == {2: 0.25, -3: 0.25, 0: 0.25, 12: 0.25}, "a leap of two octaves is counted with the octaves"
    durations = {(step - 6) / 2: share for step, share in enumerate(measured.durations) if share}
    assert durations == {0: 0.4, 1: 0.2, -1: 0.2, 2: 0.2}, "in octaves around the quarter"


def test_features_do_not_depend_on_key_or_resolution() -> None:
    notes = [(0, 1, 60), (1, 0.5, 64), (1.5, 0.5, 67), (2, 2, 65), (4, 3, 62), (7, 1, 60)]
    here = features(score_of(notes))
    there = features(score_of([(start, length, pitch + 5) for start, length, pitch in notes]))
    finer = features(score_of(notes).resample(480))
    for other in (there, finer):
        np.testing.assert_allclose(here.intervals, other.intervals)
        np.testing.assert_allclose(here.durations, other.durations)
        np.testing.assert_allclose(here.scalars[:2], other.scalars[:2])


def test_groove_is_no_number_below_two_bars() -> None:
    assert math.isnan(features(score_of([(0, 1, 60)])).scalars[2])
    assert not math.isnan(features(score_of([(0, 1, 60), (4, 1, 60)])).scalars[2])


def test_the_upper_line_takes_the_highest_note_of_each_onset_and_leaves_drums_out() -> None:
    score = score_of([(0, 1, 60), (0, 2, 67), (1, 1, 64), (1, 1, 52)])
    drums = symusic.Track(is_drum=True)
    drums.notes.append(symusic.Note(0, 24, 100, 90))
    score.tracks.append(drums)
    assert upper_line(score).tolist() == [[0, 48, 67], [24, 24, 64]]


def scale(pitches: list[int], length: float = 1) -> symusic.Score:
    return score_of([(index * length, length, pitch) for index, pitch in enumerate(pitches)])  # type: ignore[misc]


def test_copy_rate_of_a_copy_is_one_in_any_key_and_of_something_else_zero() -> None:
    melody = [60, 62, 64, 65, 67, 69, 71, 72, 71, 67, 64, 60, 62, 60]
    piece, transposed = grams(scale(melody)), grams(scale([pitch + 3 for pitch in melody]))
    assert len(piece) == len(melody) - 1 - 7
    assert copy_rate(piece, [transposed]) == 1
    assert copy_rate(piece, [grams(scale(melody[::-1]))]) == 0
    assert copy_rate(piece, [grams(scale(melody, length=0.5))]) == 0, "the same notes in another rhythm are no copy"
    assert copy_rate(piece, []) == 0


def test_copy_rate_counts_the_runs_that_stand_in_any_example() -> None:
    half = [60, 62, 64, 65, 67, 69, 71, 72, 74]
    piece = grams(scale([*half, 61, 60]))
    assert len(piece) == 3
    assert copy_rate(piece, [[], grams(scale(half))]) == pytest.approx(1 / 3)


def test_too_short_a_piece_has_no_copy_rate() -> None:
    assert grams(scale([60, 62, 64])) == []
    assert math.isnan(copy_rate([], [grams(scale(list(range(60, 72))))]))


def test_total_variation_is_zero_for_equal_and_one_for_disjoint_shares() -> None:
    one, other = np.array([0.5, 0.5, 0, 0]), np.array([0, 0, 0.25, 0.75])
    assert total_variation(one, one) == 0
    assert total_variation(one, other) == 1
    assert total_variation(one, np.array([0.25, 0.75, 0, 0])) == pytest.approx(0.25)


def test_a_piece_of_one_note_has_features() -> None:
    measured = features(score_of([(0, 1, 60)]))
    assert isinstance(measured, Features)
    assert measured.intervals.sum() == 0
    assert measured.durations.sum() == 1
