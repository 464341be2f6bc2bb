"""The seam between where works come from and what they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

if TYPE_CHECKING:
    from metaart.data.base import Entry

Row = dict[str, Any]
TEXTS = ("group", "tradition", "split", "work_id", "title", "source", "licence")
"""The columns that works of every medium have."""


@dataclass(frozen=True)
class StoredWork:
    """A work as it is kept; each medium adds what it is made of."""

    group: str
    tradition: str
    split: str
    work_id: str
    title: str
    source: str
    licence: str


class Medium(ABC):
    """What works are: how one is read, what is kept of it, and how it becomes a file again.

    Instances are small and picklable: worker processes call `read`.

    Attributes:
        name: what a prepared folder carries.
        reader_version: to be raised when `read` gives something else for the same bytes; kept works are read again.
        packages: distributions that decide what `read` gives.
        imports: modules that `read` imports and that take long to.
        columns: what is kept of a work, beside what all works have.
        suffix: of its file.
        shown: columns of `metaart data show`: key of `describe` by heading.
        total: the key of `describe` that is summed over groups.
    """

    name: ClassVar[str]
    reader_version: ClassVar[int]
    packages: ClassVar[tuple[str, ...]]
    imports: ClassVar[tuple[str, ...]] = ()
    columns: ClassVar[tuple[pa.Field, ...]]
    suffix: ClassVar[str]
    shown: ClassVar[Mapping[str, str]]
    total: ClassVar[str]

    @property
    def settings(self) -> dict[str, Any]:
        """What was chosen, to be recorded; nothing here."""
        return {}

    @abstractmethod
    def read(self, entry: Entry, data: bytes) -> Row:
        """The bytes of a work, which nobody vouches for, as `columns` and "fingerprint", alike for two copies of it.

        Any exception rejects this work alone.
        """

    @abstractmethod
    def stored(self, texts: Mapping[str, Any], table: pa.Table, row: int) -> StoredWork:
        """One row of a shard as a work, from the texts that all works have and the columns of this medium."""

    @abstractmethod
    def describe(self, table: pa.Table) -> dict[str, Any]:
        """What metadata.json says of a group, beside what it says of all."""

    @abstractmethod
    def file(self, work: Any) -> bytes:
        """A stored work as a file."""

    def assets(self) -> dict[str, bytes]:
        """Files that belong beside the shards, by name; none here."""
        return {}


def schema(medium: Medium) -> pa.Schema:
    """The columns of a shard: texts that all works have, then those of the medium."""
    return pa.schema([*(pa.field(name, pa.string()) for name in TEXTS), *medium.columns])
