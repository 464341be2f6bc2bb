"""The evaluation of rating, on a tiny run and made curators."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import torch

from metaart.arts.judging.confidence import load_calibration
from metaart.arts.judging.critic import Critic
from metaart.arts.rating.evaluate import WIDEST, Episode, RatingConfig, _bound, draw, evaluate_rating
from metaart.cli import main
from metaart.config import override
from metaart.errors import UserError
from metaart.training.plan import plan_run
from metaart.training.run import load_config, prepare_run, train_run

SMALL = RatingConfig(episodes=12, validation_episodes=6, shots=6, query=8, calibrated_shots=(3, 6), frozen_side=32)


@pytest.fixture
def run(rating_run: Path, tmp_path: Path) -> Path:
    shutil.copytree(rating_run, tmp_path / "run")
    return tmp_path / "run"


def test_ridge_on_the_qualities_finds_the_curators_who_go_by_them(run: Path) -> None:
    result = evaluate_rating(run, SMALL, calibration_to=run, progress=False)
    assert set(result["methods"]) == {"meta: run", "ridge on frozen features", "ridge on the measured qualities",
                                      "ridge on the features of run"}  # fmt: skip
    assert sum(result["goes_by"].values()) == 12
    assert result["methods"]["ridge on the measured qualities"]["qualities"]["spearman"] > 0.5
    for row in result["methods"].values():
        assert -1 <= row["all"]["spearman"] <= 1
        assert 0 <= row["covered"] <= 1
        assert 0 <= row["mean_error"] <= 9
    known = load_calibration(run)
    assert known is not None
    assert [entry.shots for entry in known.entries] == [3, 6]
    assert all(0 < entry.score_bound <= 9 for entry in known.entries)


def test_runs_that_see_other_things_are_judged_on_the_same_episodes(run: Path, tmp_path: Path) -> None:
    """Each sees them its own way, whoever's domain drew them."""
    config, _ = load_config(run)
    seen = config.domain.sees  # type: ignore[attr-defined]
    other = override(config, [f"domain.sees={'frozen' if seen == 'pictures' else 'pictures'}"])
    plan = plan_run(other, tmp_path / "other")
    prepare_run(plan, resume=False)
    train_run(plan)
    few = dataclasses.replace(SMALL, episodes=4, validation_episodes=3)
    ahead = evaluate_rating(run, few, also={"other": tmp_path / "other"}, progress=False)["methods"]
    behind = evaluate_rating(tmp_path / "other", few, also={"run": run}, progress=False)["methods"]
    for name in ("meta: run", "meta: other"):
        assert ahead[name]["all"] == behind[name]["all"]


def test_curators_are_the_same_every_time_and_other_ones_in_every_split(run: Path, drawings_data: Path) -> None:
    critic = Critic(run)
    one, again = (draw(critic, drawings_data, "test", 8, 3, SMALL) for _ in range(2))
    for episode, other in zip(one, again, strict=True):
        assert (episode.task.query["scores"] == other.task.query["scores"]).all()
        assert episode.goes_by == other.goes_by
    assert {episode.goes_by for episode in draw(critic, drawings_data, "test", 40, 3, SMALL)} == {"damage", "qualities"}


def test_a_curator_who_comes_twice_is_one_curator(run: Path, drawings_data: Path) -> None:
    """Twelve episodes of six curators promise nothing of a seventh, as those of twelve would."""
    episodes = draw(Critic(run), drawings_data, "validation", 60, 3, SMALL)
    first: dict[str, Episode] = {episode.curator: episode for episode in episodes}
    assert len(first) > 12
    twelve = list(first.values())[:12]
    errors = [torch.full((8,), 0.25 * place) for place in range(12)]
    assert _bound(errors, twelve, 0.9) == 2.75  # the ceil(12 * 8 * 13 / 12 * 0.9) = 94th of 96
    assert _bound(errors, twelve[:6] * 2, 0.9) == WIDEST


def test_what_a_rating_does_not_take_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match="names of their own beside run"):
        evaluate_rating(run, SMALL, also={"run": run}, progress=False)
    assert main(["evaluate", str(run), "--ways", "5"]) == 2
    assert "for attribution alone" in capsys.readouterr().err


def test_the_command_judges_a_rating(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("metaart.arts.critique.evaluate_both.RatingConfig", lambda *_: SMALL)
    assert main(["evaluate", str(run)]) == 0
    assert "nothing here is a person's judgement" in capsys.readouterr().out
    assert json.loads((run / "evaluation.json").read_text())["shots"] == 6
    assert load_calibration(run) is not None
