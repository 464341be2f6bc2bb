"""Where a sweep's files are: in a folder that all machines share, or on a storage of which each machine has a copy."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster.mirror import EVERY_S, Changes, bring, listed, mirror, upload_failed
from cluster.storage import PATIENCE_S, Storage
from metaart.training.run import POOLED
from tune.records import TRIAL, Trial, note, read_trial, read_trials, trial_folder
from tune.space import Point
from tune.trial import Job, trains_here

POOLED_FOLDER = "pooled"
_NEVER_S = 1e9


class Shelf:
    """The trials of a sweep as the driver sees them.

    Args:
        folder: of the sweep; with a storage, this process's copy.
        storage: where the sweep is kept, or None.
    """

    def __init__(self, folder: Path, storage: Storage | None = None) -> None:
        self.folder = folder
        self._changes = Changes(folder, storage) if storage else None

    def note(self, number: int, point: Point, outcome: str, why: str = "") -> None:
        """Write down what a trial tries or what became of it, for all machines to see."""
        note(self.folder, number, point, outcome, why)
        self.keep()

    def trial(self, number: int) -> Trial:
        """A trial as its files tell it, wherever it runs."""
        self.bring(trial_folder(Path(), number).as_posix())
        return read_trial(self.folder, number)

    def trials(self) -> list[Trial]:
        """All trials by number."""
        self.bring()
        return read_trials(self.folder)

    def bring(self, below: str = "") -> None:
        """Copy what the storage has of the sweep or of a folder in it; weights and checkpoints stay there."""
        if self._changes is not None:
            self._changes.bring(lambda name: not _heavy(name), below)

    def keep(self) -> None:
        """Have the storage hold what the folder holds.

        Raises:
            UserError: the storage is away.
        """
        if self._changes is None:
            return
        try:
            self._changes.keep()
        except OSError as error:
            raise upload_failed(self._changes.storage, error) from error

    def __reduce__(self) -> tuple[Any, ...]:
        """Ray Tune stores a copy of what it was given, which keeps nothing."""
        return Shelf, (self.folder,)


@contextmanager
def on_this_machine(job: Job, number: int) -> Iterator[Job]:
    """The job of a trial with a folder that is there: a copy, where a storage keeps the sweep, which then has all at
    the end, and twice a minute before; what several workers write goes there by itself.
    """
    if not job.storage:
        yield job
        return
    storage, mine = Storage(job.storage, PATIENCE_S), f"{trial_folder(Path(), number).as_posix()}/"
    with tempfile.TemporaryDirectory(prefix="metaart-") as name:
        folder = Path(name)
        wanted = (mine, f"{POOLED_FOLDER}/") if job.pooled else (mine,)
        elsewhere = () if job.pooled else (f"/{POOLED}", "/config.json")  # of trials with the same pooled stage
        bring(
            storage, folder, [file for file in listed(storage) if file.startswith(wanted) or file.endswith(elsewhere)]
        )
        with mirror(folder, storage, EVERY_S if trains_here(job.cluster) else _NEVER_S, last=TRIAL):
            yield dataclasses.replace(job, folder=folder, pooled=folder / POOLED_FOLDER if job.pooled else None)


def _heavy(name: str) -> bool:
    return name.endswith(".safetensors") or "/checkpoints/" in name
