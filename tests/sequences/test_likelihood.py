"""Likelihood of tokens against loops written by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from metaart.sequences.likelihood import Surprise, mean_losses, surprise_by_segment, token_losses
from tests.sequences.verses import LINE, SIZE, WORDS


class Counts:
    """A learner that goes by how often it has read each token so far."""

    def __init__(self, seed: int) -> None:
        self.table = torch.randn(SIZE, SIZE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)

    def __call__(self, tokens: Tensor) -> tuple[Tensor, str]:
        counts = torch.nn.functional.one_hot(tokens, SIZE).double().cumsum(-2)
        return counts @ self.table, "a state"

    def nats(self, tokens: list[int]) -> list[float]:
        """-log p of each token after the first, one number at a time."""
        found = []
        for end in range(1, len(tokens)):
            scores = [
                sum(tokens[:end].count(token) * float(self.table[token, answer]) for token in range(SIZE))
                for answer in range(SIZE)
            ]
            found.append(math.log(sum(math.exp(score) for score in scores)) - scores[tokens[end]])
        return found


LEARNERS = [Counts(1), Counts(2)]
TEXTS = [[1, LINE, 4, 5, LINE, 6, 2], [1, LINE, 4, 2], [1, LINE, 6, 6, 2]]


def padded(texts: list[list[int]], length: int, pad: int = 0) -> Tensor:
    return torch.tensor([[*text, *[pad] * (length - len(text))] for text in texts])


@pytest.mark.parametrize("pad", [0, SIZE - 1])
def test_token_losses_are_those_of_a_loop(pad: int) -> None:
    texts = [[token for token in text if token != pad] for text in TEXTS]
    nats, counted = token_losses(LEARNERS, padded(texts, 8, pad), pad)
    assert nats.shape == counted.shape == (2, 3, 7)
    for rows, marks, learner in zip(nats.tolist(), counted.tolist(), LEARNERS, strict=True):
        for row, mark, text in zip(rows, marks, texts, strict=True):
            expected = learner.nats(text)
            assert row == pytest.approx([*expected, *[0.0] * (7 - len(expected))])
            assert mark == [1.0] * len(expected) + [0.0] * (7 - len(expected))


def test_mean_losses_are_means_however_many_sequences_there_are() -> None:
    texts = [TEXTS[index % 3][: 2 + index % 5] for index in range(300)]
    means = mean_losses(LEARNERS[0], padded(texts, 8))
    assert means.dtype == torch.float64
    for mean, text in zip(means.tolist(), texts, strict=True):
        expected = LEARNERS[0].nats(text)
        assert mean == pytest.approx(sum(expected) / len(expected))


def test_padding_alone_has_no_loss() -> None:
    assert mean_losses(LEARNERS[0], torch.zeros(2, 5, dtype=torch.int64)).tolist() == [0, 0]


def test_nothing_is_to_be_differentiated() -> None:
    learner = Counts(3)
    learner.table.requires_grad_()
    assert not token_losses([learner], padded(TEXTS, 8))[0].requires_grad
    assert not mean_losses(learner, padded(TEXTS, 8)).requires_grad


def test_surprise_by_segment_by_hand() -> None:
    tokens = torch.tensor([1, LINE, 5, 5, LINE, 6, 0])
    found = surprise_by_segment(torch.tensor([1.0, 2.0, 3.0, 5.0, 7.0, 0.0]), tokens, LINE)
    assert found == [Surprise(1, 2.0), Surprise(2, 6.0)]


def test_what_stands_before_the_first_boundary_is_no_segment() -> None:
    tokens = torch.tensor([1, 4, 4, LINE, 5, 0, 0])
    assert surprise_by_segment(torch.tensor([9.0, 9.0, 1.0, 2.0, 0.0, 0.0]), tokens, LINE) == [Surprise(1, 1.5)]
    assert surprise_by_segment(torch.tensor([9.0, 9.0]), torch.tensor([1, 4, 4]), LINE) == []


def test_segments_of_a_text_add_up_to_its_loss() -> None:
    text = [1, LINE, 4, LINE, 5, 6, LINE, 4, 4, 2]
    (nats,), _ = token_losses(LEARNERS[:1], padded([text], 12))
    segments = surprise_by_segment(nats[0], padded([text], 12)[0], LINE)
    lengths = [2, 3, 4]
    assert [segment.segment for segment in segments] == [1, 2, 3]
    total = sum(segment.nats * length for segment, length in zip(segments, lengths, strict=True))
    assert total == pytest.approx(sum(LEARNERS[0].nats(text)))
    assert set(text[1:]) == {LINE, 2, *WORDS}
