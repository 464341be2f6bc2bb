"""A run directory kept on a storage: each worker has a copy on its own disk, and checkpoints go through Ray Train."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from cluster.mirror import bring
from cluster.storage import Storage
from metaart.training.plan import RESULTS
from metaart.training.run import METRICS

STATE = "state.json"
"""Of a checkpoint's files the one that is sent last and that holds the sums of the others."""
RAY_LEFTOVERS = (".validate_storage_marker", "checkpoint_manager_snapshot.json")
POLL_S = 0.5
METRICS_EVERY_S = 5.0


class StoredRun:
    """How what rank 0 writes reaches the other ranks through a storage; see `metaart.training.sharing.Sharing`.

    Args:
        storage: of the run.
        folder: this worker's copy.
        rank: of this worker.
    """

    def __init__(self, storage: Storage, folder: Path, rank: int) -> None:
        self._storage, self._brisk = storage, Storage(storage.url)
        self._folder, self._rank = folder, rank
        self._asked, self._metrics_sent = 0.0, 0.0

    def send(self, path: Path) -> None:
        """See `Sharing`; a checkpoint is reported to Ray Train as a `ray.train.Checkpoint` on the storage."""
        name = self._name(path)
        if self._rank == 0:
            self._storage.put(path, name, last=STATE)
            self.send_metrics(at_most_every_s=0)
        if path.parent.name == "checkpoints":
            from ray import train

            there = train.Checkpoint(f"{self._storage.path}/{name}", self._storage.filesystem)
            train.report(
                {"checkpoint": name},
                checkpoint=there if self._rank == 0 else None,
                checkpoint_upload_mode=train.CheckpointUploadMode.NO_UPLOAD,  # it is there already
            )

    def drop(self, path: Path) -> None:
        """See `Sharing`."""
        self._storage.delete(self._name(path))

    def seek(self, path: Path) -> bool:
        """See `Sharing`; the storage is asked twice a second at most."""
        if path.exists():
            return True
        if time.monotonic() - self._asked < POLL_S:
            return False
        self._asked = time.monotonic()
        if not self._storage.exists(self._name(path)):
            return False
        self._storage.get(self._name(path), path)
        return True

    def send_metrics(self, at_most_every_s: float = METRICS_EVERY_S) -> None:
        """Rank 0 lets the driver see what it has logged."""
        if self._rank or time.monotonic() - self._metrics_sent < at_most_every_s:
            return
        if (self._folder / METRICS).exists():
            self._metrics_sent = time.monotonic()
            with contextlib.suppress(OSError):  # they are sent whole, so the next time does
                self._brisk.put(self._folder / METRICS, METRICS)

    def send_journal(self) -> None:
        """Rank 0 keeps what the journal wrote."""
        for path in (self._folder / METRICS, self._folder / "curves.png", self._folder / "tensorboard"):
            if self._rank == 0 and path.exists():
                self._storage.put(path, self._name(path))

    def _name(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()


def bring_run(storage: Storage, folder: Path) -> None:
    """Copy what a worker goes on from: all but half-sent checkpoints and those of stages that are done.

    Checkpoints come as `ray.train.Checkpoint`s, all of them: should the newest be damaged, there is the one before it.
    """
    from ray.train import Checkpoint

    names = set(storage.files())
    bring(storage, folder, sorted(name for name in names if "/checkpoints/" not in name and not name.startswith(".")))
    for name in wanted_checkpoints(names):
        there = Checkpoint(f"{storage.path}/{name}", storage.filesystem)
        storage.patiently(partial(there.to_directory, str(folder / name)))


def wanted_checkpoints(names: Iterable[str]) -> list[str]:
    """Folders of the whole checkpoints of each unfinished stage, among the names of all files of a run."""
    names = set(names)
    done = {stage for stage, result in RESULTS.items() if result in names}
    folders = {name.removesuffix(f"/{STATE}") for name in names if name.endswith(f"/{STATE}")}
    stages = {folder: folder.partition("/checkpoints/step-")[0] for folder in folders}
    return sorted(folder for folder, stage in stages.items() if stage != folder and stage not in done)


def remove_leftovers(storage: Storage) -> None:
    """Delete what Ray Train left beside a run; it would go on from its own notes rather than from ours."""
    for name in RAY_LEFTOVERS:
        storage.delete(name)
