"""The seam at which an art says which token may come next."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Grammar(Protocol):
    """The sentences of a vocabulary as a state machine, for several sequences side by side, each begun already.

    What one sequence may say never depends on another. There is always a token that may come next, and every sequence
    ends, whoever chooses among the allowed tokens.
    """

    @property
    def ended(self) -> Bools:
        """Which sequences have all their tokens, (sequences,)."""

    def allowed(self) -> Bools:
        """Which tokens may come next in each sequence, (sequences, vocabulary); padding alone after the end."""

    def advance(self, tokens: Ints) -> None:
        """Take one token of each sequence, (sequences,)."""
