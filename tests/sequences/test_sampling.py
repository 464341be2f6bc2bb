"""Drawing under a grammar: what comes out has the probabilities that one can enumerate, side by side as alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from metaart.sequences.sampling import Drawing, draw
from tests.sequences.verses import BEGIN, END, LINE, PAD, SIZE, WORDS, Verses

TABLE = torch.randn(SIZE, SIZE, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
"""What is likely after each token."""


class Pairs:
    """A learner whose logits depend on the last token, and on how many it has read, which is its state."""

    def __init__(self, drift: float = 0.0) -> None:
        self.drift = drift
        self.read: list[list[int]] = []

    def __call__(self, newest: Tensor, count: int = 0) -> tuple[Tensor, int]:
        assert newest.shape[1:] == (1, 1)
        self.read.append(newest.flatten().tolist())
        logits = TABLE[newest[:, 0, 0]] + self.drift * count * torch.arange(SIZE)
        return logits[:, None, None], count + 1


def verses(drawings: Sequence[Drawing], lines: Sequence[int] | int = 1, drift: float = 0.0) -> list[list[int]]:
    asked = [lines] * len(drawings) if isinstance(lines, int) else lines
    return draw(Pairs(drift), Verses(asked), drawings, begin=BEGIN, pad=PAD)


def enumerated(lines: int, temperature: float, top_p: float) -> dict[tuple[int, ...], float]:
    """The probability of every verse, by plain sums over all of them."""
    found: dict[tuple[int, ...], float] = {}

    def go_on(tokens: tuple[int, ...], share: float) -> None:
        grammar = Verses([lines])
        for token in tokens[1:]:
            grammar.advance(np.array([token]))
        if grammar.over[0]:
            found[tokens] = share
            return
        weights = {
            token: math.exp(float(TABLE[tokens[-1], token]) / temperature)
            for token, may in enumerate(grammar.row(0))
            if may
        }
        total, mass, left = sum(weights.values()), 0.0, {}
        for token in sorted(weights, key=lambda token: -weights[token]):
            if mass < top_p:
                left[token] = weights[token] / total
            mass += weights[token] / total
        for token, part in left.items():
            go_on((*tokens, token), share * part / sum(left.values()))

    go_on((BEGIN,), 1.0)
    return found


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (0.5, 1.0), (1.5, 0.6), (2.0, 0.9)])
def test_verses_come_as_often_as_their_enumerated_probabilities_say(temperature: float, top_p: float) -> None:
    wanted = enumerated(1, temperature, top_p)
    assert sum(wanted.values()) == pytest.approx(1)
    count = 4000
    found = Counter(map(tuple, verses([Drawing(temperature, top_p, seed) for seed in range(count)])))
    assert set(found) <= set(wanted)
    # Pearson's statistic has as many degrees of freedom as there are verses but one; five deviations above is never.
    common = {verse: share for verse, share in wanted.items() if share * count >= 5}
    statistic = sum((found[verse] - share * count) ** 2 / (share * count) for verse, share in common.items())
    assert statistic < len(common) + 5 * math.sqrt(2 * len(common))


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.floats(0.05, 2.0), st.floats(0.05, 1.0), st.integers(0, 2**63 - 1)),
        min_size=1,
        max_size=5,
    )
)
def test_a_sequence_is_the_same_beside_others_as_alone(asked: list[tuple[int, float, float, int]]) -> None:
    lines = [row[0] for row in asked]
    drawings = [Drawing(*row[1:]) for row in asked]
    together = verses(drawings, lines, drift=0.1)
    assert together == [verses([one], [count], drift=0.1)[0] for one, count in zip(drawings, lines, strict=True)]
    assert verses(drawings[::-1], lines[::-1], drift=0.1) == together[::-1]
    for tokens, count in zip(together, lines, strict=True):
        assert (tokens[0], tokens[-1], tokens.count(LINE)) == (BEGIN, END, count)
        assert PAD not in tokens


def test_another_seed_draws_another_sequence_and_the_same_seed_the_same() -> None:
    found = {tuple(tokens) for tokens in verses([Drawing(seed=seed) for seed in range(20)], 4)}
    assert len(found) >= 18
    assert verses([Drawing(seed=3)], 4) == verses([Drawing(seed=3)], 4)


def test_a_cold_or_narrow_drawing_takes_the_likeliest_allowed_token_each_time() -> None:
    expected, grammar = [BEGIN], Verses([3])
    while not grammar.over[0]:
        scores = TABLE[expected[-1]].masked_fill(~torch.tensor(grammar.row(0)), -math.inf)
        expected.append(int(scores.argmax()))
        grammar.advance(np.array(expected[-1:]))
    cold = [Drawing(1e-4, 1.0, seed) for seed in range(3)]
    narrow = [Drawing(1.0, 1e-9, seed) for seed in range(3)]
    assert verses([*cold, *narrow], 3) == [expected] * 6


def test_a_primer_is_taken_as_it_stands_and_read_token_by_token() -> None:
    primer, other = (BEGIN, LINE, WORDS[2], WORDS[2], LINE), (BEGIN, LINE)
    learner = Pairs()
    drawings = [Drawing(seed=1, primer=primer), Drawing(seed=1, primer=other), Drawing(seed=1)]
    long, short, none = draw(learner, Verses([3, 3, 3]), drawings, begin=BEGIN, pad=PAD)
    assert tuple(long[: len(primer)]) == primer
    assert tuple(short[: len(other)]) == other
    assert none[:2] == [BEGIN, LINE]
    assert [row[0] for row in learner.read[: len(primer)]] == list(primer)
    assert long.count(LINE) == 3


def test_the_learner_reads_each_token_once_and_nothing_after_the_end() -> None:
    learner = Pairs()
    tokens = draw(learner, Verses([1, 6]), [Drawing(seed=1), Drawing(seed=2)], begin=BEGIN, pad=PAD)
    assert [row[1] for row in learner.read] == tokens[1][:-1]
    heard = [row[0] for row in learner.read]
    assert heard[: len(tokens[0]) - 1] == tokens[0][:-1]
    assert set(heard[len(tokens[0]) :]) == {END}, "a sequence that has ended waits"


def test_what_the_art_reconsiders_comes_before_the_grammar_cuts() -> None:
    seen = []

    def one_word(logits: Tensor) -> Tensor:
        seen.append((logits.dtype, logits.shape))
        changed = logits.clone()
        changed[:, PAD] = 1e9  # which the grammar forbids, however much it is wanted
        changed[:, WORDS[1:]] = -math.inf
        return changed

    drawings = [Drawing(seed=seed) for seed in range(10)]
    found = draw(Pairs(), Verses([3] * 10), drawings, begin=BEGIN, pad=PAD, reconsider=one_word)
    assert set(seen) == {(torch.float64, (10, SIZE))}
    assert {token for tokens in found for token in tokens} == {BEGIN, END, LINE, WORDS[0]}


def test_nothing_asked_is_nothing_drawn() -> None:
    assert verses([], []) == []
