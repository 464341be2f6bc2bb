"""Works of a prepared folder as files again: to listen to or look at, or to give as examples."""

from __future__ import annotations

from pathlib import Path

from metaart.data.shards import Dataset
from metaart.files import write_file


def export(dataset: Dataset, group: str, out: Path, *, limit: int | None = None) -> list[Path]:
    """Write works of a group as 001.mid, 002.mid, ... (pictures: .png) in the order of the data.

    Args:
        dataset: where they are.
        group: whose works.
        out: folder to write to; files of the same name are replaced.
        limit: at most so many, the first ones (default: all).

    Returns:
        The files, in order.

    Raises:
        UserError: the data has no such group, or the folder cannot be written to.
    """
    works = dataset.works(group)[:limit]
    paths = [out / f"{number:03d}{dataset.medium.suffix}" for number in range(1, len(works) + 1)]
    for path, work in zip(paths, works, strict=True):
        write_file(path, dataset.medium.file(work))
    return paths
