"""The works of a group, read from Parquet when they are asked for, so that memory does not grow with the data."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Sequence
from itertools import accumulate
from operator import attrgetter
from typing import Any, TypeVar, overload

import pyarrow as pa
import pyarrow.parquet as pq
from cachetools import LRUCache

from metaart.data.media.base import TEXTS, Medium, StoredWork, schema
from metaart.errors import UserError

T = TypeVar("T")

MEMORY = 256 * 2**20
"""Bytes of what was read or decoded that each user of a `Recent` keeps."""

ROW_GROUP_BYTES = 2**20
"""Of works that are read at once; a larger work is read alone."""

_FIX = "Delete the folder of the prepared data and prepare it again."


class Recent(LRUCache[Any, Any]):
    """What was used last, up to so many bytes; a larger thing is kept alone.

    Args:
        size: bytes of a thing; of an array or tensor, if left out.
        most: bytes in all.
    """

    def __init__(self, size: Callable[[Any], int] = attrgetter("nbytes"), most: int = MEMORY) -> None:
        super().__init__(most, getsizeof=lambda thing: min(size(thing), most))

    def find(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is kept under this key, or else is made now."""
        # None stands for what is missing: nothing that is kept here is None.
        found: T | None = self.get(key)
        if found is None:
            self[key] = found = make()
        return found


def recent_rows(most: int = MEMORY) -> Recent:
    """For row groups: works share the memory of their row group or copy it once."""
    # Hence twice: once as it was read, once as works.
    return Recent(lambda rows: 2 * rows.table.nbytes, most)


def write_shard(table: pa.Table, path: str) -> None:
    """A group's works as a Parquet file of small row groups, each page with its sum."""
    each = max(1, ROW_GROUP_BYTES * table.num_rows // max(table.nbytes, 1))
    table = table.combine_chunks()
    pq.write_table(table, path, compression="zstd", row_group_size=each, write_page_checksum=True)


class _Rows:
    """One row group; a row becomes a work when it is asked for."""

    def __init__(self, table: pa.Table, medium: Medium) -> None:
        self.table, self._medium = table, medium
        self._works: dict[int, StoredWork] = {}

    def __getitem__(self, row: int) -> StoredWork:
        if row not in self._works:
            (texts,) = self.table.select(TEXTS).slice(row, 1).to_pylist()
            self._works[row] = self._medium.stored(texts, self.table, row)
        return self._works[row]


class Shard:
    """A group's Parquet file. It is opened here to see that it is whole, and again when works are read.

    Args:
        filesystem: of pyarrow.
        path: there.
        medium: of the works.
        recent: row groups that were read, of this shard and others.

    Raises:
        UserError: missing or damaged; later too, when works are read.
    """

    def __init__(self, filesystem: Any, path: str, medium: Medium, recent: Recent) -> None:
        self._filesystem, self._path, self._medium, self._recent = filesystem, path, medium, recent
        # Read once: with it a file is opened later without a look at its end, which of a URL is a request of its own.
        self._footer: Any = None
        with self._open() as file:
            self._footer = file.metadata
        counts = [self._footer.row_group(part).num_rows for part in range(self._footer.num_row_groups)]
        self._ends = list(accumulate(counts))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, row: int) -> StoredWork:
        part, within = _locate(self._ends, row)
        return self._recent.find((self._path, part), lambda: self._read(part))[within]

    def _read(self, part: int) -> _Rows:
        columns = schema(self._medium)
        with self._open() as file:
            try:
                table = file.read_row_group(part, columns=columns.names).cast(columns)
            except (pa.ArrowException, OSError, ValueError) as error:
                raise self._damaged() from error
        return _Rows(table.combine_chunks(), self._medium)

    def _open(self) -> Any:
        try:
            return pq.ParquetFile(
                self._path, metadata=self._footer, filesystem=self._filesystem, page_checksum_verification=True
            )
        except FileNotFoundError as error:
            raise UserError(expected="a Parquet shard", got=f"no {self._path}", fix=_FIX) from error
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._damaged() from error

    def _damaged(self) -> UserError:
        return UserError(expected="a Parquet shard", got=f"a damaged {self._path}", fix=_FIX)


class Works(Sequence[Any]):
    """The works of one or more groups, one after another. A slice of them is read no sooner than its works are.

    Args:
        shards: of the groups.
        indices: which works; all, if left out.
    """

    def __init__(self, shards: Sequence[Shard], indices: range | None = None) -> None:
        self._shards, self._ends = shards, list(accumulate(map(len, shards)))
        self._indices = range(self._ends[-1] if self._ends else 0) if indices is None else indices

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> Works: ...

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            # A range of a range: no list of indices grows with the data.
            return Works(self._shards, self._indices[index])
        shard, row = _locate(self._ends, self._indices[index])
        return self._shards[shard][row]


def _locate(ends: Sequence[int], index: int) -> tuple[int, int]:
    """Which of the parts that end there, one after another, holds this index; and where in it."""
    # To the right: an index that is the end of one part is the first of the next, and empty parts are passed over.
    part = bisect_right(ends, index)
    return part, index - (ends[part - 1] if part else 0)
