"""What is known of a trial is in its own folder, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metaart.errors import UserError
from tune.records import FINISHED, RUNNING, STOPPED, Trial, best_of, note, read_trial, read_trials, trial_folder


def write_metrics(sweep: Path, number: int, lines: list[dict[str, object]]) -> None:
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (trial_folder(sweep, number) / "metrics.jsonl").write_text(text, encoding="utf-8")


def test_a_trial_is_read_as_it_was_noted_with_what_its_run_measured(tmp_path: Path) -> None:
    note(tmp_path, 7, {"algorithm.alpha": "0.1"}, RUNNING)
    assert read_trial(tmp_path, 7) == Trial(7, {"algorithm.alpha": "0.1"})
    note(tmp_path, 7, {"algorithm.alpha": "0.1"}, STOPPED)
    write_metrics(
        tmp_path,
        7,
        [
            {"stage": "pretrain", "step": 90, "loss": 1.0, "validation": 0.1, "units": 999},
            {"stage": "meta", "step": 1, "loss": 3.0, "units": 10},
            {"stage": "meta", "step": 3, "loss": 2.0, "validation": 2.5, "units": 30},
            {"stage": "meta", "step": 6, "loss": 2.0, "validation": 2.25, "units": 60},
        ],
    )
    trial = read_trial(tmp_path, 7)
    assert trial == Trial(7, {"algorithm.alpha": "0.1"}, STOPPED, [(3, 2.5), (6, 2.25)], 6, 60)
    assert trial.best == 2.25


def test_all_trials_come_by_number_and_what_is_none_is_passed_over(tmp_path: Path) -> None:
    for number in (10, 2):
        note(tmp_path, number, {"x": "1"}, FINISHED)
    (tmp_path / "trials" / "0005").mkdir()
    (tmp_path / "trials" / "notes").mkdir()
    assert [trial.number for trial in read_trials(tmp_path)] == [2, 10]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"point": 3, "outcome": "finished"}', '{"point": {}, "outcome": "?"}']
)
def test_a_damaged_trial_is_named(text: str, tmp_path: Path) -> None:
    note(tmp_path, 1, {}, FINISHED)
    (trial_folder(tmp_path, 1) / "trial.json").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="0001"):
        read_trials(tmp_path)


def test_the_best_trial_has_the_lowest_loss_whether_or_not_it_ended() -> None:
    trials = [
        Trial(0, {}, FINISHED, [(1, 0.5), (2, 0.7)]),
        Trial(1, {}, STOPPED, [(1, 0.4)], 1),
        Trial(2, {}, FINISHED, [(1, 0.9), (2, 0.4)], 2),
        Trial(3, {}, RUNNING),
    ]
    best = best_of(trials)
    assert best is not None
    assert best.number == 2
    assert best_of([Trial(3, {})]) is None
