"""How likely sequences are under several learners, token by token, and where they surprise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from metaart.functional.sequence import token_nll
from metaart.tasks import Predict

_SEQUENCES_AT_ONCE = 128
"""As many fit into a processor's cache with what a small learner makes of them."""


class Surprise(NamedTuple):
    """How unexpected a segment is.

    Attributes:
        segment: from 1.
        nats: mean over its tokens of -log p.
    """

    segment: int
    nats: float


@torch.no_grad()
def token_losses(predicts: Sequence[Predict], sequences: Tensor, pad: int = 0) -> tuple[Tensor, Tensor]:
    """-log p of every token after the first, under every learner.

    Args:
        predicts: learners: tokens (sequences, time) to logits (sequences, time, vocabulary) and whatever else.
        sequences: (sequences, time) int64, padded.
        pad: the token that stands for nothing.

    Returns:
        Nats, (learners, sequences, time - 1), 0 at padding; and 1 where tokens are, 0 at padding, of the same shape.
    """
    found = [token_nll(predict(sequences[:, :-1])[0], sequences, pad) for predict in predicts]
    return torch.stack([nats for nats, _ in found]), torch.stack([counted for _, counted in found])


@torch.no_grad()
def mean_losses(predict: Predict, sequences: Tensor, pad: int = 0) -> Tensor:
    """-log p per token of each sequence under one learner, however many sequences there are: (sequences,) float64."""
    means = []
    for part in torch.split(sequences, _SEQUENCES_AT_ONCE):
        (nats,), (counted,) = token_losses([predict], part, pad)
        means.append(nats.double().sum(-1) / counted.sum(-1).clamp(min=1))
    return torch.cat(means)


def surprise_by_segment(nats: Tensor, tokens: Tensor, boundary: int, pad: int = 0) -> list[Surprise]:
    """Mean nats of the tokens of each segment; what stands before the first boundary is none.

    Args:
        nats: of the tokens after the first, (time - 1,).
        tokens: (time,), padded.
        boundary: the token that begins a segment and is part of it: a bar line, the beginning of a verse.
        pad: the token that stands for nothing.
    """
    segments = (tokens == boundary).cumsum(0)[1:]
    counted = tokens[1:] != pad
    return [
        Surprise(segment, float(nats[counted & (segments == segment)].mean()))
        for segment in sorted(set(segments[counted & (segments > 0)].tolist()))
    ]
