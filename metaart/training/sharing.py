"""ONE SEAM: how the files that rank 0 writes into a run directory reach the other ranks."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Sharing(Protocol):
    """What the training loop asks of the place that a run is kept in."""

    def send(self, path: Path) -> None:
        """Make seen what rank 0 has just written, a file or the folder of a checkpoint; every rank calls it."""

    def drop(self, path: Path) -> None:
        """Forget what rank 0 has deleted; rank 0 alone calls it."""

    def seek(self, path: Path) -> bool:
        """Whether a file that rank 0 sends is here now."""


class SharedFolder:
    """A folder that all ranks see: nothing is to be done."""

    def send(self, path: Path) -> None:
        """See `Sharing`."""

    def drop(self, path: Path) -> None:
        """See `Sharing`."""

    def seek(self, path: Path) -> bool:
        """See `Sharing`."""
        return path.exists()
