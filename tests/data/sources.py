"""Sources that misbehave, for processes of their own to import."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

from metaart.data.base import Entry, Rejected
from metaart.data.folder import MusicFolder

DRAWINGS = Path(__file__).with_name("drawings.tgz")
"""A few drawings of twenty sets, laid out as @iconify/json; drawings.md names authors and licences."""


class Stuck(MusicFolder):
    """Says so and waits for ever at the first work of `composer-3`."""

    def read(self, entry: Entry) -> bytes:
        """The file, or never."""
        if entry.group == "composer-3":
            (self.path.parent / "stuck").touch()
            time.sleep(600)
        return super().read(entry)


class Crashing(MusicFolder):
    """Takes its whole process with it at every work called `crash`."""

    def read(self, entry: Entry) -> bytes:
        """The file, or the end."""
        if entry.title == "crash":
            os._exit(3)
        return super().read(entry)


class Restricted(MusicFolder):
    """Half of its works may not be used freely."""

    def entries(self, group: str) -> list[Entry | Rejected]:
        """Those with an even number are restricted."""
        return [
            replace(entry, permissive=int(entry.title) % 2 == 1) if isinstance(entry, Entry) else entry
            for entry in super().entries(group)
        ]
