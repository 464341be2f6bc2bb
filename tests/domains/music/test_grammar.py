"""The grammar of REMI: everything real keeps to it, and whoever keeps to it ends with a piece."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.data.shards import Dataset
from metaart.domains.music.grammar import MAX_NOTES_PER_BAR, REMIGrammar
from metaart.formats.scores.tokens import Vocabulary, make_tokenizer

VOCABULARY = Vocabulary.of(make_tokenizer())
WORD = VOCABULARY.tokens.index


def walk(words: list[str], bars: int) -> set[str]:
    """The tokens that are allowed after these."""
    grammar = REMIGrammar(VOCABULARY, [bars])
    for word in words:
        assert grammar.allowed()[0, WORD(word)], word
        grammar.advance(np.array([WORD(word)]))
    return {VOCABULARY.tokens[token] for token in np.flatnonzero(grammar.allowed()[0])}


def kinds(tokens: set[str]) -> set[str]:
    return {token.split("_")[0] for token in tokens}


BAR = ["Bar_None", "TimeSig_3/4"]
NOTE = ["Position_0", "Pitch_60", "Duration_1.0.4"]


def test_real_works_keep_to_the_grammar(music_data: Path) -> None:
    dataset = Dataset.open(music_data)
    works = [work.tokens for names in dataset.splits.values() for name in names for work in dataset.works(name)[:3]]
    checked = 0
    for tokens in works:
        bars = int((tokens == VOCABULARY.bar).sum())
        grammar = REMIGrammar(VOCABULARY, [bars])
        empty = [
            (tokens[bar : bar + 3] == VOCABULARY.bar).sum() == 2 for bar in np.flatnonzero(tokens == VOCABULARY.bar)
        ]
        if any(one and two for one, two in pairwise(empty)):
            continue
        for token in tokens[1:].astype(np.int64):
            assert grammar.allowed()[0, token]
            grammar.advance(np.array([token]))
        assert grammar.ended.all()
        checked += 1
    assert checked >= 15


def test_what_may_follow() -> None:
    assert walk([], 2) == {"Bar_None"}
    assert kinds(walk(BAR[:1], 2)) == {"TimeSig"}
    first = walk(BAR, 2)
    assert first == {f"Position_{step}" for step in range(36)}
    assert kinds(walk([*BAR, *NOTE[:1]], 2)) == {"Pitch"}
    assert kinds(walk([*BAR, *NOTE[:2]], 2)) == {"Duration"}
    after = walk([*BAR, *NOTE], 2)
    assert kinds(after) == {"Pitch", "Position", "Bar"}
    assert {token for token in after if token.startswith("Pitch")} == {f"Pitch_{pitch}" for pitch in range(61, 109)}
    assert "Position_0" not in after
    assert kinds(walk([*BAR, *NOTE], 1)) == {"Pitch", "Position", "EOS"}
    assert walk([*BAR, *NOTE, "EOS_None"], 1) == {"PAD_None"}


def test_one_bar_may_stay_empty_but_not_two_on_end_nor_the_first_nor_the_last() -> None:
    assert "Bar_None" not in walk(BAR, 5)
    assert "Bar_None" in walk([*BAR, *NOTE, *BAR], 5)
    assert "Bar_None" not in walk([*BAR, *NOTE, *BAR, *BAR], 5)
    assert kinds(walk([*BAR, *NOTE, *BAR], 2)) == {"Position"}


def test_a_full_bar_takes_no_more_notes() -> None:
    notes = [word for pitch in range(21, 21 + MAX_NOTES_PER_BAR) for word in (f"Pitch_{pitch}", "Duration_1.0.4")]
    assert kinds(walk([*BAR, "Position_0", *notes[:-2]], 2)) == {"Pitch", "Position", "Bar"}
    assert kinds(walk([*BAR, "Position_0", *notes], 2)) == {"Bar"}
    assert kinds(walk([*BAR, "Position_0", *notes], 1)) == {"EOS"}


@settings(deadline=None, max_examples=12)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(0, 2**32), st.booleans())
def test_whatever_is_drawn_ends_in_time_side_by_side_as_alone(bars: list[int], seed: int, long: bool) -> None:
    """`long` draws pitches and positions whenever they are allowed, so that bars fill up."""
    rng = np.random.default_rng(seed)
    wanted = np.where(np.isin(VOCABULARY.kind, ("Pitch", "Duration")), 1e6 if long else 1.0, 1.0)
    together, alone = REMIGrammar(VOCABULARY, bars), [REMIGrammar(VOCABULARY, [one]) for one in bars]
    most = max(bars) * (2 + 3 * MAX_NOTES_PER_BAR) + 2
    drawn = 1
    while not together.ended.all():
        allowed = together.allowed()
        assert allowed.any(axis=1).all()
        weights = allowed * wanted
        tokens = np.array([rng.choice(VOCABULARY.size, p=row / row.sum()) for row in weights])
        for row, grammar in enumerate(alone):
            assert np.array_equal(grammar.allowed()[0], allowed[row])
            grammar.advance(tokens[row : row + 1])
        together.advance(tokens)
        drawn += 1
        assert drawn <= most


@pytest.mark.parametrize("favourite", ["EOS", "Bar", "Pitch", "Position", "PAD"])
def test_one_who_always_wants_the_same_still_ends(favourite: str) -> None:
    grammar = REMIGrammar(VOCABULARY, [3])
    tokens = [VOCABULARY.bos]
    while not grammar.ended.all():
        allowed = np.flatnonzero(grammar.allowed()[0])
        wanted = [token for token in allowed if VOCABULARY.kind[token] == favourite]
        tokens.append(int(wanted[0] if wanted else allowed[0]))
        grammar.advance(np.array(tokens[-1:]))
    assert tokens.count(VOCABULARY.bar) == 3
    assert tokens[-1] == VOCABULARY.eos
    assert len(tokens) <= 3 * (2 + 3 * MAX_NOTES_PER_BAR) + 2
