"""Whose calibration an evaluation makes: a run's own is what its answers are believed by, so not any may write it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from metaart.artists.run import Run
from metaart.arts.judging.confidence import FILE, WAYS, load_calibration
from metaart.data.location import same_location

VALIDATION_EPISODES = 120
"""Of the evaluation that a run's own calibration is of; it is of `WAYS` hands."""


class Destination(NamedTuple):
    """Where the calibration of an evaluation goes.

    Attributes:
        folder: None where it goes nowhere.
        note: a line for the report where it is not the run's own; empty otherwise.
    """

    folder: Path | None
    note: str

    @property
    def files(self) -> list[str]:
        """What is written there."""
        return [] if self.folder is None else [FILE]


def destination(run: Run, out: Path, *, data: str | None, validation_episodes: int, ways: int = WAYS) -> Destination:
    """Where the calibration goes of an evaluation that was asked for so.

    Only an evaluation on the run's own data, into its own folder, of `WAYS` hands, writes its own; and with fewer than
    `VALIDATION_EPISODES` only over one that was made from no more. Any other is kept in `out`, and where that is the
    run, not at all.
    """
    why = _why_not_its_own(run, out, data, validation_episodes, ways)
    if not why:
        return Destination(out, "")
    elsewhere = not same_location(out, run.folder)
    where = f"is in {out}, that of {run.folder} stays as it was" if elsewhere else "stays as it was"
    return Destination(out if elsewhere else None, f"\n{FILE} {where}: {why}.\n")


def _why_not_its_own(run: Run, out: Path, data: str | None, validation_episodes: int, ways: int) -> str:
    if not same_location(out, run.folder):
        return "that is where the results are kept"
    if data is not None and not same_location(data, run.config.data):
        return f"this evaluation is of {data}, the run's own of {run.config.data}"
    if ways != WAYS:
        return f"this evaluation is of {ways} hands, the run's own of {WAYS}"
    # A quick look with few episodes must not take the place of a careful calibration; the first may be of any number.
    present = load_calibration(run.folder)
    if present is not None and validation_episodes < min(VALIDATION_EPISODES, present.episodes):
        return f"this evaluation is of {validation_episodes} validation episodes, the run's own of {present.episodes}"
    return ""
