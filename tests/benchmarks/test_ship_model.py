from pathlib import Path

import pytest

from benchmarks import ship_model
from metaart.cli import main
from metaart.config import override
from metaart.data.corpus import CorpusSource
from metaart.data.prepare import prepare
from metaart.recipes import recipe
from metaart.training.plan import plan_run
from metaart.training.run import load_algorithm, prepare_run, train_run
from tests.conftest import TINY


def test_works_with_restrictions_do_not_ship(
    tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ship_model.main([str(tiny_run), "--to", str(tmp_path / "model")]) == 2
    assert "without known restrictions" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


@pytest.mark.slow  # models are shipped by hand
def test_a_free_run_ships_with_its_card(music_data: Path, tmp_path: Path) -> None:
    groups = ["Ryan: jigs", "Aird: book 1", "Aird: book 2"]
    prepare(CorpusSource(), tmp_path / "free", licence="permissive", groups=groups, limit_per_group=14, workers=1,
            progress=False)  # fmt: skip
    config = override(recipe("music"), [f"data={tmp_path / 'free'}", *TINY])
    run, model = tmp_path / "run", tmp_path / "model"
    plan = plan_run(config, run)
    prepare_run(plan, resume=False)
    train_run(plan)
    few = ["--episodes", "4", "--validation-episodes", "4", "--steps", "0", "1", "--judge-hands", "2", "--tuning-only"]
    assert main(["evaluate", str(run), "--data", str(music_data), *few]) == 0
    assert ship_model.main([str(run), "--to", str(model)]) == 0
    assert sorted(path.name for path in model.iterdir()) == [
        "README.md",
        "config.json",
        "tokenizer.json",
        "weights.safetensors",
    ]
    assert load_algorithm(model)[0] == config
    card = (model / "README.md").read_text(encoding="utf-8")
    for words in (
        "Aird",
        "--licence permissive",
        "--set pretrain.steps=2",
        "--set meta.steps=2",
        f"\nmetaart evaluate RUN --data {music_data} {' '.join(few)}\n",
        "4 episodes",
        "8-grams",
    ):
        assert words in card


def test_the_settings_of_a_card_make_the_run_again() -> None:
    settings = ["seed=3", "domain.new_hands.invert=false", "algorithm.query_loss_at=[1]", "meta.steps=7"]
    config = override(recipe("music"), [*settings, "data=elsewhere"])
    assert sorted(ship_model.changed(config)) == sorted(settings)
    assert override(recipe("music"), [*ship_model.changed(config), "data=elsewhere"]) == config


def test_a_card_names_the_licences_of_pictures_and_of_photographs() -> None:
    def prepared(licence: str) -> dict[str, object]:
        traditions = {split: [f"{licence}, {split}"] for split in ("train", "validation", "test")}
        return {"counts": {"works": 1000, "groups": 3}, "groups": [{"licences": {licence: 1000}}],
                "traditions": traditions}  # fmt: skip

    config = override(recipe("style"), ["data=icons", "domain.photographs=views"])
    judged = ship_model.Judged("metaart evaluate RUN --size 64", "a table")
    card = ship_model.card(config, {"icons": prepared("MIT"), "views": prepared("CC0-1.0")}, judged, 1000, 1000)
    for words in (
        "metaart evaluate RUN --size 64",
        "metaart data prepare drawings --licence permissive --out icons",
        "metaart data prepare photographs --licence permissive --out views",
        "Drawings: 1,000 works in 3 groups",
        "never seen: CC0-1.0, test",
        "--set domain.photographs=views",
    ):
        assert words in card
