"""From a source to a prepared folder: read, leave out what repeats, write Parquet, one group in memory at a time."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from tqdm import tqdm

from metaart.data.base import Entry, Group, Rejected, Source
from metaart.data.media.base import Row
from metaart.data.parts import Part, load_index, load_works, read_parts, split_into_parts
from metaart.data.shards import read_metadata, write_dataset
from metaart.errors import UserError
from metaart.files import make_folder

_PRECEDENCE = {"test": 0, "validation": 1, "train": 2}


def prepare(
    source: Source,
    out: Path | str,
    *,
    licence: Literal["any", "permissive"] = "any",
    workers: int | None = None,
    limit_per_group: int | None = None,
    groups: Sequence[str] | None = None,
    min_works: int | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Read a source into a prepared folder that `Dataset.open` reads.

    Works that repeat another (by the fingerprint of their medium) are left out; of two in different splits the one in
    test stays, or else the one in validation. Groups that end up too small are left out.
    What cannot be read is recorded with its reason and stops nothing.

    Works are kept as they are read in `.parts` beside the folder: a run that was killed goes on where it was, and a
    second folder of the same source (say, the permissive part) reads nothing again. `.parts` may be deleted.

    Args:
        source: where works come from.
        out: the folder to write.
        licence: "permissive" leaves out works with any known restriction.
        workers: processes that read (default: all cores).
        limit_per_group: read at most so many works of a group.
        groups: names or patterns ("China:*") of the groups to read (default: all).
        min_works: smallest group that is kept (default: the source's own).
        progress: show a bar.

    Returns:
        The metadata, with "prepared": False where the folder was there already.

    Raises:
        UserError: the folder holds data of other settings, no group of that name, or nothing left.
    """
    out = Path(out)
    cache = source.cache = out.parent / ".parts"
    hands = _hands(source, groups)
    smallest = source.min_works if min_works is None else min_works
    settings: dict[str, Any] = {
        "source": source.name,
        "licence": licence,
        "limit_per_group": limit_per_group,
        "groups": sorted(groups) if groups is not None else None,
        "min_works": smallest,
        **source.medium.settings,
    }
    rejected: list[tuple[str, str]] = []
    parts: list[Part] = []
    for group in hands:
        parts += split_into_parts(source, group, _entries(source, group, licence, limit_per_group, rejected))
    # Known before a work is read, as the parts name their works by content: a folder that is up to date costs no
    # reading.
    content = sha256("".join(part.key for part in parts).encode()).hexdigest()[:24]
    metadata = read_metadata(out)
    if metadata is not None and metadata.get("settings") != settings:
        raise UserError(
            expected=f"a new folder, or one prepared with {settings}",
            got=f"{out}, prepared with {metadata.get('settings')}",
            fix="Choose another --out, or delete that folder.",
        )
    if metadata is not None and metadata.get("content") == content:
        return {**metadata, "prepared": False}

    # The cores that this process may use, which may be fewer than the machine has.
    workers = workers or len(os.sched_getaffinity(0))
    total = sum(len(part.entries) for part in parts)
    with tqdm(total=total, unit="work", desc=f"prepare {out.name}", disable=not progress, mininterval=0.5) as bar:
        read_parts(source, parts, cache, workers=workers, progress=bar.update)
    rows = _rows(cache, parts, rejected)
    # In this order: a group may be too small once its repeats are gone.
    works_by_group = _large_enough(_without_repeats(rows, rejected), hands, smallest, rejected)
    if not works_by_group:
        raise UserError(
            expected=f"at least one group of {smallest} works or more",
            got=f"none; {len(rejected)} works were left out, {_reasons(rejected)}",
            fix="Add works, or lower min_works.",
        )
    make_folder(out)
    about = {"source": source.name, "licence": licence, "settings": settings, "content": content}
    tables = _tables(source, cache, parts, works_by_group)
    return {**write_dataset(out, source.medium, tables, rejected, about), "prepared": True}


def _rows(cache: Path, parts: Sequence[Part], rejected: list[tuple[str, str]]) -> list[Row]:
    """What tells the works of all parts apart, each with its "origin": number of its part, row in it."""
    rows: list[Row] = []
    for number, part in enumerate(parts):
        read, failed = load_index(cache, part)
        rows += [{**row, "origin": (number, index)} for index, row in enumerate(read)]
        rejected += failed
    return rows


def _tables(
    source: Source, cache: Path, parts: Sequence[Part], works_by_group: dict[str, list[Row]]
) -> Iterator[tuple[str, pa.Table]]:
    """The works of each group, loaded when their turn comes."""
    for name, rows in works_by_group.items():
        by_part: dict[int, list[int]] = {}
        for row in rows:
            number, index = row["origin"]
            by_part.setdefault(number, []).append(index)
        tables = [load_works(source.medium, cache, parts[number], indices) for number, indices in by_part.items()]
        yield name, pa.concat_tables(tables)


def _hands(source: Source, patterns: Sequence[str] | None) -> list[Group]:
    available = source.groups()
    if patterns is None:
        return available
    for pattern in patterns:
        if not any(fnmatchcase(group.name, pattern) for group in available):
            names = ", ".join(group.name for group in available)
            raise UserError(
                expected=f"names or patterns of groups: {names}", got=repr(pattern), fix="Take one of them."
            )
    return [group for group in available if any(fnmatchcase(group.name, pattern) for pattern in patterns)]


def _entries(
    source: Source, group: Group, licence: str, limit: int | None, rejected: list[tuple[str, str]]
) -> list[Entry]:
    entries: list[Entry] = []
    for entry in source.entries(group.name):
        if isinstance(entry, Rejected):
            rejected.append((entry.what, entry.reason))
        elif licence == "permissive" and not entry.permissive:
            rejected.append((entry.work_id, f"not permissive: {entry.licence}"))
        elif limit is None or len(entries) < limit:
            entries.append(entry)
    return entries


def _without_repeats(rows: Sequence[Row], rejected: list[tuple[str, str]]) -> list[Row]:
    """One row for each fingerprint: test before validation before train, then the first."""
    first: dict[str, Row] = {}
    # The sort is stable: within a split the first in the order of the source stays.
    for row in sorted(rows, key=lambda row: _PRECEDENCE[row["split"]]):
        original = first.setdefault(row["fingerprint"], row)
        if original is not row:
            same = (
                "its own group"
                if original["group"] == row["group"]
                else f"the {original['split']} group {original['group']}"
            )
            rejected.append((row["work_id"], f"repeats a work of {same}"))
    return [row for row in rows if first[row["fingerprint"]] is row]


def _large_enough(
    rows: Sequence[Row], groups: Sequence[Group], smallest: int, rejected: list[tuple[str, str]]
) -> dict[str, list[Row]]:
    """Rows by group, in the order of the source, without the groups that are too small."""
    by_group: dict[str, list[Row]] = {group.name: [] for group in groups}
    for row in rows:
        by_group[row["group"]].append(row)
    for works in by_group.values():
        if len(works) < smallest:
            rejected += [(row["work_id"], f"its group has fewer than {smallest} works") for row in works]
    return {name: works for name, works in by_group.items() if works and len(works) >= smallest}


def _reasons(rejected: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{count} x {reason}" for reason, count in Counter(why for _, why in rejected).most_common(3))
