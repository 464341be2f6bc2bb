"""What a driver does beside the run directory: it asks workers to stop, sees what they log, and clears up."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from cluster.storage import Storage
from cluster.stored import remove_leftovers
from cluster.worker import STOP
from metaart.files import save_text
from metaart.training.run import METRICS

RAY_FILES = "ray"
REFRESH_S = 2.0


class Desk:
    """A driver's dealings with a run, in a folder that all see or on a storage.

    Args:
        folder: the run directory; with a storage this process's copy.
        storage: where the run is kept, or None.
    """

    def __init__(self, folder: Path, storage: Storage | None) -> None:
        self._folder, self._storage, self._refreshed = folder, storage, 0.0

    def ask_to_stop(self) -> bool:
        """Have the workers leave a checkpoint after the step at hand and stop; False where the storage is away."""
        if self._storage is None:
            save_text(self._folder / STOP, "")
            return True
        try:
            self._storage.write(STOP, b"")
        except OSError:
            return False
        return True

    def refresh(self, at_most_every_s: float = REFRESH_S) -> None:
        """Bring what the workers logged where it is kept elsewhere."""
        if self._storage is None or time.monotonic() - self._refreshed < at_most_every_s:
            return
        self._refreshed = time.monotonic()
        try:
            self._storage.get(METRICS, self._folder / METRICS)
        except OSError:  # nothing is logged yet, or the storage is away for a while
            return

    def clear(self) -> None:
        """Take back the wish to stop, and delete what Ray Train left."""
        if self._storage is None:
            (self._folder / STOP).unlink(missing_ok=True)
            shutil.rmtree(self._folder / RAY_FILES, ignore_errors=True)
        else:
            self._storage.delete(STOP)
            remove_leftovers(self._storage)
