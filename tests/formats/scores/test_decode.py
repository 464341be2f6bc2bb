"""Tokens of finished pieces to scores: as MidiTok decodes them, but for what ends a piece."""

from __future__ import annotations

import symusic
from hypothesis import given, settings

from metaart.formats.scores.canonical import bar_ticks, canonical
from metaart.formats.scores.decode import score_of
from metaart.formats.scores.tokens import Vocabulary, decode, encode, make_tokenizer
from tests.formats.scores.scores import marks_of, scores, times

TOKENIZER = make_tokenizer()
VOCABULARY = Vocabulary.of(TOKENIZER)


def score_from(*words: str) -> symusic.Score:
    """The score of these tokens, by name."""
    return score_of([VOCABULARY.tokens.index(word) for word in words], VOCABULARY)


def end_of(score: symusic.Score) -> int:
    """Where the bar ends in which the last note begins, in ticks."""
    last = max(start for start, _, _ in times(score))
    tick, top, bottom = [mark for mark in marks_of(score) if mark[0] <= last][-1]
    bar = bar_ticks(top, bottom)
    return tick + ((last - tick) // bar + 1) * bar


@settings(deadline=None, max_examples=60)
@given(scores())
def test_a_canonical_score_comes_back_but_for_its_last_bar(score: symusic.Score) -> None:
    once = canonical(score)
    tokens = encode(TOKENIZER, once).tolist()
    ours, theirs = score_of(tokens, VOCABULARY), decode(TOKENIZER, tokens)
    assert marks_of(ours) == marks_of(theirs) == marks_of(once)
    end, last = end_of(once), times(once)[-1][0]
    expected = [(start, end if start == last else min(stop, end), pitch) for start, stop, pitch in times(theirs)]
    assert times(ours) == sorted(expected)


def test_a_piece_lasts_as_long_as_its_bars() -> None:
    first = ("Bar_None", "TimeSig_3/4", "Position_0", "Pitch_60", "Duration_1.0.4")
    second = ("Bar_None", "TimeSig_6/8", "Position_12", "Pitch_62", "Duration_1.0.4", "Pitch_65", "Duration_2.0.4")
    score = score_from("BOS_None", *first, *second, "EOS_None")
    # 3/4 is 72 ticks; an eighth is 12, so position 12 of 6/8 is tick 84, and its bar ends at 144.
    assert times(score) == [(0, 24, 60), (84, 144, 62), (84, 144, 65)]
    assert marks_of(score) == [(0, 3, 4), (72, 6, 8)]


def test_nothing_sounds_beyond_the_last_bar_line_nor_into_its_own_pitch() -> None:
    score = score_from("BOS_None", "Bar_None", "TimeSig_4/4", "Position_0", "Pitch_60", "Duration_8.0.1", "Pitch_64",
                       "Duration_8.0.1", "Position_24", "Pitch_60", "Duration_0.1.12", "EOS_None")  # fmt: skip
    assert times(score) == [(0, 48, 60), (0, 96, 64), (48, 96, 60)]


def test_an_empty_bar_is_silence_and_a_time_signature_is_said_once() -> None:
    bar = ("Bar_None", "TimeSig_2/4")
    note = ("Position_0", "Pitch_60", "Duration_1.0.4")
    score = score_from("BOS_None", *bar, *note, *bar, *bar, *note, "EOS_None")
    assert times(score) == [(0, 24, 60), (96, 144, 60)]
    assert marks_of(score) == [(0, 2, 4)]
