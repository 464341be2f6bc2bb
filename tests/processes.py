"""Processes that Ray started, found by their titles."""

from __future__ import annotations

import contextlib

import psutil

WORKER = "ray::RayTrainWorker"
CONTROLLER = "ray::TrainController.run"
"""While it runs: that of a run that is over has another title."""


def titled(title: str, below: int | None = None) -> list[int]:
    """Ids of the processes whose title begins so.

    Args:
        title: its beginning.
        below: id of the process that they descend from; this one if left out.
    """
    found = []
    for process in psutil.Process(below).children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it ended meanwhile
            if " ".join(process.cmdline()).startswith(title):
                found.append(process.pid)
    return sorted(found)
