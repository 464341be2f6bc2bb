"""What is kept beside a run of how far its answers can be believed, and which evaluation may write it."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch

from metaart.artists.run import Run
from metaart.arts import load
from metaart.arts.judging.confidence import (
    NEVER,
    Calibration,
    Confidence,
    load_calibration,
    save_calibration,
    strangeness,
)
from metaart.arts.judging.own_calibration import destination
from metaart.errors import UserError

OWN = Calibration(0.9, 0.05, 120, (Confidence(1, 3.0, 0.95, NEVER), Confidence(5, 1e3, 1.0, -1.0)))


def test_calibration_goes_through_its_file(tmp_path: Path) -> None:
    assert load_calibration(tmp_path) is None
    save_calibration(OWN, tmp_path)
    assert load_calibration(tmp_path) == OWN
    for text in ('{"entries": []}', '{"entries": [{"shot": 1}]}', "[]", "{"):
        (tmp_path / "calibration.json").write_text(text)
        with pytest.raises(UserError):
            load_calibration(tmp_path)


def test_the_nearest_numbers_are_taken() -> None:
    assert [OWN.at(shots).shots for shots in (1, 2, 3, 4, 50)] == [1, 1, 1, 5, 5]
    many = dataclasses.replace(
        OWN, entries=tuple(Confidence(shots, ways=ways) for ways in (2, 5, 20) for shots in (1, 5))
    )
    found = [
        (many.at(shots, ways).ways, many.at(shots, ways).shots)
        for ways, shots in ((2, 9), (3, 2), (4, 1), (10, 3), (99, 5))
    ]
    assert found == [(2, 5), (2, 1), (5, 1), (5, 1), (20, 5)]  # 10 is as many times 5 as 20 is times 10


def test_strangeness_by_hand() -> None:
    """Means at 0 and 4 on a line: 16 apart squared; a work at 1 is 1/16 from the nearest, one at 6 is 4/16."""
    examples = torch.tensor([[-1.0], [1.0], [4.0]])
    found = strangeness(torch.tensor([[1.0], [6.0]]), examples, torch.tensor([0, 0, 1]))
    torch.testing.assert_close(found, torch.tensor([1 / 16, 4 / 16]))


@pytest.fixture
def run(critique_run: Path, tmp_path: Path) -> Run:
    shutil.copytree(critique_run, tmp_path / "run")
    save_calibration(OWN, tmp_path / "run")
    return load(tmp_path / "run")


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({}, ""),
        ({"validation_episodes": 150}, ""),
        ({"validation_episodes": 119}, "119 validation episodes, the run's own of 120"),
        ({"ways": 10}, "10 hands, the run's own of 5"),
        ({"data": "other"}, "of other, the run's own"),
    ],
)
def test_the_runs_own_calibration_is_that_of_the_usual_evaluation(run: Run, asked: dict[str, object], why: str) -> None:
    usual: dict[str, object] = {"data": None, "validation_episodes": 120, "ways": 5}
    found = destination(run, run.folder, **{**usual, **asked})  # type: ignore[arg-type]
    assert found.folder == (None if why else run.folder)
    assert found.files == ([] if why else ["calibration.json"])
    assert why in found.note
    assert ("calibration.json stays as it was" in found.note) is bool(why)


def test_any_other_is_in_its_own_folder(run: Run, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    found = destination(run, elsewhere, data=None, validation_episodes=120)
    assert found.folder == elsewhere
    assert f"calibration.json is in {elsewhere}, that of {run.folder} stays as it was: that is where" in found.note


def test_one_of_few_episodes_is_better_than_none(run: Run) -> None:
    assert destination(run, run.folder, data=None, validation_episodes=4).folder is None
    (run.folder / "calibration.json").unlink()
    assert destination(run, run.folder, data=None, validation_episodes=4).folder == run.folder
    save_calibration(dataclasses.replace(OWN, episodes=4), run.folder)
    assert destination(run, run.folder, data=None, validation_episodes=4).folder == run.folder
    assert destination(run, run.folder, data=run.config.data, validation_episodes=3).folder is None
