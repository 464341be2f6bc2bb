"""The hands of music: works as they are stored, and in the variations of training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from metaart.data.shards import Dataset
from metaart.domains.music.domain import MusicConfig, MusicDomain
from metaart.domains.music.hands import MusicHand
from metaart.domains.music.new_hands import NewTunes
from metaart.errors import UserError

CONFIG = MusicConfig(max_tokens=48, embedding_size=4, hidden_size=5, middle_share=0.0)
NOTHING = NewTunes(transpose=False, mode=False, invert=False, time=False, durations=False, plain_share=0.0)


def test_unvaried_hands_give_the_stored_tokens(music_data: Path) -> None:
    domain = MusicDomain(CONFIG)
    for hand in domain.hands(music_data, "test", varied=False):
        drawn = [hand.examples([0, 3], np.random.default_rng(seed))["tokens"] for seed in (1, 2)]
        assert torch.equal(*drawn)
        assert drawn[0].shape == (2, 48)
        assert drawn[0].max() < domain.vocabulary.size


def test_a_varied_hand_moves_all_works_by_one_map(music_data: Path) -> None:
    domain = MusicDomain(CONFIG)
    (varied, *_), (plain, *_) = (domain.hands(music_data, "train", varied=value) for value in (True, False))
    works = range(min(8, plain.num_works))
    before = plain.examples(works, np.random.default_rng(0))["tokens"]
    moved, tried = 0, 0
    for seed in range(12):
        after = varied.examples(works, np.random.default_rng(seed))["tokens"]
        if (after != 0).sum() != (before != 0).sum() or not torch.equal(after == domain.vocabulary.bar,
                                                                        before == domain.vocabulary.bar):  # fmt: skip
            continue  # halved or doubled in time: other bar lines, other tokens
        tried += 1
        pairs = set(zip(before.flatten().tolist(), after.flatten().tolist(), strict=True))
        assert len(pairs) == len({old for old, _ in pairs})
        moved += any(old != new for old, new in pairs)
    assert tried >= 3
    assert moved >= tried - 2


def test_support_and_query_of_a_task_are_in_one_variation(music_data: Path) -> None:
    (hand, *_) = MusicDomain(CONFIG).hands(music_data, "train", varied=True)
    for seed in range(5):
        together = hand.examples([0, 1, 2, 3], np.random.default_rng(seed))["tokens"]
        apart = [hand.examples(works, np.random.default_rng(seed))["tokens"] for works in ([0, 1], [2, 3])]
        assert torch.equal(torch.cat(apart), together)


def test_a_work_read_from_inside_begins_at_one_of_its_bar_lines(music_data: Path) -> None:
    domain, works = MusicDomain(CONFIG), Dataset.open(music_data).works("Luxembourg")
    hand = MusicHand("a", works, domain.vocabulary, 16, NOTHING, middle_share=1.0)
    seen = set()
    for seed in range(30):
        (row,) = hand.examples([0], np.random.default_rng(seed))["tokens"].tolist()
        starts = [at for at in range(len(works[0].tokens) - 15) if works[0].tokens[at : at + 16].tolist() == row]
        assert row[0] == domain.vocabulary.bar
        assert starts, "a whole window is left after the bar line"
        seen.add(starts[0])
    assert len(seen) > 1
    beginning = MusicHand("a", works, domain.vocabulary, 16, NOTHING, middle_share=0.0)
    assert beginning.examples([0], np.random.default_rng(1))["tokens"][0].tolist() == works[0].tokens[:16].tolist()


def test_data_that_is_missing_is_named() -> None:
    with pytest.raises(UserError, match="metaart data prepare music"):
        MusicDomain(CONFIG).hands(None, "train", varied=True)


def test_no_works_are_no_tokens(music_data: Path) -> None:
    for varied in (True, False):
        (hand, *_) = MusicDomain(CONFIG).hands(music_data, "train", varied=varied)
        assert hand.examples([], np.random.default_rng(1))["tokens"].shape == (0, 48)
