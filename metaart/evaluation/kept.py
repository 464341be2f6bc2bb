"""What a long evaluation has measured so far, so that one that is stopped need not begin anew."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDER = ".measured"


class Kept:
    """Arrays by key, in a folder beside the results until the evaluation has ended.

    Args:
        out: folder of the results; None keeps nothing.
        settings: all that decides a measurement, beside its key; what was kept under others is deleted.
    """

    def __init__(self, out: Path | None, settings: dict[str, Any]) -> None:
        self._root = out / FOLDER if out is not None else None
        if self._root is None:
            return
        self._folder = self._root / _digest(settings)
        if self._root.exists() and not self._folder.exists():
            shutil.rmtree(self._root)
        self._folder.mkdir(parents=True, exist_ok=True)

    def find(self, key: tuple[Any, ...], measure: Callable[[], NDArray[np.float64]]) -> NDArray[np.float64]:
        """What was measured under this key, or else is measured now; a file that is damaged is measured again."""
        if self._root is None:
            return measure()
        path = self._folder / f"{_digest(key)}.npy"
        try:
            found: NDArray[np.float64] = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            found = measure()
            partial = path.with_suffix(f".partial-{os.getpid()}")
            with partial.open("wb") as file:
                np.save(file, found)
            partial.replace(path)
        return found

    def clear(self) -> None:
        """Delete what was kept: the results are there."""
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)


def file_sum(path: Path) -> str:
    """SHA-256 of a file; empty where there is none."""
    return sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def _digest(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:24]
