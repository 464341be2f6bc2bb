"""The evaluation of rating, on a tiny run and made curators."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from metaart.artists.run import Run
from metaart.arts import load
from metaart.arts.judging.confidence import load_calibration
from metaart.arts.judging.frozen_baselines import ridge
from metaart.arts.rating import RatingEvaluation
from metaart.arts.rating.episodes import RatingEpisode, RatingProtocol, draw_episodes
from metaart.arts.rating.evaluate import WIDEST, evaluate, interval_bound
from metaart.arts.rating.methods import RidgeAnswers, Standardised, measured
from metaart.cli import main
from metaart.config import override
from metaart.domains.viewing.qualities import NAMES
from metaart.errors import UserError
from tests.conftest import trained

SMALL = RatingProtocol(shots=6, query=8, calibrated_shots=(3, 6), frozen_side=32)
FEW = RatingEvaluation(episodes=12, validation_episodes=6)


@pytest.fixture
def run(rating_run: Path, tmp_path: Path) -> Run:
    shutil.copytree(rating_run, tmp_path / "run")
    return load(tmp_path / "run")


def judged(run: Run, asked: RatingEvaluation = FEW) -> dict[str, Any]:
    return evaluate(run, asked, run.folder, lambda *_: None, SMALL)[0]


def drawn(run: Run, data: Path, split: str, count: int) -> list[RatingEpisode]:
    return draw_episodes(run.domain, data, split, count, 3, SMALL)  # type: ignore[arg-type]


def test_ridge_on_the_qualities_finds_the_curators_who_go_by_them(run: Run) -> None:
    result = judged(run)
    assert set(result["methods"]) == {"meta: run", "ridge on frozen features", "ridge on the measured qualities",
                                      "ridge on the features of run"}  # fmt: skip
    assert sum(result["goes_by"].values()) == 12
    assert result["methods"]["ridge on the measured qualities"]["qualities"]["spearman"] > 0.5
    for row in result["methods"].values():
        assert -1 <= row["all"]["spearman"] <= 1
        assert 0 <= row["covered"] <= 1
        assert 0 <= row["mean_error"] <= 9
    calibration = load_calibration(run.folder)
    assert calibration is not None
    assert [entry.shots for entry in calibration.entries] == [3, 6]
    assert all(0 < entry.score_bound <= 9 for entry in calibration.entries)


def test_runs_that_see_other_things_are_judged_on_the_same_episodes(run: Run, tmp_path: Path) -> None:
    """Each sees them its own way, whoever's domain drew them."""
    sees = run.config.domain.sees
    trained(override(run.config, [f"domain.sees={'frozen' if sees == 'pictures' else 'pictures'}"]))(tmp_path / "other")
    other, few = load(tmp_path / "other"), RatingEvaluation(episodes=4, validation_episodes=3)
    ahead = judged(run, dataclasses.replace(few, also=(f"other={other.folder}",)))["methods"]
    behind = judged(other, dataclasses.replace(few, also=(f"run={run.folder}",)))["methods"]
    for name in ("meta: run", "meta: other"):
        assert ahead[name]["all"] == behind[name]["all"]


def test_curators_are_the_same_every_time_and_other_ones_in_every_split(run: Run, drawings_data: Path) -> None:
    one, again = (drawn(run, drawings_data, "test", 8) for _ in range(2))
    for episode, other in zip(one, again, strict=True):
        assert (episode.task.query["scores"] == other.task.query["scores"]).all()
        assert (episode.goes_by, episode.curator) == (other.goes_by, other.curator)
        assert episode.curator.startswith("test curator ")
    assert {episode.goes_by for episode in drawn(run, drawings_data, "test", 40)} == {"damage", "qualities"}


def test_a_curator_who_comes_twice_is_one_curator(run: Run, drawings_data: Path) -> None:
    """Twelve episodes of six curators promise nothing of a seventh, as those of twelve would."""
    episodes = drawn(run, drawings_data, "validation", 60)
    first: dict[str, RatingEpisode] = {episode.curator: episode for episode in episodes}
    assert len(first) > 12
    twelve = list(first.values())[:12]
    errors = [torch.full((8,), 0.25 * number) for number in range(12)]
    assert interval_bound(errors, twelve, 0.9) == 2.75  # the ceil(12 * 8 * 13 / 12 * 0.9) = 94th of 96
    assert interval_bound(errors, twelve[:6] * 2, 0.9) == WIDEST


def test_features_are_standardised_on_validation_works_and_found_once(run: Run, drawings_data: Path) -> None:
    episodes = drawn(run, drawings_data, "validation", 3)
    describe = Standardised(measured, episodes)
    found = torch.cat([describe(episode.task.query) for episode in episodes])
    assert found.shape == (3 * 8, len(NAMES))
    torch.testing.assert_close(found.mean(0), torch.zeros(len(NAMES)), atol=1e-5, rtol=0)
    asked: list[int] = []

    def counted(examples: Any) -> torch.Tensor:
        asked.append(len(examples["scores"]))
        return describe(examples)

    answers = RidgeAnswers(counted, episodes)
    for penalty in (0.1, 10.0):
        task = episodes[1].task
        by_hand = ridge(describe(task.support), task.support["scores"], penalty)(describe(task.query))
        torch.testing.assert_close(answers.at(penalty)[1], by_hand)
    assert asked == [3, 8] * 3


def test_what_a_rating_does_not_take_is_refused(
    run: Run, critique_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match="names of their own beside run"):
        judged(run, dataclasses.replace(FEW, also=(f"run={run.folder}",)))
    with pytest.raises(UserError, match=r"a run of rating; got .*, a run of critique"):
        judged(run, dataclasses.replace(FEW, also=(f"other={critique_run}",)))
    assert main(["evaluate", str(run.folder), "--ways", "5"]) == 2
    assert "--ways, which is for critique" in capsys.readouterr().err


def test_what_took_long_is_safe_before_intervals_are_made(run: Run) -> None:
    safe: list[str] = []

    def keep(result: dict[str, Any], words: str) -> None:
        assert load_calibration(run.folder) is None
        safe.append(words)

    _, words, files = evaluate(run, FEW, run.folder, keep, SMALL)
    assert safe == [words]
    assert files == ["calibration.json"]


def test_the_command_judges_a_rating(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(run.folder), "--episodes", "4", "--validation-episodes", "3"]) == 0
    assert "nothing here is a person's judgement" in capsys.readouterr().out
    assert json.loads((run.folder / "evaluation.json").read_text())["shots"] == 10
    assert load_calibration(run.folder) is not None
