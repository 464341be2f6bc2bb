"""Sequences of unequal length as tensors: their beginnings, or several parts of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def window(sequences: Sequence[NDArray[Any]], length: int) -> Tensor:
    """The first `length` tokens of each sequence, (sequences, length) int64, padded with 0."""
    padded = np.zeros((len(sequences), length), dtype=np.int64)
    for row, tokens in enumerate(sequences):
        padded[row, : min(len(tokens), length)] = tokens[:length]
    return torch.from_numpy(padded)


def windows_of(tokens: NDArray[Any], length: int, boundary: int, most: int) -> list[NDArray[Any]]:
    """Parts that cover the beginning of a sequence, each but the first from a boundary; all go on to the end.

    What is left over at the end is dropped where it is less than a quarter of a part.

    Args:
        tokens: (time,).
        length: of a part, once `window` has cut it.
        boundary: the token that a part may begin with: a bar line, the beginning of a verse.
        most: parts, at most.
    """
    boundaries, starts = np.flatnonzero(tokens == boundary), [0]
    while len(starts) < most and starts[-1] + length + length // 4 < len(tokens):
        # The last boundary within this part, so that no token is left out; where there is none, the first after it.
        within = boundaries[(boundaries > starts[-1]) & (boundaries <= starts[-1] + length)]
        beyond = boundaries[boundaries > starts[-1] + length]
        if not len(within) and not len(beyond):
            break
        starts.append(int(within[-1] if len(within) else beyond[0]))
    return [tokens[start:] for start in starts]
