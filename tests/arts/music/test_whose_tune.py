"""Whose tune is it, judged on a tiny run."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch

from metaart.arts.judging.confidence import load_calibration
from metaart.arts.music.whose_tune import TunesConfig, _summary, calibrated, evaluate_tunes
from metaart.cli import main
from metaart.errors import UserError

SMALL = TunesConfig(episodes=3, validation_episodes=3, ways=2, shots=3, query=2)


def test_adapted_models_are_judged_beside_bigrams(tiny_run: Path) -> None:
    result = evaluate_tunes(tiny_run, SMALL, progress=False)
    assert set(result["methods"]) == {"adapted models", "bigrams of the examples"}
    assert result["ways"] == 2
    for row in result["methods"].values():
        assert 0 <= row["accuracy"] <= 1
        assert row["temperature"] > 0
    known = calibrated(tiny_run, SMALL, progress=False)
    assert known.at(5).temperature == result["methods"]["adapted models"]["temperature"]
    assert (known.episodes, known.entries[0].shots) == (3, 3)
    assert evaluate_tunes(tiny_run, SMALL, progress=False)["methods"] == result["methods"]


def test_the_temperature_of_nats_in_the_hundreds() -> None:
    """Gaps of 300 nats, three quarters right: T = 300 / log 3."""
    labels = torch.zeros(5, 4, dtype=torch.int64)
    logits = torch.zeros(5, 4, 2)
    logits[:, :3, 0], logits[:, 3, 1] = 300.0, 300.0
    row = _summary(logits, labels, logits, labels)
    assert row["accuracy"] == 0.75
    assert row["temperature"] == pytest.approx(300 / torch.log(torch.tensor(3.0)).item(), rel=1e-5)
    assert row["ece"] == pytest.approx(0, abs=1e-5)


def test_only_music_has_tunes(critique_run: Path) -> None:
    with pytest.raises(UserError, match="a run of music"):
        evaluate_tunes(critique_run, SMALL, progress=False)
    with pytest.raises(UserError, match="a run of music"):
        calibrated(critique_run, SMALL, progress=False)


def test_one_composer_is_nobody_to_be_told_from(tiny_run: Path) -> None:
    with pytest.raises(UserError, match="two hands or more of 503 works"):
        calibrated(tiny_run, dataclasses.replace(SMALL, query=500), progress=False)


def test_evaluating_a_run_of_music_keeps_its_calibration_beside_it(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("metaart.arts.music.whose_tune.CALIBRATION", SMALL)
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    few = ["--episodes", "2", "--validation-episodes", "2", "--steps", "0", "1", "--judge-hands", "0", "--tuning-only"]
    assert main(["evaluate", str(run), *few, "--out", str(tmp_path / "out")]) == 0
    assert not any(tmp_path.rglob("calibration.json"))
    capsys.readouterr()
    assert main(["evaluate", str(run), *few]) == 0
    assert "evaluation.png, calibration.json" in capsys.readouterr().out
    assert load_calibration(run) == calibrated(tiny_run, SMALL, progress=False)
