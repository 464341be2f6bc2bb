"""Rating: curators as hands, their scores, the loss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.domains.rating.domain import RatingConfig, RatingDomain
from metaart.domains.rating.hands import CuratorHand
from metaart.domains.rating.scale import score_of, standardised
from metaart.errors import UserError

DOMAIN = RatingDomain(RatingConfig(side=16, layers=2, channels=8))


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(1, 10), min_size=1, max_size=8))
def test_scores_go_there_and_back(scores: list[float]) -> None:
    torch.testing.assert_close(score_of(standardised(scores)[:, None]), torch.tensor(scores), atol=1e-5, rtol=0)


def test_scores_stay_on_their_scale() -> None:
    assert score_of(torch.tensor([[-9.0], [9.0]])).tolist() == [1.0, 10.0]


def test_the_loss_is_the_squared_error(drawings_data: Path) -> None:
    examples = {"pictures": torch.zeros(2, 3, 16, 16), "scores": torch.tensor([1.0, -1.0])}
    assert DOMAIN.loss(lambda _: torch.tensor([[0.0], [0.5]]), examples) == pytest.approx((1 + 2.25) / 2)
    assert DOMAIN.units(examples) == DOMAIN.targets(examples) == 2
    (hand,) = DOMAIN.hands(drawings_data, "train", varied=True)
    first, again, other = (hand.examples(range(8), np.random.default_rng(seed))["scores"] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_curators_of_a_split_are_many_and_keep_their_taste(drawings_data: Path) -> None:
    hands = DOMAIN.hands(drawings_data, "test", varied=False)
    assert len(hands) == 100
    for hand in hands[:10]:
        one, other = (hand.examples(range(6), np.random.default_rng(seed)) for seed in (1, 2))
        assert torch.equal(one["scores"], other["scores"])
        assert torch.equal(one["pictures"], other["pictures"])
    tastes = [hand.taste for hand in hands if isinstance(hand, CuratorHand) and hand.taste]
    assert len(set(tastes)) == 100
    assert {taste.damage for taste in tastes} == {"", "shuffle", "pixelate"}
    assert all(taste.words for taste in tastes)


def test_every_split_has_curators_of_its_own(drawings_data: Path) -> None:
    found = {split: DOMAIN.hands(drawings_data, split, varied=False) for split in ("train", "validation", "test")}
    assert {split: len(hands) for split, hands in found.items()} == {"train": 40, "validation": 40, "test": 100}
    tastes = [hand.taste for hands in found.values() for hand in hands if isinstance(hand, CuratorHand)]
    assert len(set(tastes)) == len(tastes) == 180


def test_its_learner_gives_one_number_from_features_of_length_one() -> None:
    net = DOMAIN.learner()
    answers, features = net(torch.rand(3, 3, 16, 16)), net(torch.rand(3, 3, 16, 16), False)
    assert answers.shape == (3, 1)
    torch.testing.assert_close(features.square().sum(1), torch.ones(3), atol=1e-2, rtol=0)
    assert not DOMAIN.head.classifies


@pytest.mark.parametrize("setting", [{"side": 20}, {"layers": 0}, {"sees": "taste"}, {"width": 0}])
def test_configurations_out_of_range_are_refused(setting: dict[str, object]) -> None:
    with pytest.raises(UserError, match=r"domain\."):
        RatingConfig(**setting)  # type: ignore[arg-type]


def test_rating_has_no_setting_of_critique_alone() -> None:
    for setting in ({"most_hands": 6}, {"new_hands": None}, {"most_works": 60}):
        with pytest.raises(UserError, match="unknown key"):
            RatingConfig(**setting)  # type: ignore[arg-type]
