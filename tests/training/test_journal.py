"""What a run says of itself can be read again, whatever happened to it."""

from __future__ import annotations

import errno
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from metaart.training.journal import Journal, plot_curves, read_metrics, summary


def line(stage: str, step: int, **more: Any) -> dict[str, Any]:
    return {"stage": stage, "step": step, "loss": 1.0 / step, **more}


def test_lines_events_and_curves_say_the_same(tmp_path: Path) -> None:
    with Journal(tmp_path, {"pretrain": 2, "meta": 2}, show=False) as journal:
        journal(line("pretrain", 1, before=2.0, units=10, rate=0.1, tasks_per_s=3.0))
        journal(line("pretrain", 2, validation=0.75))
        journal(line("meta", 1, before=0.9, units=20, rate=0.2, tasks_per_s=4.0))
        journal(line("meta", 2, validation=0.5))
    stages = read_metrics(tmp_path)
    assert list(stages) == ["pretrain", "meta"]
    assert stages["meta"][1] == line("meta", 1, before=0.9, units=20, rate=0.2, tasks_per_s=4.0)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert set(events.Tags()["scalars"]) == {
        f"{stage}/{name}" for stage in stages for name in ("loss", "before", "rate", "tasks_per_s", "validation")
    }
    assert [(event.step, event.value) for event in events.Scalars("meta/loss")] == [(1, 1.0), (2, 0.5)]
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width > 1000  # a plot per stage
        assert picture.convert("L").getextrema()[0] < 100
    assert summary(tmp_path).splitlines() == [
        "pretrain: 2 steps, 10 units passed, best validation 0.7500 at step 2",
        "meta: 2 steps, 20 units passed, best validation 0.5000 at step 2",
    ]


def test_a_step_trained_twice_counts_once_the_last(tmp_path: Path) -> None:
    for loss in (3.0, 2.0):
        with Journal(tmp_path, {}, show=False) as journal:
            journal(line("meta", 1) | {"loss": loss})
    assert read_metrics(tmp_path) == {"meta": {1: line("meta", 1) | {"loss": 2.0}}}


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_half_written_line_costs_nothing_but_itself(tmp_path: Path, cut: int) -> None:
    whole = json.dumps(line("meta", 2)) + "\n"
    (tmp_path / "metrics.jsonl").write_text(json.dumps(line("meta", 1)) + "\n" + whole[:cut])
    with Journal(tmp_path, {}, show=False) as journal:
        journal(line("meta", 2, validation=0.5))
        journal(line("meta", 3))
    assert read_metrics(tmp_path)["meta"] == {
        1: line("meta", 1), 2: line("meta", 2, validation=0.5), 3: line("meta", 3)}  # fmt: skip


def test_it_is_closed_and_drawn_when_training_fails(tmp_path: Path) -> None:
    def train() -> None:
        with Journal(tmp_path, {}, show=False) as journal:
            journal(line("meta", 1))
            raise RuntimeError("out of paint")

    with pytest.raises(RuntimeError, match="out of paint"):
        train()
    assert (tmp_path / "curves.png").exists()
    assert list(read_metrics(tmp_path)["meta"]) == [1]


def test_other_ranks_write_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path / "run", {}, rank=1) as journal:
        journal(line("meta", 1))
    assert not (tmp_path / "run").exists()


def test_the_bar_shows_stage_losses_and_speed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Journal(tmp_path, {"pretrain": 4, "meta": 9}) as journal:
        journal(line("pretrain", 4, before=0.5, tasks_per_s=12.0))
        journal(line("meta", 9, before=2.25, tasks_per_s=7.5, validation=0.625))
    shown = capsys.readouterr().err
    for part in ("pretrain", "4/4", "9/9", "before=2.250", "tasks/s=7.500", "step 9: validation 0.6250"):
        assert part in shown
    assert capsys.readouterr().out == ""


def test_training_goes_on_where_the_terminal_has_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(sys, "stderr", Gone())
    with Journal(tmp_path, {"pretrain": 4, "meta": 9}) as journal:
        journal(line("pretrain", 4))
        journal({"stage": "pretrain", "step": 4, "note": "something to be read"})
        journal(line("meta", 9, validation=0.625))
    assert list(read_metrics(tmp_path)) == ["pretrain", "meta"]


def test_nothing_said_is_nothing_drawn(tmp_path: Path) -> None:
    assert read_metrics(tmp_path) == {}
    assert plot_curves(tmp_path) is None
    assert summary(tmp_path) == ""
