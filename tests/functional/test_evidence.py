"""Maps of evidence beside a linear model, where every loss is a sum."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from metaart.functional.evidence import deletion_curve, insertion_curve, log_odds, occlusion_map

WEIGHTS = torch.randn(2, 12, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
PICTURE = torch.randn(2, 12, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
FILL = torch.tensor([0.5, -1.0], dtype=torch.float64)


def linear(pictures: Tensor) -> Tensor:
    return (pictures * WEIGHTS).sum((1, 2, 3))


def test_patches_that_tile_show_their_own_share() -> None:
    found = occlusion_map(linear, PICTURE, FILL, patch=4, stride=4)
    share = (WEIGHTS * (PICTURE - FILL[:, None, None])).sum(0)
    for top in range(0, 12, 4):
        for left in range(0, 8, 4):
            field = (slice(top, top + 4), slice(left, left + 4))
            torch.testing.assert_close(found[field], share[field].sum().expand(4, 4))


def test_overlapping_patches_are_averaged() -> None:
    found = occlusion_map(linear, PICTURE, FILL, patch=2, stride=1)
    share = (WEIGHTS * (PICTURE - FILL[:, None, None])).sum(0)
    covering = [share[top : top + 2, left : left + 2].sum() for top in (4, 5) for left in (2, 3)]
    torch.testing.assert_close(found[5, 3], torch.stack(covering).mean())


def test_every_pixel_is_covered() -> None:
    assert occlusion_map(linear, PICTURE, FILL, patch=3, stride=2).isfinite().all()


def test_log_odds_are_those_of_the_softmax() -> None:
    answers = torch.randn(5, 4, dtype=torch.float64)
    p = answers.softmax(-1)[:, 2]
    torch.testing.assert_close(log_odds(answers, 2), (p / (1 - p)).log())


@pytest.mark.parametrize("steps", [1, 4, 96])
def test_curves_go_from_one_end_to_the_other(steps: int) -> None:
    order = torch.rand(12, 8)
    whole, empty = linear(PICTURE[None])[0], linear(FILL[:, None, None].expand(1, 2, 12, 8))[0]
    away = deletion_curve(linear, PICTURE, FILL, order, steps)
    back = insertion_curve(linear, PICTURE, FILL, order, steps)
    assert away.shape == back.shape == (steps + 1,)
    torch.testing.assert_close(torch.stack([away[0], away[-1], back[0], back[-1]]),
                               torch.stack([whole, empty, empty, whole]))  # fmt: skip
    torch.testing.assert_close(away + back, (whole + empty).expand(steps + 1))  # each pixel is in one of the two


def test_the_true_map_of_a_linear_model_beats_every_other() -> None:
    share = (WEIGHTS * (PICTURE - FILL[:, None, None])).sum(0)
    best = deletion_curve(linear, PICTURE, FILL, share, 96)
    for seed in range(20):
        order = torch.rand(12, 8, generator=torch.Generator().manual_seed(seed))
        assert (best <= deletion_curve(linear, PICTURE, FILL, order, 96) + 1e-9).all()
