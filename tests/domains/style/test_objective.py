"""The objective: zero where everything is as wanted, the same at every size, and what each part weighs."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from metaart.domains.style.frames import square, to_tensor
from metaart.domains.style.measures import (
    NUM_COLOUR_MOMENTS,
    StyleReader,
    examples_of,
    in_colours_of,
    shipped_photographs,
    wanted_of,
)
from metaart.domains.style.objective import Objective, ObjectiveConfig, Wanted
from metaart.errors import UserError
from metaart.functional.style import content_distance, gram, gram_distance


@pytest.fixture(scope="module")
def objective() -> Objective:
    return Objective()


@pytest.fixture(scope="module")
def photograph() -> Tensor:
    return to_tensor(square(shipped_photographs()[0], 64))[None]


def test_a_picture_is_like_itself(objective: Objective, photograph: Tensor) -> None:
    wanted = Wanted(objective.of_content(photograph), objective.of_style(photograph))
    parts = objective.parts(photograph, wanted)
    assert float(parts.content) == float(parts.style) == 0
    assert float(parts.total) == pytest.approx(objective.config.variation * float(parts.variation))


def test_the_total_is_the_weighted_sum_of_means_over_taps(photograph: Tensor) -> None:
    config = ObjectiveConfig(content=2.0, style=3.0, variation=0.5)
    objective = Objective(config)
    other = photograph.flip(-1) * 0.7
    parts = objective.parts(photograph, Wanted(objective.of_content(other), objective.of_style(other)))
    network = objective.network
    here = network.features(photograph, (*network.style_taps, "4"))
    there = network.features(other, (*network.style_taps, "4"))
    style = sum(gram_distance(gram(here[tap]), gram(there[tap])) for tap in network.style_taps) / 10
    content = content_distance(here["4"], there["4"])
    torch.testing.assert_close(parts.style, style)
    torch.testing.assert_close(parts.content, content)
    torch.testing.assert_close(parts.total, 2 * content + 3 * style + 0.5 * parts.variation)


def test_a_weight_means_the_same_at_every_size(objective: Objective, photograph: Tensor) -> None:
    """A picture tiled twice over is four times as large, and as far from the style as it was."""
    style = objective.of_style(photograph.flip(1))
    small, large = photograph, photograph.repeat(1, 1, 2, 2)
    far = [float(objective.parts(p, Wanted(objective.of_content(p), style)).style) for p in (small, large)]
    assert far[0] == pytest.approx(far[1], rel=0.15)


@pytest.mark.parametrize("name", ["efficientnet-strided", "random-vgg"])
def test_loss_networks_go_by_name(name: str, photograph: Tensor) -> None:
    objective = Objective(ObjectiveConfig(loss_network=name))
    wanted = Wanted(objective.of_content(photograph), objective.of_style(photograph.flip(1)))
    assert float(objective.parts(photograph, wanted).style) > 0.01


def test_what_cannot_be_an_objective_is_refused() -> None:
    for name in ("vgg", "vgg19:", "vgg19:missing.pth", "efficientnet:x.pth"):
        with pytest.raises(UserError):
            Objective(ObjectiveConfig(loss_network=name))
    for name, weight in {"content": -1.0, "style": float("nan"), "variation": float("inf")}.items():
        with pytest.raises(UserError, match=name):
            dataclasses.replace(ObjectiveConfig(), **{name: weight})  # type: ignore[arg-type]


def test_examples_are_what_the_objective_compares(objective: Objective) -> None:
    reader, stock = StyleReader(objective), [square(pixels, 32) for pixels in shipped_photographs()[:4]]
    examples = examples_of(reader, stock[:2], stock[1:], [0, 1, 0])
    assert {value.shape[0] for value in examples.values()} == {3}
    wanted = wanted_of(examples)
    assert tuple(wanted.content) == objective.network.content_taps
    assert tuple(wanted.style) == objective.network.style_taps
    for tap, value in wanted.style.items():
        alone = objective.of_style(to_tensor(stock[1])[None])[tap]
        torch.testing.assert_close(value[1], alone[0], rtol=1e-3, atol=1e-5)
        assert not torch.equal(value[0], value[1])
        assert torch.equal(value[0], value[2])
    assert torch.equal(examples["statistics"][0], examples["statistics"][2]), "the hand is told, not the picture"
    assert examples["statistics"].shape[1] == reader.num_statistics
    originals = torch.stack([to_tensor(pixels) for pixels in stock[1:]])
    torch.testing.assert_close(examples["photograph"], in_colours_of(originals, examples["statistics"]))
    assert not reader.nothing(32)["photograph"].numel()


def test_statistics_begin_with_the_colours(objective: Objective, photograph: Tensor) -> None:
    statistics, _ = StyleReader(objective).style(photograph)
    torch.testing.assert_close(statistics[0, :3], photograph.mean((0, 2, 3)))
    red_green = (photograph[0, 0] * photograph[0, 1]).mean()
    torch.testing.assert_close(statistics[0, 4], red_green)
    assert NUM_COLOUR_MOMENTS == 12
    assert float(statistics[:, 12:].abs().mean()) < 3, "centred by the photographs that ship"
