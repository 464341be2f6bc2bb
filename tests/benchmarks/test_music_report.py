"""The document of the music study says what its results file says, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import music_report, music_study
from benchmarks.study import results_file

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / results_file("music")


def test_the_document_is_what_its_results_file_makes(tmp_path: Path) -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    document, *pictures = music_report.write(results, tmp_path)
    assert document.read_text(encoding="utf-8") == (ROOT / "docs/results-music.md").read_text(encoding="utf-8")
    for picture in pictures:
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert (ROOT / "docs" / picture.relative_to(tmp_path)).exists()


def test_the_results_are_of_the_commands_of_the_study() -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    lines = {command.name: f"metaart {command.line}" for command in music_study.STUDY}
    for part in ("runs", "evaluations"):
        for name, entry in results[part].items():
            assert entry["command"] == lines[name]
    assert {*results["runs"], *results["evaluations"], "data"} == set(lines)
    for evaluation in results["evaluations"].values():
        assert evaluation["episodes"] >= 600
    assert results["evaluations"]["against-pooled"]["created"]["hands"] >= 20


def row(meta: str, other: str, steps: int, ahead: float, by_hand: float = 0.001) -> dict[str, Any]:
    """A difference that is no chance as far as its episodes say."""
    return {"meta": meta, "other": other, "view": "whole", "steps": steps, "ahead": ahead, "interval": 0.0001,
            "interval_by_hand": by_hand}  # fmt: skip


def test_a_lead_is_that_of_the_better_meta_learner_over_the_better_optimizer() -> None:
    evaluation: dict[str, Any] = {
        "steps": [0, 1],
        "paired": [
            row("meta: a", "fine-tuning plain, SGD", 1, 0.09),
            row("meta: a", "fine-tuning plain, Adam", 1, 0.07),
            row("meta: b", "fine-tuning plain, SGD", 1, 0.08),
            row("meta: b", "fine-tuning plain, Adam", 1, 0.05),
        ],
    }
    assert "0.070 ± 0.001 after 1" in music_report._leads(evaluation)
    assert music_report._leads(evaluation).endswith("is held.")
    evaluation["paired"][1]["interval_by_hand"] = 0.011
    assert "is held by the means; the intervals reach below it" in music_report._leads(evaluation)
    evaluation["paired"][1]["ahead"] = 0.055
    assert music_report._leads(evaluation).endswith("is missed.")


@pytest.mark.parametrize(
    ("ahead", "by_hand", "words"), [(0.01, 0.009, "ahead of both at step 1"), (0.01, 0.011, "level at 1"),
                                    (-0.01, 0.009, "behind at 1"), (-0.01, 0.011, "level at 1")],
)  # fmt: skip
def test_a_verdict_goes_by_hands_not_by_episodes(ahead: float, by_hand: float, words: str) -> None:
    rows = [row("meta: a", f"fine-tuning pooled, {inner}", 1, ahead, by_hand) for inner in ("SGD", "Adam")]
    evaluation = {"steps": [1], "views": ["whole"], "paired": rows}
    assert music_report._verdict(evaluation) == f"- a, whole: {words}."
    assert f"± {by_hand:.4f}" in music_report._ahead(evaluation, "pooled")
