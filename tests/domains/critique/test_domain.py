"""Critique: hands, made curators, losses and reading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.func import functional_call

from metaart.domains.critique.domain import (
    MAX_WORKS,
    Critique,
    CritiqueConfig,
    Curator,
    ink,
    score_of,
    standardised,
)
from metaart.domains.rating.curators import Standard, draw_taste, rated
from metaart.domains.rating.damage import DAMAGES
from metaart.domains.viewing.frame import framed
from metaart.domains.viewing.qualities import NAMES, qualities
from metaart.errors import UserError
from metaart.formats.pictures.read import write_png
from tests.formats.pictures.drawings import drawing

PICTURES = [drawing(hand, work) for hand in range(5) for work in range(6)]


def critique(question: str = "attribution") -> Critique:
    return Critique(CritiqueConfig(question=question, side=16, layers=2, channels=8, most_hands=4))  # type: ignore[arg-type]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(1, 10), min_size=1, max_size=8))
def test_scores_go_there_and_back(scores: list[float]) -> None:
    torch.testing.assert_close(score_of(standardised(scores)[:, None]), torch.tensor(scores), atol=1e-5, rtol=0)


def test_scores_stay_on_their_scale() -> None:
    assert score_of(torch.tensor([[-9.0], [9.0]])).tolist() == [1.0, 10.0]


def test_ink_is_black_on_white() -> None:
    pixels = np.full((2, 3, 3), 255, np.uint8)
    pixels[0, 1] = (0, 51, 255)
    found = ink([pixels])
    assert found.shape == (1, 3, 2, 3)
    torch.testing.assert_close(found[0, :, 0, 1], torch.tensor([1.0, 0.8, 0.0]))
    assert found.sum() == pytest.approx(1.8)


def test_a_picture_of_any_size_is_framed_on_white() -> None:
    wide = np.zeros((4, 8, 3), np.uint8)
    found = framed(wide, 16)
    assert found.shape == (16, 16, 3)
    assert (found[:4] == 255).all()
    assert (found[12:] == 255).all()
    assert (found[5:11] == 0).all()
    assert framed(found, 16) is found


def test_an_unvaried_hand_shows_its_works_as_they_are(drawings_data: Path) -> None:
    domain = critique()
    hand = domain.hands(drawings_data, "test", varied=False)[2]
    assert hand.name == "hand 26"
    shown = hand.examples([0, 3], np.random.default_rng(0))["pictures"]
    torch.testing.assert_close(shown, ink([drawing(26, 0), drawing(26, 3)]))


def test_the_loss_of_rating_is_the_squared_error(drawings_data: Path) -> None:
    domain = critique("rating")
    examples = {"pictures": torch.zeros(2, 3, 16, 16), "scores": torch.tensor([1.0, -1.0])}
    assert domain.loss(lambda _: torch.tensor([[0.0], [0.5]]), examples) == pytest.approx((1 + 2.25) / 2)
    assert domain.units(examples) == domain.targets(examples) == 2
    (hand,) = domain.hands(drawings_data, "train", varied=True)
    first, again, other = (hand.examples(range(8), np.random.default_rng(seed))["scores"] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_curators_of_a_split_are_many_and_keep_their_taste(drawings_data: Path) -> None:
    hands = critique("rating").hands(drawings_data, "test", varied=False)
    assert len(hands) == 100
    for hand in hands[:10]:
        one, other = (hand.examples(range(6), np.random.default_rng(seed)) for seed in (1, 2))
        assert torch.equal(one["scores"], other["scores"])
        assert torch.equal(one["pictures"], other["pictures"])
    tastes = [hand.taste for hand in hands if isinstance(hand, Curator) and hand.taste]
    assert len(set(tastes)) == 100
    assert {taste.damage for taste in tastes} == {"", "shuffle", "pixelate"}
    assert all(taste.words for taste in tastes)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31), st.sampled_from(["train", "validation", "test"]))
def test_a_curator_goes_by_what_it_says(seed: int, split: str) -> None:
    taste = draw_taste(split, np.random.default_rng(seed))
    standard = Standard.of(np.stack(PICTURES))
    shown, scores = rated(taste, split, standard, list(range(len(PICTURES))), PICTURES)
    assert all(score in range(1, 11) for score in scores)
    liking = (qualities(np.stack(PICTURES)) - standard.mean) / standard.deviation @ np.array(taste.weights)
    if taste.damage:
        assert taste.damage in DAMAGES[split]
        untouched = [np.array_equal(*pair) for pair in zip(shown, PICTURES, strict=True)]
        assert all(
            score >= 9 for score, same in zip(scores, untouched, strict=True) if same and taste.damage == "noise"
        )
    else:
        assert all(np.array_equal(*pair) for pair in zip(shown, PICTURES, strict=True))
        assert float(np.linalg.norm(taste.weights)) == pytest.approx(1)
        assert 1 <= sum(weight != 0 for weight in taste.weights) <= 3
        far = [place for place in range(len(PICTURES)) if abs(liking[place]) > 1.2]
        assert all((scores[place] > 5.5) == (liking[place] > 0) for place in far)


def test_the_splits_mind_other_damage() -> None:
    kinds = [set(DAMAGES[split]) for split in ("train", "validation", "test")]
    assert not kinds[0] & kinds[1]
    assert not kinds[0] & kinds[2]
    assert not kinds[1] & kinds[2]


@pytest.mark.parametrize(("split", "kind"), [(split, kind) for split, kinds in DAMAGES.items() for kind in kinds])
def test_damage_grows_with_its_amount(split: str, kind: str) -> None:
    picture = drawing(1, 2, 64)
    changed = [
        int((DAMAGES[split][kind](picture, amount, np.random.default_rng(3)) != picture).any(-1).sum())
        for amount in (0.0, 0.3, 1.0)
    ]
    assert changed[0] == 0
    assert 0 < changed[1] < changed[2]


def test_a_fast_learner_can_read_a_score_off_a_quality() -> None:
    """The made scores follow the qualities: a least-squares line through them explains most of it."""
    standard = Standard.of(np.stack(PICTURES))
    taste = draw_taste("train", np.random.default_rng(next(
        seed for seed in range(50) if not draw_taste("train", np.random.default_rng(seed)).damage)))  # fmt: skip
    _, scores = rated(taste, "train", standard, list(range(len(PICTURES))), PICTURES)
    z = (qualities(np.stack(PICTURES)) - standard.mean) / standard.deviation
    x = np.concatenate([z, np.ones((len(z), 1))], 1)
    left = np.array(scores) - x @ np.linalg.lstsq(x, np.array(scores), rcond=None)[0]
    assert left.var() < 0.4 * np.var(scores)
    assert len(NAMES) == 6


def test_files_are_framed_and_counted() -> None:
    domain = critique()
    found = domain.read([write_png(drawing(0, 0, 40)), write_png(drawing(1, 0))])["pictures"]
    assert found.shape == (2, 3, 16, 16)
    torch.testing.assert_close(found[1], ink([drawing(1, 0)])[0])
    with pytest.raises(UserError, match=f"1 to {MAX_WORKS}"):
        domain.read([write_png(drawing(0, 0))] * (MAX_WORKS + 1))
    with pytest.raises(UserError, match="the third"):
        domain.read([b"junk"], ["the third"])


def test_an_answer_is_bare_json() -> None:
    for question, key in (("attribution", b'{"probabilities": ['), ("rating", b'{"score": ')):
        domain = critique(question)
        net = domain.learner()

        def beside(*inputs: torch.Tensor, net=net) -> object:  # type: ignore[no-untyped-def]
            return torch.stack([functional_call(net, dict(net.named_parameters()), (one,)) for one in inputs[0]])

        (found,) = domain.render(beside, [torch.zeros(3, 16, 16)])
        assert found.startswith(key)


@pytest.mark.parametrize(
    "setting",
    [{"question": "taste"}, {"side": 20}, {"most_hands": 1}, {"channels": 12}, {"layers": 0}],
)
def test_configurations_out_of_range_are_refused(setting: dict[str, object]) -> None:
    with pytest.raises(UserError, match=r"domain\."):
        CritiqueConfig(**setting)  # type: ignore[arg-type]


def test_data_must_be_pictures(music_data: Path) -> None:
    for data, said in ((None, "prepared drawings"), (music_data, "pictures")):
        with pytest.raises(UserError, match=said):
            critique().hands(data, "train", varied=True)
