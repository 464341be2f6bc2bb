"""Whose tune is it, judged on a tiny run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from metaart.artists.run import Run
from metaart.arts import load
from metaart.arts.music.whose_tune import TunesConfig, _summary, calibrated, evaluate_tunes
from metaart.errors import UserError

SMALL = TunesConfig(episodes=3, validation_episodes=3, ways=2, shots=3, query=2)


@pytest.fixture(scope="module")
def run(tiny_run: Path) -> Run:
    return load(tiny_run)


def test_adapted_models_are_judged_beside_bigrams(run: Run) -> None:
    result = evaluate_tunes(run, SMALL, progress=False)
    assert set(result["methods"]) == {"adapted models", "bigrams of the examples"}
    assert result["ways"] == 2
    for row in result["methods"].values():
        assert 0 <= row["accuracy"] <= 1
        assert row["temperature"] > 0
    calibration = calibrated(run, SMALL, progress=False)
    assert calibration.at(5).temperature == result["methods"]["adapted models"]["temperature"]
    assert (calibration.episodes, calibration.entries[0].shots) == (3, 3)
    assert evaluate_tunes(run, SMALL, progress=False)["methods"] == result["methods"]


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
    run = load(critique_run)
    with pytest.raises(UserError, match="a run of music"):
        evaluate_tunes(run, SMALL, progress=False)
    with pytest.raises(UserError, match="a run of music"):
        calibrated(run, SMALL, progress=False)


def test_one_composer_is_nobody_to_be_told_from(run: Run) -> None:
    with pytest.raises(UserError, match="two hands or more of 503 works"):
        calibrated(run, dataclasses.replace(SMALL, query=500), progress=False)
