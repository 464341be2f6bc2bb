"""Sequences cut to tensors, whatever their tokens say."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.sequences.windows import window, windows_of

LINE = 4
texts = st.lists(st.sampled_from([LINE, 5, 6, 7]), max_size=200).map(lambda tokens: np.array([1, *tokens]))


@given(st.lists(texts, min_size=1, max_size=4), st.integers(1, 64))
@settings(deadline=None, max_examples=50)
def test_a_window_is_the_beginning_padded(sequences: list[np.ndarray], length: int) -> None:
    rows = window(sequences, length)
    assert rows.shape == (len(sequences), length)
    assert rows.dtype == torch.int64
    for row, tokens in zip(rows.tolist(), sequences, strict=True):
        count = min(length, len(tokens))
        assert row == [*tokens[:count].tolist(), *[0] * (length - count)]


@given(texts, st.integers(16, 60), st.integers(1, 6))
@settings(deadline=None, max_examples=100)
def test_windows_begin_at_the_beginning_and_at_boundaries(tokens: np.ndarray, length: int, most: int) -> None:
    parts = windows_of(tokens, length, LINE, most)
    assert 1 <= len(parts) <= most
    assert np.array_equal(parts[0], tokens)
    starts = [len(tokens) - len(part) for part in parts]
    assert starts == sorted(set(starts))
    assert all(tokens[start] == LINE for start in starts[1:])
    assert all(np.array_equal(part, tokens[start:]) for part, start in zip(parts, starts, strict=True))


@given(texts, st.integers(16, 60))
@settings(deadline=None, max_examples=100)
def test_no_token_is_left_out_where_a_boundary_allows_it(tokens: np.ndarray, length: int) -> None:
    parts = windows_of(tokens, length, LINE, most=1000)
    starts = [len(tokens) - len(part) for part in parts]
    for start, after in pairwise(starts):
        boundaries = [at for at in range(start + 1, start + length + 1) if tokens[at] == LINE]
        assert after <= start + length or not boundaries
        assert after == boundaries[-1] if boundaries else (tokens[start + 1 : after] != LINE).all()
    # What no part holds is less than a quarter of one, or has no boundary to begin at.
    end = starts[-1] + length
    assert len(tokens) - end <= length // 4 or not (tokens[starts[-1] + 1 :] == LINE).any()


@pytest.mark.parametrize(
    ("boundaries", "starts"),
    [
        ([1, 9, 16, 24, 31], [0, 16, 31]),  # 16 and 31 are the last ones within reach
        ([1, 9, 25], [0, 9, 25]),
        ([1, 30], [0, 1, 30]),  # the first beyond reach, where none is within
        ([16, 27, 40], [0, 16, 27, 40]),  # 27 + 16 leaves seven of fifty, more than a quarter of a part
        ([16, 30, 45], [0, 16, 30]),  # 30 + 16 leaves four
        ([1], [0, 1]),
        ([], [0]),
    ],
)
def test_windows_by_hand(boundaries: list[int], starts: list[int]) -> None:
    tokens = np.full(50, 5)
    tokens[boundaries] = LINE
    assert [50 - len(part) for part in windows_of(tokens, 16, LINE, most=8)] == starts
    assert [50 - len(part) for part in windows_of(tokens, 16, LINE, most=2)] == starts[:2]
