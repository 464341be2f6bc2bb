"""Whose tune is it, judged on a tiny run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from metaart.errors import UserError
from metaart.evaluation.tunes import TunesConfig, _summary, calibration_of_tunes, evaluate_tunes

SMALL = TunesConfig(episodes=3, validation_episodes=3, ways=2, shots=3, query=2)


def test_adapted_models_are_judged_beside_bigrams(tiny_run: Path) -> None:
    result = evaluate_tunes(tiny_run, SMALL, progress=False)
    assert set(result["methods"]) == {"adapted models", "bigrams of the examples"}
    assert result["ways"] == 2
    for row in result["methods"].values():
        assert 0 <= row["accuracy"] <= 1
        assert row["temperature"] > 0
    known = calibration_of_tunes(result)
    assert known.at(5).temperature == result["methods"]["adapted models"]["temperature"]
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
