"""Reading works in parallel, in parts that are kept, so that a killed run goes on where it was."""

from __future__ import annotations

import json
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from metaart.data.base import Entry, Group, Source, reason
from metaart.data.media.base import Medium, Row, schema
from metaart.files import replace_file

_SECONDS_PER_WORK = 300
_COST_PER_PART = 8.0
_INDEX = ("group", "split", "work_id", "fingerprint")


@dataclass(frozen=True)
class Part:
    """Works of one group that are read together and kept in one file.

    Attributes:
        group: of all of them.
        entries: what to read.
        key: name of the file, made of all that decides what is in it.
    """

    group: Group
    entries: tuple[Entry, ...]
    key: str


def split_into_parts(source: Source, group: Group, entries: Sequence[Entry]) -> Iterator[Part]:
    """Cut a group into parts of a few seconds each."""
    # Free and restricted works never share a part: the permissive folder then reuses what the full one has read.
    for permissive in (True, False):
        batch: list[Entry] = []
        cost = 0.0
        for entry in [entry for entry in entries if entry.permissive == permissive]:
            batch.append(entry)
            cost += entry.cost
            if cost > _COST_PER_PART:
                yield Part(group, tuple(batch), _key(source, group, batch))
                batch, cost = [], 0.0
        if batch:
            yield Part(group, tuple(batch), _key(source, group, batch))


def _key(source: Source, group: Group, entries: Sequence[Entry]) -> str:
    contents = [
        [entry.work_id, entry.title, entry.source, entry.licence, entry.content]
        # Only where there is one, so that music that was read before these fields came keeps its keys.
        + ([entry.author, entry.subject] if entry.author or entry.subject else [])
        for entry in entries
    ]
    medium = source.medium
    # Another release may read the same bytes otherwise: what it decides is read again.
    versions = [version(package) for package in medium.packages]
    reader = [
        medium.reader_version,
        *medium.settings.values(),
        *([source.reader_version] * bool(source.reader_version)),
    ]
    text = json.dumps([*reader, source.name, group.name, group.tradition, group.split, versions, contents])
    return sha256(text.encode()).hexdigest()[:24]


def read_parts(
    source: Source, parts: Sequence[Part], cache: Path, *, workers: int, progress: Callable[[int], object]
) -> None:
    """Read every part that is not there yet, the most expensive first.

    A worker that crashes takes nobody with it: its works are read again one by one, and the one that crashes again is
    rejected.
    """
    cache.mkdir(parents=True, exist_ok=True)
    # The most expensive first: begun last, one would keep a single process busy while the others have ended.
    todo = sorted(
        (part for part in parts if not (cache / f"{part.key}.parquet").exists()),
        key=lambda part: -sum(entry.cost for entry in part.entries),
    )
    progress(sum(len(part.entries) for part in parts) - sum(len(part.entries) for part in todo))
    if workers <= 1 or len(todo) <= 1:
        for part in todo:
            _write_part(source.medium, cache, part, *_read(source, part.group, part.entries))
            progress(len(part.entries))
        return
    # One dead process breaks the whole pool: every part that was under way fails with it, guilty or not.
    crashes: list[Part] = []
    with _pool(source.medium, min(workers, len(todo))) as pool:
        waiting = {pool.submit(_read_and_write, source, part, cache): part for part in todo}
        for future in as_completed(waiting):
            part = waiting[future]
            if _crashed(future):
                crashes.append(part)
            else:
                progress(len(part.entries))
    _read_one_by_one(source, crashes, cache, progress)


def _read_one_by_one(source: Source, parts: Sequence[Part], cache: Path, progress: Callable[[int], object]) -> None:
    """Read parts in one process, a new one after each work that crashes it."""
    pool = _pool(source.medium, 1)
    try:
        for part in parts:
            rows: list[Row] = []
            rejected: list[tuple[str, str]] = []
            for entry in part.entries:
                one = pool.submit(_read, source, part.group, (entry,))
                if _crashed(one):
                    rejected.append((entry.work_id, "the reader crashed on it"))
                    pool.shutdown()
                    pool = _pool(source.medium, 1)
                    continue
                rows += one.result()[0]
                rejected += one.result()[1]
            _write_part(source.medium, cache, part, rows, rejected)
            progress(len(part.entries))
    finally:
        pool.shutdown()


def load_index(cache: Path, part: Part) -> tuple[list[Row], list[tuple[str, str]]]:
    """What tells the works of a part apart, without the works, and what it rejected."""
    path = cache / f"{part.key}.parquet"
    rejected = json.loads(pq.read_metadata(path).metadata[b"rejected"])
    return pq.read_table(path, columns=list(_INDEX)).to_pylist(), [(what, why) for what, why in rejected]


def load_works(medium: Medium, cache: Path, part: Part, rows: Sequence[int]) -> pa.Table:
    """These rows of a part, as a shard has them."""
    columns = schema(medium)
    table = pq.read_table(cache / f"{part.key}.parquet", columns=columns.names).take(rows)
    return table.replace_schema_metadata(None).cast(columns)


def _pool(medium: Medium, workers: int) -> ProcessPoolExecutor:
    # Not fork: the parent may hold threads of pyarrow or torch, whose locks a forked child would wait for for ever.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *medium.imports])  # once for all workers
    return ProcessPoolExecutor(workers, mp_context=context)


def _crashed(future: Future[Any]) -> bool:
    try:
        future.result()
    except BrokenProcessPool:
        return True
    return False


def _read_and_write(source: Source, part: Part, cache: Path) -> None:
    _write_part(source.medium, cache, part, *_read(source, part.group, part.entries))


def _write_part(medium: Medium, cache: Path, part: Part, rows: list[Row], rejected: list[tuple[str, str]]) -> None:
    path = cache / f"{part.key}.parquet"
    # By the fingerprint copies are left out later, in all parts together; a shard has neither of the last two.
    fields = [*schema(medium), pa.field("fingerprint", pa.string()), pa.field("permissive", pa.bool_())]
    table = pa.Table.from_pylist(rows, schema=pa.schema(fields))
    table = table.replace_schema_metadata({"rejected": json.dumps(rejected)})
    # Whole or not at all: a part that exists is taken for finished by the next run.
    replace_file(path, lambda partial: pq.write_table(table, partial, compression="zstd"))


def _read(source: Source, group: Group, entries: Sequence[Entry]) -> tuple[list[Row], list[tuple[str, str]]]:
    """Read works; what goes wrong with one is its reason."""
    rows: list[Row] = []
    rejected: list[tuple[str, str]] = []
    for entry in entries:
        try:
            with _time_limit(_SECONDS_PER_WORK):
                rows.append(_row(source.medium, group, entry, source.read(entry)))
        except Exception as error:
            rejected.append((entry.work_id, reason(error)))
    return rows, rejected


def _row(medium: Medium, group: Group, entry: Entry, data: bytes) -> Row:
    return {
        "group": entry.group,
        "tradition": group.tradition,
        "split": group.split,
        "work_id": entry.work_id,
        "title": entry.title,
        "source": entry.source,
        "licence": entry.licence,
        "permissive": entry.permissive,
        **medium.read(entry, data),
    }


@contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in the main thread after so long; elsewhere, or without alarms, do nothing."""

    def expire(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"reading took more than {seconds} s")

    try:
        before = signal.signal(signal.SIGALRM, expire)
    except (ValueError, AttributeError):  # not the main thread; no alarms on this system
        yield
        return
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
