"""Pictures that come in pieces, put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metaart.errors import UserError
from metaart.formats.pictures.read import Pixels

_LARGEST_SIDE = 4096
_EDGE_SHARE = 0.9
_WIDEST_GAP = 24


@dataclass(frozen=True)
class PuzzlePiece:
    """A part of a picture.

    Attributes:
        layer: uint8 (height, width, 4), red, green, blue, opacity.
        x: middle of the piece, as a share of the board's width.
        y: middle of the piece, as a share of the board's height.
    """

    layer: NDArray[np.uint8]
    x: float
    y: float


def put_together(pieces: Sequence[PuzzlePiece], width: int, height: int) -> Pixels:
    """Lay pieces on a board, fill the gaps between them from their edges, and cut off what lies outside.

    Args:
        pieces: in the order in which they are laid.
        width: of the board, px.
        height: of the board, px.

    Returns:
        uint8 (height, width, 3) of the picture.

    Raises:
        UserError: no pieces, a board that is too large, or a gap of more than 24 px.
    """
    if not pieces or not 0 < width <= _LARGEST_SIDE or not 0 < height <= _LARGEST_SIDE:
        raise UserError(
            expected=f"pieces on a board of at most {_LARGEST_SIDE:,} px a side",
            got=f"{len(pieces)} on {width:,} x {height:,}",
            fix="Check the description of the board.",
        )
    board = np.zeros((height, width, 4), np.float32)
    for piece in pieces:
        _lay(board, piece)
    covered = board[..., 3] > 0.5
    rows, columns = (_within(covered, axis) for axis in (1, 0))
    board, covered = board[rows, columns], covered[rows, columns]
    return np.rint(_fill(board[..., :3], covered)).astype(np.uint8)


def _lay(board: NDArray[np.float32], piece: PuzzlePiece) -> None:
    height, width = piece.layer.shape[:2]
    top, left = round(piece.y * board.shape[0] - height / 2), round(piece.x * board.shape[1] - width / 2)
    above, before = max(-top, 0), max(-left, 0)
    window = board[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    layer = piece.layer[above : above + window.shape[0], before : before + window.shape[1]].astype(np.float32)
    opacity = layer[..., 3:] / 255
    window[..., :3] = layer[..., :3] * opacity + window[..., :3] * (1 - opacity)
    window[..., 3:] = np.maximum(window[..., 3:], opacity)


def _within(covered: NDArray[np.bool_], axis: int) -> slice:
    """Where lines are covered almost as far as the fullest one: edges that only some pieces reach are cut off."""
    share = covered.sum(axis)
    full = np.flatnonzero(share >= _EDGE_SHARE * share.max())
    return slice(int(full[0]), int(full[-1]) + 1)


def _fill(colours: NDArray[np.float32], covered: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Gaps grow shut from their edges, each pixel the mean of its neighbours that have a colour."""
    for _ in range(_WIDEST_GAP):
        if covered.all():
            return colours
        total = np.zeros_like(colours)
        count = np.zeros(covered.shape, np.float32)
        for shift, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)):
            neighbours = np.roll(covered, shift, axis)
            edge = 0 if shift == 1 else -1
            neighbours[(edge, slice(None)) if axis == 0 else (slice(None), edge)] = False
            total += np.roll(colours, shift, axis) * neighbours[..., None]
            count += neighbours
        found = ~covered & (count > 0)
        colours[found] = total[found] / count[found][:, None]
        covered = covered | found
    raise UserError(
        expected="pieces that lie side by side",
        got=f"a gap of more than {_WIDEST_GAP} px",
        fix="Check the description of the board.",
    )
