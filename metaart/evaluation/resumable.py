"""What a long evaluation has measured so far, so that one that is stopped need not begin anew."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metaart.files import replace_file

FOLDER = ".measured"


class Measurements:
    """Arrays by key, in a folder beside the results until the evaluation has ended.

    Args:
        out: folder of the results; None writes nothing.
        settings: all that decides a measurement, beside its key; what was measured under others is deleted.
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
            found = measured = measure()
            replace_file(path, lambda partial: _write(partial, measured))
        return found

    def clear(self) -> None:
        """Delete what was written: the results are there."""
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)


def _write(path: Path, measured: NDArray[np.float64]) -> None:
    with path.open("wb") as file:  # given a name, NumPy would add its own suffix
        np.save(file, measured)


def _digest(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:24]
