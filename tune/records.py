"""What is known of a trial: its own file beside its run, so that a sweep that is killed forgets nothing that ended."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metaart.errors import UserError
from metaart.files import save_text
from metaart.training.checkpoint import load_json
from metaart.training.journal import read_metrics
from tune.space import Point

TRIAL = "trial.json"
RUNNING, FINISHED, STOPPED, DIVERGED, FAILED = "running", "finished", "stopped", "diverged", "failed"
ENDED = (FINISHED, STOPPED, DIVERGED)
"""Outcomes that are never tried again; what was running or failed is, on `--resume`."""


@dataclass
class Trial:
    """A point of the space and what became of it.

    Attributes:
        number: from 0, in the order in which trials began.
        point: what was set.
        outcome: `running`, `finished` (all its steps), `stopped` (early, by the scheduler), `diverged` (its loss left
            the finite numbers) or `failed` (it broke for another reason).
        validations: (step, validation loss) of the meta stage, ascending.
        steps: outer steps of the meta stage that were taken.
        units: what they cost, as the art form counts it (tokens of music passed forward and backward).
        why: of a trial that diverged or failed.
    """

    number: int
    point: Point
    outcome: str = RUNNING
    validations: list[tuple[int, float]] = field(default_factory=list)
    steps: int = 0
    units: int = 0
    why: str = ""

    @property
    def best(self) -> float | None:
        """The lowest validation loss, whose weights are the ones kept; None before the first."""
        return min((loss for _, loss in self.validations), default=None)

    def row(self) -> dict[str, Any]:
        """Everything, as JSON takes it."""
        return {**dataclasses.asdict(self), "best": self.best}


def trial_folder(sweep: Path, number: int) -> Path:
    """The run directory of a trial."""
    return sweep / "trials" / f"{number:04d}"


def note(sweep: Path, number: int, point: Point, outcome: str, why: str = "") -> None:
    """Write down what a trial tries or what became of it, whole or not at all."""
    folder = trial_folder(sweep, number)
    folder.mkdir(parents=True, exist_ok=True)
    save_text(folder / TRIAL, json.dumps({"point": point, "outcome": outcome, "why": why}, indent=1))


def read_trial(sweep: Path, number: int) -> Trial:
    """A trial as its files tell it.

    Raises:
        UserError: they are damaged.
    """
    folder = trial_folder(sweep, number)
    noted = load_json(folder / TRIAL)
    point, outcome, why = noted.get("point"), noted.get("outcome"), noted.get("why", "")
    if not isinstance(point, dict) or outcome not in (RUNNING, FAILED, *ENDED):
        raise UserError(
            expected="a trial's point and outcome",
            got=f"{folder / TRIAL}, which is damaged",
            fix=f"Delete {folder} to have this trial done again.",
        )
    lines = read_metrics(folder).get("meta", {})
    return Trial(
        number,
        {str(key): str(value) for key, value in point.items()},
        outcome,
        [(step, float(line["validation"])) for step, line in lines.items() if "validation" in line],
        max(lines, default=0),
        max((int(line["units"]) for line in lines.values() if "units" in line), default=0),
        str(why),
    )


def read_trials(sweep: Path) -> list[Trial]:
    """All trials of a sweep, by number."""
    numbers = sorted(int(path.parent.name) for path in sweep.glob(f"trials/*/{TRIAL}") if path.parent.name.isdigit())
    return [read_trial(sweep, number) for number in numbers]


def best_of(trials: list[Trial]) -> Trial | None:
    """The trial with the lowest validation loss, finished or not; the one with more steps where two are equal."""
    judged = [trial for trial in trials if trial.best is not None]
    return min(judged, key=lambda trial: (trial.best, -trial.steps), default=None)
