"""Made curators go by what they say, and damage does what it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.domains.rating.curators import Standard, draw_taste, rated
from metaart.domains.rating.damage import DAMAGES
from metaart.domains.viewing.qualities import NAMES, qualities
from tests.formats.pictures.drawings import drawing

PICTURES = [drawing(hand, work) for hand in range(5) for work in range(6)]


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
        far = [index for index in range(len(PICTURES)) if abs(liking[index]) > 1.2]
        assert all((scores[index] > 5.5) == (liking[index] > 0) for index in far)


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
