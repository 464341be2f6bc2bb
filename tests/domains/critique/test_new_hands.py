"""New hands for pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.domains.critique.new_hands import NewDrawings, PictureHand, draw_hand
from metaart.errors import UserError


def ink(seed: int = 0, works: int = 3, side: int = 16) -> torch.Tensor:
    return torch.rand(works, 3, side, side, generator=torch.Generator().manual_seed(seed))


def test_a_hand_that_changes_nothing() -> None:
    assert torch.equal(PictureHand().apply(ink()), ink())


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31))
def test_a_hand_treats_all_its_works_alike_and_keeps_their_range(seed: int) -> None:
    hand = draw_hand(NewDrawings(), np.random.default_rng(seed))
    assert hand == draw_hand(NewDrawings(), np.random.default_rng(seed))
    works = ink(seed)
    changed = hand.apply(works)
    assert changed.shape == works.shape
    assert float(changed.min()) >= -1e-6
    assert float(changed.max()) <= 1 + 1e-6
    for index in range(3):
        torch.testing.assert_close(changed[index], hand.apply(works[index : index + 1])[0])


def test_turns_mirrors_and_negatives_undo_themselves() -> None:
    works = ink()
    for hand, times in (
        (PictureHand(mirror=True), 2),
        (PictureHand(quarter_turns=1), 4),
        (PictureHand(negative=True), 2),
        (PictureHand(channels=(1, 2, 0)), 3),
    ):
        changed = works
        for turn in range(times):
            changed = hand.apply(changed)
            assert torch.allclose(changed, works) == (turn == times - 1)


def test_strokes() -> None:
    line = torch.zeros(1, 3, 9, 9)
    line[..., 4] = 1
    assert PictureHand(stroke="thicker").apply(line)[0, 0, 4].tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0]
    assert not PictureHand(stroke="thinner").apply(line).any()
    assert PictureHand(stroke="thinner").apply(PictureHand(stroke="thicker").apply(line))[0, 0, 4, 4] == 1
    torch.testing.assert_close(
        PictureHand(stroke="softer").apply(line)[0, 0, 4], torch.tensor([0, 0, 0, 1, 1, 1, 0, 0, 0]) / 3
    )


def test_moving_shows_what_lies_there() -> None:
    """A shift of one pixel to the right looks one pixel further right."""
    works = ink(side=8)
    moved = PictureHand(shift=(2 / 8, 0.0)).apply(works)
    torch.testing.assert_close(moved[..., :-1], works[..., 1:])
    assert not moved[..., -1].any()


def test_switched_off_means_off() -> None:
    off = NewDrawings(mirror=False, turn=False, stroke=False, move=0.0, recolour=False, negative=0.0)
    assert {draw_hand(off, np.random.default_rng(seed)) for seed in range(50)} == {PictureHand()}


@pytest.mark.parametrize("setting", [{"move": 0.6}, {"negative": -0.1}])
def test_settings_out_of_range_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(UserError, match=r"domain\.new_hands"):
        NewDrawings(**setting)  # type: ignore[arg-type]
