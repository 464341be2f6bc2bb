"""Works of a prepared folder as files again: to listen to, or to give as examples."""

from __future__ import annotations

import re
from pathlib import Path

from metaart.data.shards import Dataset


def export(dataset: Dataset, group: str, out: Path, *, limit: int | None = None) -> list[Path]:
    """Write works of a group as MIDI files named by their order and title.

    Args:
        dataset: where they are.
        group: whose works.
        out: folder to write to; files of the same name are replaced.
        limit: at most so many, the first ones (default: all).

    Returns:
        The files, in order.

    Raises:
        UserError: the data has no such group.
    """
    works = dataset.works(group)[:limit]
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, work in enumerate(works, start=1):
        title = re.sub(r"[^a-z0-9]+", "-", work.title.lower()).strip("-")[:40].rstrip("-")
        path = out / (f"{number:03d}-{title}.mid" if title else f"{number:03d}.mid")
        path.write_bytes(work.midi)
        paths.append(path)
    return paths
