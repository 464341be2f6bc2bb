"""Works of a prepared folder as files again: to listen to or look at, or to give as examples."""

from __future__ import annotations

from pathlib import Path

from metaart.data.shards import Dataset
from metaart.errors import UserError


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


def write_file(path: Path, data: bytes) -> None:
    """Write a file that a user named, whole or not at all, in a folder that is made where it is missing.

    Raises:
        UserError: it cannot be written.
    """
    try:
        partial = path.with_name(f".{path.name}.partial")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(data)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except (OSError, ValueError) as error:  # ValueError: no name of a file
        raise UserError(
            expected="a file that can be written",
            got=f"{path}: {getattr(error, 'strerror', None) or error}",
            fix="Give another --out or --sheet, or make room and give the right to write there.",
        ) from error
