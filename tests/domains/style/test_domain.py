"""The art form style: what a task holds, and training through the real interface."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from metaart.artists.works import Work
from metaart.arts.style.adapt import SUPPORT_PHOTOGRAPHS, read, support
from metaart.cli import main
from metaart.config import RunConfig
from metaart.data.shards import Dataset
from metaart.domains.style.domain import StyleConfig, StyleDomain
from metaart.domains.style.frames import square, to_tensor
from metaart.domains.style.hands import quarters
from metaart.domains.style.measures import in_colours_of, shipped_photographs
from metaart.domains.style.new_styles import NewStyles
from metaart.errors import UserError
from metaart.tasks import Examples
from metaart.training.checkpoint import load_tensors
from metaart.training.context import Interrupted, TrainContext
from metaart.training.plan import plan_run
from metaart.training.run import POOLED, WEIGHTS, prepare_run, train_run
from tests.conftest import TINY_STYLE

SMALL = StyleConfig(size=16, width=4, depth=8, blocks=1, hidden=4, photographs="")


def examples_of(domain: StyleDomain, *files: bytes) -> Examples:
    """What a user's files become."""
    works = [Work(f"{number}.png", data) for number, data in enumerate(files)]
    return support(domain, [read(domain, work) for work in works], works).examples


def file_of(seed: int) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def domain() -> StyleDomain:
    return StyleDomain(SMALL)


def test_support_and_query_share_the_style_but_no_photograph(domain: StyleDomain, drawings_data: Path) -> None:
    (hand, *_) = domain.hands(drawings_data, "train", varied=True)
    shots, query = (hand.examples(works, np.random.default_rng(3)) for works in ([0, 2], [4, 6, 8]))
    assert torch.equal(shots["statistics"][0], query["statistics"][0])
    assert torch.equal(shots["style/stem"][0], query["style/stem"][2]), "even works have the same picture"
    assert not any(torch.equal(one, other) for one in shots["content/4"] for other in query["content/4"])


def test_without_variation_the_picture_is_as_it_is(domain: StyleDomain, drawings_data: Path) -> None:
    (hand, *_) = domain.hands(drawings_data, "test", varied=False)
    work = Dataset.open(drawings_data).works(hand.name)[0]
    varied = hand.examples([0], np.random.default_rng(0))
    one = dataclasses.replace(SMALL, pictures=1)
    (alone, *_) = StyleDomain(one).hands(drawings_data, "test", varied=False)
    examples = alone.examples([0, 1], np.random.default_rng(0))
    pixels = to_tensor(square(work.pixels(), 16))
    torch.testing.assert_close(examples["statistics"][0, :3], pixels.mean((1, 2)))
    photograph = to_tensor(square(quarters(shipped_photographs()[0])[0], 16))[None]
    torch.testing.assert_close(examples["photograph"][:1], in_colours_of(photograph, examples["statistics"][:1]))
    assert varied["statistics"].shape == examples["statistics"][:1].shape


def test_photographs_are_hands_too_in_training_alone(domain: StyleDomain, drawings_data: Path) -> None:
    def names(config: StyleConfig, split: str, varied: bool) -> set[str]:
        return {hand.name for hand in StyleDomain(config).hands(drawings_data, split, varied=varied)}  # type: ignore[arg-type]

    without = dataclasses.replace(SMALL, new_styles=NewStyles(photographs=False))
    artists = names(without, "train", True)
    added = names(SMALL, "train", True) - artists
    assert len(added) == len(domain.photographs("train")) == 4 * len(shipped_photographs())
    assert names(SMALL, "train", False) == artists
    assert names(SMALL, "test", False) == names(without, "test", False)


def test_a_users_pictures_are_tried_on_enough_photographs(domain: StyleDomain) -> None:
    one, many = examples_of(domain, file_of(0)), examples_of(domain, *(file_of(seed) for seed in range(20)))
    assert one["photograph"].shape == (SUPPORT_PHOTOGRAPHS, 3, 16, 16)
    assert many["photograph"].shape[0] == 20
    assert len({tuple(grams.flatten().tolist()) for grams in many["style/stem"]}) == 20


def test_a_network_that_is_not_told_has_one_style(drawings_data: Path) -> None:
    domain = StyleDomain(dataclasses.replace(SMALL, conditioned=False))
    learner = domain.learner()
    alone = examples_of(domain, file_of(0))
    other = {**alone, "statistics": alone["statistics"] + 1}
    assert torch.equal(domain.loss(learner, alone), domain.loss(learner, other))


@pytest.mark.parametrize(
    "wrong", [{"size": 20}, {"size": 8}, {"width": 0}, {"depth": 1}, {"pictures": 0}, {"hidden": True}]
)
def test_what_cannot_be_learned_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UserError, match=f"domain.{next(iter(wrong))} to be a whole number"):
        dataclasses.replace(SMALL, **wrong)  # type: ignore[arg-type]


def test_a_missing_folder_says_how_to_prepare_one(domain: StyleDomain, tmp_path: Path, music_data: Path) -> None:
    with pytest.raises(UserError, match="data prepare"):
        domain.hands(None, "train", varied=True)
    with pytest.raises(UserError, match="pictures"):
        domain.hands(music_data, "train", varied=True)
    with pytest.raises(UserError, match="elsewhere"):
        StyleDomain(dataclasses.replace(SMALL, photographs=str(tmp_path / "elsewhere"))).photographs("train")


def test_a_stopped_run_goes_on_as_if_it_had_not_been(style_config: RunConfig, style_run: Path, tmp_path: Path) -> None:
    steps = iter([False, True])
    config = dataclasses.replace(style_config, checkpoint_every=1)
    plan = plan_run(config, tmp_path / "run")
    prepare_run(plan, resume=False)
    with pytest.raises(Interrupted):
        train_run(plan, TrainContext(stop=lambda: next(steps, False)))
    train_run(plan)
    for file in (POOLED, WEIGHTS):
        whole, resumed = load_tensors(style_run / file), load_tensors(tmp_path / "run" / file)
        assert all(torch.equal(value, resumed[name]) for name, value in whole.items())


def test_the_command_trains(drawings_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    settings = [word for setting in (*TINY_STYLE, "meta.steps=1", "pretrain.steps=1") for word in ("--set", setting)]
    assert main(["train", "style", "--out", str(out), "--data", str(drawings_data), *settings]) == 0
    assert (out / WEIGHTS).exists()
    assert main(["train", "style", "--out", str(out), "--data", str(drawings_data), *settings]) == 2
    assert "--resume" in capsys.readouterr().err
