"""New hands: maps of the tokens."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.data.shards import Dataset
from metaart.domains.music.new_hands import DrawnHand, NewTunes, draw_hand
from metaart.formats.scores.tokens import Vocabulary, decode, make_tokenizer
from tests.formats.scores.scores import times

TOKENIZER = make_tokenizer()
VOCABULARY = Vocabulary.of(TOKENIZER)
PITCHES = VOCABULARY.ids("Pitch")
LENGTHS = VOCABULARY.ids("Duration")
NOTHING = NewTunes(transpose=False, mode=False, invert=False, time=False, durations=False, plain_share=0.0)
seeds = st.integers(0, 2**32)


def drawn(parts: NewTunes, seed: int) -> DrawnHand:
    return draw_hand(parts, VOCABULARY, np.random.default_rng(seed))


def moved(hand: DrawnHand) -> np.ndarray:
    """The pitch that each pitch 21..108 becomes."""
    return np.array([VOCABULARY.value[token] for token in hand.token_map[PITCHES]])


def in_the_middle(hand: DrawnHand) -> np.ndarray:
    """How far the pitches 40..90 move: there nothing is folded at the ends of the keyboard."""
    return moved(hand)[40 - 21 : 91 - 21] - np.arange(40, 91)


@settings(deadline=None, max_examples=200)
@given(seeds)
def test_a_hand_maps_pitches_to_pitches_lengths_to_lengths_and_nothing_else(seed: int) -> None:
    hand = drawn(NewTunes(), seed)
    assert hand.token_map.shape == (VOCABULARY.size,)
    assert hand.time_scale in (0.5, 1.0, 2.0)
    assert (VOCABULARY.kind[hand.token_map] == VOCABULARY.kind).all()
    for kind in ("PAD", "BOS", "EOS", "Bar", "TimeSig", "Position"):
        ids = VOCABULARY.ids(kind)
        assert (hand.token_map[ids] == ids).all()
    assert sorted(hand.token_map[LENGTHS]) == sorted(LENGTHS)
    assert moved(hand).min() >= 21
    assert moved(hand).max() <= 108


@settings(deadline=None, max_examples=100)
@given(seeds)
def test_a_plain_hand_is_transposed_alone(seed: int) -> None:
    hand = drawn(NewTunes(plain_share=1.0), seed)
    (semitones,) = set(in_the_middle(hand))
    assert -6 <= semitones <= 6
    assert hand.time_scale == 1
    assert (hand.token_map[LENGTHS] == LENGTHS).all()
    assert (moved(hand) % 12 == (np.arange(21, 109) + semitones) % 12).all()


def test_a_plain_hand_shifts_real_works(music_data: Path) -> None:
    work = Dataset.open(music_data).works("Luxembourg")[0]
    hand = drawn(NewTunes(plain_share=1.0), 3)
    (semitones,) = set(in_the_middle(hand))
    assert semitones
    before, after = times(decode(TOKENIZER, work.tokens)), times(decode(TOKENIZER, hand.token_map[work.tokens]))
    assert after == [(start, end, pitch + semitones) for start, end, pitch in before]


def test_all_parts_switched_off_change_nothing() -> None:
    for seed in range(20):
        hand = drawn(NOTHING, seed)
        assert (hand.token_map == np.arange(VOCABULARY.size)).all()
        assert hand.time_scale == 1


def changes(hand: DrawnHand) -> set[str]:
    """Which parts of a hand that does not transpose can be told from its map."""
    found = set()
    steps = in_the_middle(hand)
    if hand.time_scale != 1:
        found.add("time")
    if (hand.token_map[LENGTHS] != LENGTHS).any():
        found.add("durations")
    if (np.diff(steps) < -3).any() or steps[0] > 12:
        found.add("invert")
    elif len(set(steps)) > 1:
        found.add("mode")
    elif steps[0]:
        found.add("transpose")
    return found


@pytest.mark.parametrize("part", ["transpose", "mode", "time", "durations"])
def test_each_part_alone_changes_what_it_says(part: str) -> None:
    seen = [changes(drawn(replace(NOTHING, **{part: True}), seed)) for seed in range(60)]
    assert {part} in seen
    assert all(found <= {part} for found in seen)


def test_a_mode_moves_whole_pitch_classes_by_a_semitone() -> None:
    for seed in range(30):
        steps = in_the_middle(drawn(replace(NOTHING, mode=True), seed))
        by_class = [set(steps[np.arange(40, 91) % 12 == pitch_class]) for pitch_class in range(12)]
        assert all(len(found) == 1 for found in by_class)
        assert 1 <= sum(found != {0} for found in by_class) <= 4
        assert set().union(*by_class) <= {-1, 0, 1}


def test_an_inversion_turns_intervals_round_half_the_time() -> None:
    kinds = [tuple(np.diff(moved(drawn(replace(NOTHING, invert=True), seed)))[30:60]) for seed in range(100)]
    assert set(kinds) == {(1,) * 30, (-1,) * 30}
    assert 30 < kinds.count((-1,) * 30) < 70


def test_durations_exchange_two_and_time_keeps_to_its_shares() -> None:
    hands = [drawn(replace(NOTHING, durations=True, time=True), seed) for seed in range(400)]
    for hand in hands:
        exchanged = np.flatnonzero(hand.token_map != np.arange(VOCABULARY.size))
        assert len(exchanged) in (0, 2)
        assert (hand.token_map[hand.token_map] == np.arange(VOCABULARY.size)).all()
    scales = [hand.time_scale for hand in hands]
    assert 60 < scales.count(0.5) < 140
    assert 60 < scales.count(2.0) < 140


@settings(deadline=None, max_examples=50)
@given(seeds)
def test_the_same_generator_draws_the_same_hand(seed: int) -> None:
    one, two = drawn(NewTunes(), seed), drawn(NewTunes(), seed)
    assert (one.token_map == two.token_map).all()
    assert one.time_scale == two.time_scale


def test_hands_differ() -> None:
    maps = {drawn(NewTunes(), seed).token_map.tobytes() for seed in range(50)}
    assert len(maps) > 40
    assert {field.name for field in fields(NewTunes)} == {
        "transpose", "mode", "invert", "time", "durations", "plain_share"
    }  # fmt: skip
