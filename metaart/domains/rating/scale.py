"""The scale on which curators rate, and how a network learns it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

LOWEST, HIGHEST = 1.0, 10.0
# Of scores spread evenly from 1 to 10: (1 + 10) / 2 and 9 / sqrt(12).
MIDDLE_SCORE, SCORE_UNIT = 5.5, 2.6
"""Mean and deviation by which scores are standardised."""


def standardised(scores: Sequence[float]) -> Tensor:
    """Scores from 1 to 10 as the network learns them, (works,) float32."""
    return (torch.tensor(scores, dtype=torch.float32) - MIDDLE_SCORE) / SCORE_UNIT


def score_of(answers: Tensor) -> Tensor:
    """Scores from 1 to 10 of the network's answers (..., 1); (...)."""
    return (answers[..., 0] * SCORE_UNIT + MIDDLE_SCORE).clamp(LOWEST, HIGHEST)
