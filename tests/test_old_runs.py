"""Runs that an earlier version trained are loaded by this one, and answer what they answered then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from metaart.artists.art import Made, Request
from metaart.artists.run import Run
from metaart.artists.works import rated_works, work_of, works_of_files, works_of_hands
from metaart.arts import load
from metaart.config import from_json, to_json
from metaart.domains.critique.domain import CritiqueConfig
from metaart.domains.rating.domain import RatingConfig
from metaart.errors import UserError
from metaart.formats.pictures.read import read_picture
from metaart.old_runs import upgraded

OLD = Path(__file__).parent / "data" / "old-runs"
WORKS, MADE = OLD / "works", OLD / "made"
LEMUR = Path(__file__).parents[1] / "metaart" / "photographs" / "lemur.jpg"
ARTS = ("critique", "music", "rating", "sinusoid", "style")


def made(run: Run, works: list[Any], files: dict[str, Path], **options: Any) -> Made:
    """What a run makes first of all that its art offers."""
    use = run.art.uses[0]
    read = {entry.name: work_of(files[entry.name], entry.format) for entry in use.inputs if entry.name in files}
    (found,) = run.make(use, [Request([run.adapt_works(works)], use.options(**options), read)])
    return found


def same(found: Any, before: Any) -> None:
    """Equal but for what another processor rounds otherwise."""
    assert type(found) is type(before)
    if isinstance(before, dict):
        assert list(found) == list(before)
        for name, value in before.items():
            same(found[name], value)
    elif isinstance(before, list):
        assert len(found) == len(before)
        for pair in zip(found, before, strict=True):
            same(*pair)
    elif isinstance(before, float):
        assert found == pytest.approx(before, abs=2e-3)
    else:
        assert found == before


def alike(data: bytes, before: Path) -> None:
    """The same picture but for what another processor rounds otherwise."""
    found, expected = (read_picture(one, name="a picture").astype(int) for one in (data, before.read_bytes()))
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 2


@pytest.mark.parametrize("art", ARTS)
def test_every_art_is_loaded_under_its_name(art: str) -> None:
    run = load(OLD / art)
    assert run.art.name == run.config.recipe == art
    assert from_json(to_json(run.config)) == run.config


def test_a_run_of_critique_judges_as_before() -> None:
    run = load(OLD / "critique")
    found = made(run, works_of_hands(WORKS / "hands", run.reads), {"work": WORKS / "work.png"})
    same(json.loads(found.data), json.loads((MADE / "critique.json").read_text()))


def test_a_run_of_rating_judges_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(WORKS)
    run = load(OLD / "rating")
    found = made(run, rated_works(Path("scores.csv"), run.reads), {"work": WORKS / "work.png"})
    same(json.loads(found.data), json.loads((MADE / "rating.json").read_text()))


def test_a_run_of_music_composes_as_before() -> None:
    run = load(OLD / "music")
    works = works_of_files(sorted((WORKS / "tunes").iterdir()), run.reads.format)
    assert made(run, works, {}, bars=4, seed=3).data == (MADE / "music.mid").read_bytes()


def test_a_run_of_style_redraws_as_before() -> None:
    run = load(OLD / "style")
    works = works_of_files(sorted((WORKS / "hands" / "h0").iterdir()), run.reads.format)
    alike(made(run, works, {"photograph": LEMUR}, side=40).data, MADE / "style.png")


def test_a_run_of_sine_waves_answers_as_before() -> None:
    run, before = load(OLD / "sinusoid"), json.loads((MADE / "sinusoid.json").read_text())
    column = {name: torch.tensor(values)[:, None] for name, values in before.items()}
    params = run.adapted({"x": column["x"], "y": column["y"]})
    torch.testing.assert_close(run.predict(params)(column["asked"]), column["answers"], rtol=1e-4, atol=1e-5)


def test_the_models_that_ship_make_what_they_made_before() -> None:
    tunes = works_of_files(sorted((WORKS / "tunes").iterdir()), load("music").reads.format)
    assert made(load("music"), tunes, {}, bars=8, seed=5).data == (MADE / "shipped-music.mid").read_bytes()

    critic = load("critique")
    found = made(critic, works_of_hands(WORKS / "hands", critic.reads), {"work": WORKS / "work.png"})
    same(json.loads(found.data), json.loads((MADE / "shipped-critique.json").read_text()))

    pictures = works_of_files(sorted((WORKS / "hands" / "h0").iterdir()), load("style").reads.format)
    alike(made(load("style"), pictures, {"photograph": LEMUR}, side=48).data, MADE / "shipped-style.png")


def test_what_was_asked_of_critique_decides_which_art_it_is() -> None:
    shared = {"sees": "frozen", "side": 32, "channels": 16, "layers": 3, "width": 64}
    before = {**shared, "kind": "critique", "most_hands": 7, "most_works": 5, "new_hands": {"mirror": False}}
    plain = json.loads((OLD / "critique" / "config.json").read_text())
    configs = {
        question: from_json(json.dumps({**plain, "domain": {**before, "question": question}})).domain
        for question in ("attribution", "rating")
    }
    assert configs["rating"] == RatingConfig(**shared)
    critique = configs["attribution"]
    assert isinstance(critique, CritiqueConfig)
    assert (critique.side, critique.most_hands, critique.most_works, critique.new_hands.mirror) == (32, 7, 5, False)


def test_what_this_version_writes_is_left_as_it_is() -> None:
    for art in ARTS:
        plain = json.loads(to_json(load(OLD / art).config))
        assert upgraded(plain) == plain
    for other in ({}, {"domain": None}, {"domain": {"kind": "critique"}}, {"domain": {"kind": "x", "question": "y"}}):
        assert upgraded(other) is other
    plain = json.loads((OLD / "music" / "config.json").read_text())
    with pytest.raises(UserError, match="question"):
        from_json(json.dumps({**plain, "domain": {**plain["domain"], "question": "rating"}}))
