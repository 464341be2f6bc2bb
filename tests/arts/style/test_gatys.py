"""Pixels that are optimised."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from metaart.arts.style.gatys import GatysConfig, gatys
from metaart.domains.style.frames import square, to_tensor
from metaart.domains.style.measures import shipped_photographs
from metaart.domains.style.objective import Objective, Wanted
from metaart.errors import UserError


@pytest.fixture(scope="module")
def objective() -> Objective:
    return Objective()


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_the_objective_falls_and_pixels_stay_in_range(objective: Objective, optimizer: str) -> None:
    photograph, picture = (to_tensor(square(pixels, 32))[None] for pixels in shipped_photographs()[:2])
    style = objective.of_style(picture)
    wanted = Wanted(objective.of_content(photograph), style)
    seen: list[tuple[int, float]] = []

    def watch(step: int, pixels: Tensor) -> None:
        seen.append((step, float(objective.parts(pixels, wanted).total)))

    config = GatysConfig(steps=6, optimizer=optimizer)  # type: ignore[arg-type]
    drawn = gatys(objective, photograph, style, config, watch=watch)
    assert [step for step, _ in seen] == [1, 2, 3, 4, 5, 6]
    assert seen[-1][1] < 0.8 * float(objective.parts(photograph, wanted).total)
    assert 0 <= float(drawn.min()) <= float(drawn.max()) <= 1
    assert not drawn.requires_grad


def test_it_starts_where_it_is_told(objective: Objective) -> None:
    photograph, other = torch.full((1, 3, 16, 16), 0.2), torch.full((1, 3, 16, 16), 0.8)
    style = objective.of_style(photograph)
    near = gatys(objective, photograph, style, GatysConfig(steps=1, rate=0.01), start=other)
    assert float((near - other).abs().max()) < 0.011


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"rate": 0.0}, {"rate": 2.0}, {"optimizer": "sgd"}])
def test_what_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UserError, match=next(iter(wrong))):
        GatysConfig(**wrong)  # type: ignore[arg-type]
