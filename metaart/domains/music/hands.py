"""Whose works music is learned from: composers, regions, dances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metaart.data.media.scores import StoredScore
from metaart.domains.base import Hand
from metaart.domains.music.new_hands import NewTunes, draw_hand
from metaart.formats.scores.tokens import Vocabulary
from metaart.sequences.windows import window
from metaart.tasks import Examples

_SPEEDS = {0.5: "tokens_half", 1.0: "tokens", 2.0: "tokens_double"}
"""Where a stored work has its tokens at each time scale of a new hand."""


class MusicHand(Hand):
    """One composer, region or dance.

    Args:
        name: of the hand.
        works: its works.
        vocabulary: of their tokens.
        max_tokens: tokens of a work that are read.
        new_hands: task augmentation; None switches it off.
        middle_share: of augmented works, how many are read from a bar line inside.
    """

    def __init__(
        self,
        name: str,
        works: Sequence[StoredScore],
        vocabulary: Vocabulary,
        max_tokens: int,
        new_hands: NewTunes | None = None,
        middle_share: float = 0.0,
    ) -> None:
        self.name, self.num_works = name, len(works)
        self._works, self._vocabulary, self._max_tokens = works, vocabulary, max_tokens
        self._new_hands, self._middle_share = new_hands, middle_share

    def examples(self, works: Sequence[int], variation: np.random.Generator) -> Examples:
        """{"tokens": (works, max_tokens) int64}, padded with 0."""
        scores = [self._works[work] for work in works]
        if self._new_hands is None or not scores:
            return {"tokens": window([score.tokens for score in scores], self._max_tokens)}
        # One new hand for all: support and query sets are drawn with generators of one seed, and so share it too.
        hand = draw_hand(self._new_hands, self._vocabulary, variation)
        sequences = []
        for score in scores:
            tokens = getattr(score, _SPEEDS[hand.time_scale])
            tokens = tokens if len(tokens) else score.tokens  # some works leave the grid at another speed
            if variation.random() < self._middle_share:
                tokens = self._from_inside(tokens, variation)
            sequences.append(hand.token_map[tokens])
        return {"tokens": window(sequences, self._max_tokens)}

    def _from_inside(self, tokens: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
        # Only bar lines after which a whole window is left, where there are any.
        bars = np.flatnonzero(tokens[: -self._max_tokens] == self._vocabulary.bar)
        return tokens[rng.choice(bars) :] if len(bars) else tokens
