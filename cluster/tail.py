"""What workers log, as the driver sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Tail:
    """The lines that are added to a metrics.jsonl from now on."""

    def __init__(self, path: Path) -> None:
        self._path, self._read = path, path.stat().st_size if path.exists() else 0

    def new(self) -> Iterator[dict[str, Any]]:
        """Whole lines that came since the last call."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._read)
            for text in file:
                if not text.endswith(b"\n"):
                    return
                self._read += len(text)
                try:
                    yield json.loads(text)
                except ValueError:  # what a killed worker left half-written
                    continue
