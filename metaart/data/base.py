"""The seam at which works come in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from metaart.data.media.base import Medium
from metaart.errors import UserError

Split = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Group:
    """A hand: a composer, a region, a dance.

    Attributes:
        name: unique within its source.
        tradition: what it is kin to; all groups of a tradition are in the same split.
        split: of the tradition.
    """

    name: str
    tradition: str
    split: Split


@dataclass(frozen=True)
class Entry:
    """A work that a source can read: cheap to list, and small enough to send to another process.

    Attributes:
        group: name of its group.
        work_id: unique within its source, the same on every machine.
        title: for people.
        source: where it was read from.
        licence: what the source says about its rights.
        permissive: whether nothing known stands against using it freely.
        content: the text to read, or a path below the source's root when `is_path`.
        is_path: what `content` is.
        cost: estimated seconds to read.
        author: who made it, where that is more than the group says.
        subject: what it shows or sets, in a word that other groups share.
    """

    group: str
    work_id: str
    title: str
    source: str
    licence: str
    permissive: bool
    content: str
    is_path: bool = False
    cost: float = 0.01
    author: str = ""
    subject: str = ""


@dataclass(frozen=True)
class SourceWork:
    """A work that was read: the bytes of its file with what is known of it."""

    group: str
    tradition: str
    work_id: str
    title: str
    source: str
    licence: str
    data: bytes


@dataclass(frozen=True)
class Rejected:
    """What was left out, and why."""

    what: str
    reason: str


class Source(ABC):
    """Where works come from. Instances are small and picklable: worker processes call `read`.

    Attributes:
        name: unique among the sources of what is prepared.
        min_works: smallest group that stays, unless another is asked for.
        medium: what the works are.
        reader_version: to be raised when `read` gives something else for the same entry; kept works are read again.
        cache: a folder for what took long to find out; None for nowhere.
    """

    name: str
    min_works: int
    medium: Medium
    reader_version: int = 0
    cache: Path | None = None

    @abstractmethod
    def groups(self) -> list[Group]:
        """Every group, in a fixed order."""

    @abstractmethod
    def entries(self, group: str) -> list[Entry | Rejected]:
        """The works of a group without reading them, in a fixed order, and what is left out unread."""

    @abstractmethod
    def read(self, entry: Entry) -> bytes:
        """A work as a file that its medium reads; any exception rejects this work alone."""

    def examples(self, group: str) -> Iterator[SourceWork | Rejected]:
        """Read the works of a group one after the other."""
        traditions = {each.name: each.tradition for each in self.groups()}
        if group not in traditions:
            raise UserError(
                expected="a group of the source", got=repr(group), fix=f"Take one of: {', '.join(traditions)}."
            )
        for entry in self.entries(group):
            yield entry if isinstance(entry, Rejected) else self.work(entry, traditions[group])

    def work(self, entry: Entry, tradition: str) -> SourceWork | Rejected:
        """Read one work; what goes wrong becomes the reason of its rejection."""
        try:
            data = self.read(entry)
        except Exception as error:
            return Rejected(entry.work_id, reason(error))
        return SourceWork(entry.group, tradition, entry.work_id, entry.title, entry.source, entry.licence, data)


def reason(error: BaseException) -> str:
    """One line that says what was wrong with a work."""
    text = " ".join(str(error).split())
    return text[:300] if isinstance(error, UserError) else f"{type(error).__name__}: {text}"[:300]
