"""What `metaart evaluate` says of a run of music, and what it leaves beside it."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

from metaart.artists.run import Run
from metaart.arts import load
from metaart.arts.judging.confidence import load_calibration
from metaart.arts.music import MusicEvaluation
from metaart.arts.music.evaluate import evaluate
from metaart.arts.music.whose_tune import TunesConfig, calibrated

TUNES = TunesConfig(episodes=3, validation_episodes=3, ways=2, shots=3, query=2)
ASKED = MusicEvaluation(episodes=2, validation_episodes=2, steps=(0, 1), judge_hands=0)


@pytest.fixture
def run(tiny_run: Path, tmp_path: Path) -> Run:
    """A run of its own, to be written into."""
    return load(shutil.copytree(tiny_run, tmp_path / "run"))


class Keep:
    """What was to be kept meanwhile."""

    def __init__(self) -> None:
        self.seen: list[tuple[dict[str, Any], str]] = []

    def __call__(self, result: dict[str, Any], words: str) -> None:
        self.seen.append((dict(result), words))


def test_openings_and_bigrams_are_reported_apart(run: Run, tmp_path: Path) -> None:
    result, words, files = evaluate(run, ASKED, tmp_path, Keep(), tunes=TUNES)
    assert result["views"] == ["whole", "opening"]
    assert "bigrams of the support set" in result["methods"]
    assert "**opening**" in words
    assert files == ["evaluation.png"]
    assert (tmp_path / "evaluation.png").is_file()
    tuning, _, _ = evaluate(run, dataclasses.replace(ASKED, tuning_only=True), tmp_path, Keep(), tunes=TUNES)
    assert set(result["methods"]) - set(tuning["methods"]) == {
        "bigrams of the support set",
        "from scratch on the support set",
    }


def test_beside_the_run_it_keeps_its_calibration_and_nowhere_else(run: Run, tiny_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    evaluate(run, ASKED, out, Keep(), tunes=TUNES)
    assert not any(tmp_path.rglob("calibration.json"))
    keep = Keep()
    result, words, files = evaluate(run, ASKED, run.folder, keep, tunes=TUNES)
    assert files == ["evaluation.png", "calibration.json"]
    assert keep.seen == [(result, words)], "what took hours is safe before more is asked"
    assert load_calibration(run.folder) == calibrated(load(tiny_run), TUNES, progress=False)


def test_data_of_others_calibrates_nothing(run: Run, tmp_path: Path) -> None:
    other = Path(shutil.copytree(run.config.data, tmp_path / "data"))
    _, _, files = evaluate(run, dataclasses.replace(ASKED, data=str(other)), run.folder, Keep(), tunes=TUNES)
    assert files == ["evaluation.png"]
    assert load_calibration(run.folder) is None


def test_what_cannot_be_calibrated_is_said_and_the_rest_stands(run: Run) -> None:
    many = dataclasses.replace(TUNES, query=500)
    result, words, files = evaluate(run, ASKED, run.folder, Keep(), tunes=many)
    assert "was not calibrated: expected two hands or more of 503 works" in words
    assert "methods" in result
    assert files == ["evaluation.png"]


def test_what_is_created_is_judged_or_said_not_to_be(run: Run, tmp_path: Path) -> None:
    keep = Keep()
    _, words, files = evaluate(run, dataclasses.replace(ASKED, judge_hands=1), tmp_path, keep, tunes=TUNES)
    assert "What the run creates was not judged: expected two test hands or more" in words
    assert files == ["evaluation.png"]
    assert len(keep.seen) == 1
    assert keep.seen[0][1] == words[: words.index("\nWhat the run creates")]
