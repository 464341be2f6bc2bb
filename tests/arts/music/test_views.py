"""What an evaluation of music looks at, and what stands beside it."""

from __future__ import annotations

import math

import pytest
import torch

from metaart.arts.music.views import baselines, views
from metaart.domains.music.domain import MusicConfig, MusicDomain

DOMAIN = MusicDomain(MusicConfig(max_tokens=48, embedding_size=4, hidden_size=5))
BAR, PAD = DOMAIN.vocabulary.bar, DOMAIN.vocabulary.pad


def test_the_opening_is_two_bars() -> None:
    tokens = torch.tensor([[1, BAR, 9, 10, BAR, 11, BAR, 12, 13], [1, BAR, 9, PAD, PAD, PAD, PAD, PAD, PAD]])
    opening = views(DOMAIN)["opening"]({"tokens": tokens})["tokens"]
    left = [[token for token in row if token != PAD] for row in opening.tolist()]
    assert left == [[1, BAR, 9, 10, BAR, 11], [1, BAR, 9]]
    assert all(row[: len(part)] == part for row, part in zip(opening.tolist(), left, strict=True))
    assert views(DOMAIN)["whole"]({"tokens": tokens})["tokens"] is tokens


def test_an_opening_without_music_is_still_something_to_predict() -> None:
    opening = views(DOMAIN)["opening"]({"tokens": torch.tensor([[1, PAD, PAD]]), "labels": torch.tensor([4])})
    assert opening["tokens"].tolist() == [[1, PAD]]
    assert opening["labels"].tolist() == [4]
    assert DOMAIN.loss(lambda tokens: (torch.zeros(1, 1, DOMAIN.vocabulary.size), None), opening) == 0


def test_bigrams_know_pairs_of_the_support_set_alone() -> None:
    (counted,) = baselines(DOMAIN).values()
    support = {"tokens": torch.tensor([[1, BAR, 9, BAR, 9, BAR, 10, PAD]])}
    logits, _ = counted(support)(torch.tensor([[1, BAR, 9]]))
    assert logits.shape == (1, 3, DOMAIN.vocabulary.size)
    torch.testing.assert_close(logits.exp().sum(-1), torch.ones(1, 3))
    # Witten and Bell by hand: BAR is followed by 9 twice and by 10 once; 6 targets, of which 9 is two.
    unigram = (2 + 0.1) / (6 + 0.1 * DOMAIN.vocabulary.size)
    assert logits[0, 1, 9].item() == pytest.approx(math.log((2 + 2 * unigram) / (3 + 2)), rel=1e-5)
    likely = DOMAIN.loss(counted(support), {"tokens": torch.tensor([[1, BAR, 9, BAR]])})
    assert likely < DOMAIN.loss(counted(support), {"tokens": torch.tensor([[1, BAR, 30, BAR]])})
