"""Every recipe runs, one step of each of its stages."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cluster import train
from metaart import cli
from metaart.config import from_json, override, to_json
from metaart.domains import art_of
from metaart.errors import UserError
from metaart.recipes import RECIPES, recipe, recipe_or_file
from metaart.training.context import TrainContext
from metaart.training.plan import plan_run
from metaart.training.run import load_algorithm, prepare_run, train_run
from tests.contract.arts import data_of


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_runs_one_step(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    config = recipe(name)
    assert config.recipe == name
    assert from_json(to_json(config)) == config
    settings = [f"{stage}.{key}" for stage in ("pretrain", "meta") for key in ("tasks=2", "validation_tasks=2")]
    settings += ["meta.steps=1", *(["pretrain.steps=1"] if config.pretrain.steps else [])]
    settings += ["meta.episode.ways=10"] if config.meta.episode.ways > 10 else []  # the made drawings are of 12 hands
    settings += [f"data={data_of(art_of(config.domain), request)}"] if config.data else []
    settings += ["domain.photographs=", "domain.size=16"] if name == "style" else []
    config = override(config, settings)
    plan = plan_run(config, tmp_path / "run")
    prepare_run(plan, resume=False)
    lines: list[dict[str, object]] = []
    train_run(plan, TrainContext(report=lines.append))
    assert [line["stage"] for line in lines] == [*(["pretrain"] if config.pretrain.steps else []), "meta"]
    again, _, algorithm = load_algorithm(tmp_path / "run")
    assert again == config
    assert all(torch.isfinite(value).all() for value in algorithm.parameters())


def test_an_unknown_recipe_is_refused_with_those_there_are() -> None:
    with pytest.raises(UserError, match="music, critique, rating, style, sinusoid"):
        recipe("opera")


def test_a_recipe_file_is_read_back_equal_by_both_commands_of_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = override(recipe("sinusoid"), ["algorithm.alpha=0.0123", "seed=5"])
    file = tmp_path / "best.json"
    file.write_text(to_json(config), encoding="utf-8")
    assert recipe_or_file(None, file) == config
    for command in (cli.main, train.main):
        arguments = ["train"] if command is cli.main else []
        assert command([*arguments, "--recipe-file", str(file), "--set", "meta.steps=7", "--show"]) == 0
        shown = capsys.readouterr().out
        assert '"alpha": 0.0123' in shown
        assert '"steps": 7' in shown


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("music", "{}", "both 'music' and"),
        (None, None, "neither"),
        (None, "", "recipe file"),
        (None, "not JSON", "JSON"),
        (None, "[1, 2]", "JSON"),
        (None, '{"recipe": "music", "colour": 1}', "colour"),
    ],
)
def test_a_recipe_file_that_is_none_is_refused(name: str | None, text: str | None, words: str, tmp_path: Path) -> None:
    file = None if text is None else tmp_path / "recipe.json"
    if file is not None and text:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=words):
        recipe_or_file(name, file)


def test_recipes_say_what_they_are() -> None:
    assert all((make.__doc__ or "").strip() for make in RECIPES.values())
