"""Whatever a model says, what is composed is a piece of the asked length that every reader reads alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.arts.music import ComposeOptions
from metaart.arts.music.compose import MAX_PRIMER_TOKENS, Piece, compose, draw_pieces, primer_tokens, where_bars_end
from metaart.errors import TooLarge, UserError
from metaart.formats.scores.canonical import bar_ticks, canonical
from metaart.formats.scores.midi import read_midi
from metaart.formats.scores.tokens import Tokens, Vocabulary, encode, make_tokenizer
from tests.formats.scores.readers import by_mido, by_pretty_midi, by_symusic, of_score, signatures_by_mido
from tests.formats.scores.scores import marks_of, score_of, scores

TOKENIZER = make_tokenizer()
VOCABULARY = Vocabulary.of(TOKENIZER)
UNIFORM = torch.zeros(VOCABULARY.size)


class Says:
    """A predictor whose logits depend on the last token and on how many were said."""

    def __init__(self, likes: torch.Tensor = UNIFORM, noise: float = 0.0) -> None:
        self.likes, self.noise = likes, noise
        self.table = torch.randn(VOCABULARY.size, VOCABULARY.size, generator=torch.Generator().manual_seed(3))

    def __call__(self, heard: torch.Tensor, steps: int = 0) -> tuple[torch.Tensor, int]:
        assert heard.shape[1:] == (1, 1)
        logits = self.likes + self.noise * self.table[heard[:, 0, 0]].roll(steps, -1)
        return logits[:, None, None], steps + 1


def asked(**options: Any) -> Piece:
    return Piece(ComposeOptions(**options))


def bars_of(data: bytes) -> float:
    """Length in bars, from the last sounding tick and the time signatures that mido reads."""
    end = max(row[1] for row in by_mido(data))
    marks = signatures_by_mido(data)
    total = 0.0
    for (tick, top, bottom), until in zip(marks, [*(mark[0] for mark in marks[1:]), end], strict=True):
        total += (until - tick) / (4 * 480 * top / bottom)
    return total


def check(data: bytes, bars: int) -> None:
    """A piece of so many bars, read alike by three libraries and by ourselves, whose tokens can be taken again."""
    rows = by_symusic(data)
    assert rows == by_mido(data) == by_pretty_midi(data) == of_score(read_midi(data))
    assert all(21 <= pitch <= 108 and end > start >= 0 for start, end, pitch, _ in rows)
    assert bars_of(data) == bars
    tokens = encode(TOKENIZER, read_midi(data))
    assert (tokens == VOCABULARY.bar).sum() <= bars
    assert len(tokens) > 4


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 4), st.integers(0, 2**63 - 1), st.sampled_from([0.0, 3.0]), st.sampled_from([0.3, 1.0]))
def test_any_piece_is_valid_and_as_long_as_asked(bars: int, seed: int, noise: float, top_p: float) -> None:
    piece = Piece(ComposeOptions(bars=bars, seed=seed, temperature=1.0, top_p=top_p))
    (data,) = compose(Says(noise=noise), [piece], VOCABULARY)
    check(data, bars)


@pytest.mark.parametrize("kind", ["EOS", "Bar", "Pitch", "Position", "Duration", "PAD", "BOS", "TimeSig"])
def test_a_model_that_always_wants_one_thing_composes_all_the_same(kind: str) -> None:
    likes = UNIFORM.clone()
    likes[torch.from_numpy(VOCABULARY.ids(kind))] = 1e4
    for data in compose(Says(likes), [asked(bars=bars, seed=bars) for bars in (1, 4)], VOCABULARY):
        check(data, round(bars_of(data)))
    assert [round(bars_of(data)) for data in compose(Says(likes), [asked(bars=3)], VOCABULARY)] == [3]


@pytest.mark.parametrize("wish", [VOCABULARY.bar, VOCABULARY.eos])
def test_a_wish_for_the_end_of_a_bar_or_of_the_piece_ends_each_bar_and_the_last(wish: int) -> None:
    likes = UNIFORM.clone()
    likes[wish] = 1e4
    (tokens,) = draw_pieces(Says(likes), [asked(bars=6, seed=2)], VOCABULARY)
    kinds = [str(VOCABULARY.kind[token]) for token in tokens]
    assert kinds.count("Bar") == 6
    # The first and the last bar may not be empty, nor two on end; not one note more is drawn.
    assert kinds[-5:] == ["TimeSig", "Position", "Pitch", "Duration", "EOS"]
    assert kinds.count("Pitch") <= 4


def test_the_longest_piece() -> None:
    likes = UNIFORM.clone()
    likes[VOCABULARY.bar] = 4.0
    (data,) = compose(Says(likes), [asked(bars=128, seed=5)], VOCABULARY)
    check(data, 128)


def primer_of(tokens: Tokens, bars: int) -> tuple[int, ...]:
    return primer_tokens(tokens, VOCABULARY, bars)


@settings(deadline=None, max_examples=15)
@given(scores(), st.integers(0, 99))
def test_a_primer_is_how_the_piece_begins(score: Any, seed: int) -> None:
    once = canonical(score)
    tokens = encode(TOKENIZER, once)
    begun = int((tokens == VOCABULARY.bar).sum())
    if begun > 100:
        return
    wanted = Piece(ComposeOptions(bars=begun + 2, seed=seed), primer_of(tokens, begun + 2))
    (piece,) = draw_pieces(Says(), [wanted], VOCABULARY)
    assert tuple(piece[: len(wanted.primer)]) == wanted.primer
    assert wanted.primer == (*tokens[:-1], VOCABULARY.bar)
    (data,) = compose(Says(), [wanted], VOCABULARY)
    rows = by_symusic(data)
    assert rows == by_mido(data) == of_score(read_midi(data))
    assert bars_of(data) == begun + 2
    *_, (tick, *signature) = marks_of(once)
    last_bar = tick + (of_score(once)[-1][0] - tick) // bar_ticks(*signature) * bar_ticks(*signature)
    written = sorted((start // 20, pitch) for start, _, pitch, _ in rows)
    assert written[: once.note_num()] == sorted((start, pitch) for start, _, pitch, _ in of_score(once))
    assert all(start >= last_bar + bar_ticks(*signature) for start, _ in written[once.note_num() :])


def test_a_primer_that_leaves_no_bar_is_refused() -> None:
    tokens = encode(TOKENIZER, score_of([(0, 480, 60), (1920, 480, 62)]))
    assert primer_of(tokens, 3) == (*tokens[:-1], VOCABULARY.bar)
    with pytest.raises(UserError, match="primer shorter than the 2 bars"):
        primer_of(tokens, 2)


PIECES = [
    asked(bars=3, seed=1, temperature=0.5),
    asked(bars=1, seed=2, top_p=0.2),
    asked(bars=6, seed=3, temperature=2.0, top_p=1.0),
    asked(bars=3, seed=1, temperature=0.5),
]


def test_a_piece_does_not_depend_on_what_is_composed_beside_it() -> None:
    says = Says(noise=3.0)
    together = compose(says, PIECES, VOCABULARY)
    assert together == [compose(says, [piece], VOCABULARY)[0] for piece in PIECES]
    assert together[::-1] == compose(says, PIECES[::-1], VOCABULARY)
    assert together[0] == together[3]
    assert len(set(together)) == 3


def test_seed_temperature_and_top_p_each_matter() -> None:
    says = Says(noise=3.0)
    variants = [{}, {"seed": 2}, {"temperature": 0.2}, {"top_p": 0.1}]
    pieces = compose(says, [asked(bars=4, **variant) for variant in variants], VOCABULARY)  # type: ignore[arg-type]
    assert len(set(pieces)) == 4


def test_a_cold_piece_takes_the_likeliest_token_each_time() -> None:
    says = Says(noise=3.0)
    cold = [asked(bars=2, seed=seed, temperature=1e-4, top_p=1.0) for seed in range(3)]
    narrow = [asked(bars=2, seed=seed, temperature=1.0, top_p=1e-9) for seed in range(3)]
    assert len({tuple(piece) for piece in draw_pieces(says, [*cold, *narrow], VOCABULARY)}) == 1


def test_tokens_are_drawn_as_often_as_the_model_says() -> None:
    likes = torch.full((VOCABULARY.size,), -50.0)
    for word, share in (("TimeSig_3/4", 0.7), ("TimeSig_6/8", 0.3)):
        likes[VOCABULARY.tokens.index(word)] = np.log(share)
    likes[torch.from_numpy(np.concatenate([VOCABULARY.ids(kind) for kind in ("EOS", "Bar")]))] = 50.0
    pieces = draw_pieces(
        Says(likes), [asked(bars=1, temperature=1.0, top_p=1.0, seed=seed) for seed in range(400)], VOCABULARY
    )
    share = np.mean([VOCABULARY.tokens[piece[2]] == "TimeSig_3/4" for piece in pieces])
    assert share == pytest.approx(0.7, abs=0.08)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"bars": 0}, "1 to 128"), ({"bars": 129}, "1 to 128"), ({"bars": 2.0}, "bars"), ({"bars": True}, "bars"),
        ({"temperature": 0}, "temperature"), ({"temperature": -1.0}, "temperature"),
        ({"temperature": 2.01}, "temperature"), ({"temperature": float("nan")}, "temperature"),
        ({"temperature": float("inf")}, "temperature"), ({"temperature": 10**400}, "temperature"),
        ({"top_p": 10**400}, "top_p"), ({"seed": 10**400}, "seed"), ({"bars": 10**400}, "bars"),
        ({"temperature": "hot"}, "temperature"), ({"top_p": 0.0}, "top_p"), ({"top_p": 1.1}, "top_p"),
        ({"top_p": None}, "top_p"), ({"seed": -1}, "seed"), ({"seed": 2**63}, "seed"), ({"seed": 1.5}, "seed"),
    ],
)  # fmt: skip
def test_options_outside_their_bounds_are_refused(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        ComposeOptions(**wrong)


def test_a_primer_too_long_is_refused() -> None:
    """The beginning, what is played, and the bar line that stands for the end."""
    note = VOCABULARY.id["Pitch", 60]
    longest = np.array([VOCABULARY.bos, *[note] * (MAX_PRIMER_TOKENS - 2), VOCABULARY.eos])
    assert len(primer_of(longest, 1)) == MAX_PRIMER_TOKENS
    with pytest.raises(TooLarge, match="8,193"):
        primer_of(np.insert(longest, 1, note), 1)


def test_a_wish_for_either_end_counts_for_the_one_that_may_come() -> None:
    shares = torch.rand(2, VOCABULARY.size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    shares = shares / shares.sum(1, keepdim=True)
    changed = where_bars_end(shares.log(), np.array([False, True]), VOCABULARY).exp()
    ends = shares[:, VOCABULARY.bar] + shares[:, VOCABULARY.eos]
    torch.testing.assert_close(changed[:, VOCABULARY.bar], ends * torch.tensor([1.0, 0.0], dtype=torch.float64))
    torch.testing.assert_close(changed[:, VOCABULARY.eos], ends * torch.tensor([0.0, 1.0], dtype=torch.float64))
    others = [token for token in range(VOCABULARY.size) if token not in (VOCABULARY.bar, VOCABULARY.eos)]
    torch.testing.assert_close(changed[:, others], shares[:, others])
