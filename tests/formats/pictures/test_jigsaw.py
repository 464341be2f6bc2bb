"""Pictures in pieces, put together."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.errors import UserError
from metaart.formats.pictures.jigsaw import PuzzlePiece, put_together
from metaart.formats.pictures.read import Pixels

BOARD = (160, 120)


def picture(height: int = 60, width: int = 80) -> Pixels:
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 4, columns * 3, (rows + columns) % 200], axis=-1).astype(np.uint8)


def cut(pixels: Pixels, rows: list[int], columns: list[int], *, left: int = 30, top: int = 20) -> list[PuzzlePiece]:
    """The pieces between these lines, where they lie on the board."""
    pieces = []
    for above, below in pairwise(rows):
        for before, after in pairwise(columns):
            part = pixels[above:below, before:after]
            layer = np.concatenate([part, np.full((*part.shape[:2], 1), 255, np.uint8)], axis=-1)
            x, y = left + (before + after) / 2, top + (above + below) / 2
            pieces.append(PuzzlePiece(layer, x / BOARD[0], y / BOARD[1]))
    return pieces


@settings(deadline=None, max_examples=40)
@given(st.sets(st.integers(1, 29)), st.sets(st.integers(1, 39)), st.randoms(use_true_random=False))
def test_a_picture_that_was_cut_is_whole_again(rows: set[int], columns: set[int], random: object) -> None:
    whole = picture()
    pieces = cut(whole, [0, *sorted(2 * row for row in rows), 60], [0, *sorted(2 * column for column in columns), 80])
    random.shuffle(pieces)  # type: ignore[attr-defined]
    assert np.array_equal(put_together(pieces, *BOARD), whole)


def test_a_gap_is_filled_from_its_edges() -> None:
    whole = picture()
    pieces = cut(whole, [0, 60], [0, 38]) + cut(whole, [0, 60], [42, 80])
    together = put_together(pieces, *BOARD)
    assert together.shape == whole.shape
    assert np.abs(together.astype(int) - whole)[..., :2].max() <= 8
    assert np.array_equal(together[:, :38], whole[:, :38])


def test_pieces_with_tabs_overlap_by_their_opacity() -> None:
    whole = picture()
    left, right = cut(whole, [0, 60], [0, 50]) + cut(whole, [0, 60], [30, 80])
    left.layer[:, 40:, 3] = 0
    right.layer[:, :10, 3] = 0
    assert np.array_equal(put_together([left, right], *BOARD), whole)


def test_an_edge_that_few_pieces_reach_is_cut_off() -> None:
    whole = picture()
    bump = PuzzlePiece(np.full((4, 10, 4), 255, np.uint8), 60 / BOARD[0], 18 / BOARD[1])
    assert np.array_equal(put_together([*cut(whole, [0, 60], [0, 80]), bump], *BOARD), whole)


def test_what_cannot_be_put_together_is_refused() -> None:
    far = cut(picture(), [0, 60], [0, 10]) + cut(picture(), [0, 60], [70, 80])
    for pieces, width, reason in ((far, 160, "gap"), ([], 160, "0 on"), (far, 10**6, "at most 4,096")):
        with pytest.raises(UserError, match=reason):
            put_together(pieces, width, 120)


def test_a_piece_that_sticks_out_of_the_board_is_cut() -> None:
    piece = PuzzlePiece(np.full((40, 40, 4), 255, np.uint8), 0.0, 0.0)
    assert put_together([piece], *BOARD).shape == (20, 20, 3)
