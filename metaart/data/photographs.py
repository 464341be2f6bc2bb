"""Photographs as content: the pictures of any source, dealt out to training, validation and testing one by one."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from metaart.data.base import Entry, Group, Rejected, Source, Split

_SPLITS: tuple[Split, ...] = ("train", "validation", "test")
_BOUNDS: tuple[tuple[Split, float], ...] = (("test", 0.25), ("validation", 0.4), ("train", 1.0))


class Photographs(Source):
    """Another source's pictures in three groups, one for each split; who took them does not matter here.

    A photograph is for testing, validation or training by the SHA-256 of its work_id, a quarter, 15 % and 60 % of
    many: the same on every machine, and unchanged when others join.

    Args:
        source: of pictures.
    """

    min_works = 1

    def __init__(self, source: Source) -> None:
        self.source, self.medium = source, source.medium
        self.name = f"photographs of {source.name}"

    def groups(self) -> list[Group]:
        """Photographs for training, validation and testing."""
        return [Group(f"photographs, {split}", f"photographs, {split}", split) for split in _SPLITS]

    def entries(self, group: str) -> list[Entry | Rejected]:
        """Those of a split; what the source leaves out comes with training."""
        split = group.removeprefix("photographs, ")
        found: list[Entry | Rejected] = []
        for inner in self.source.groups():
            for entry in self.source.entries(inner.name):
                if isinstance(entry, Entry) and split_of(entry.work_id) == split:
                    found.append(replace(entry, group=group))
                elif isinstance(entry, Rejected) and split == "train":
                    found.append(entry)
        return found

    def read(self, entry: Entry) -> bytes:
        """What the source reads."""
        return self.source.read(entry)


def split_of(work_id: str) -> Split:
    """The split of a photograph, from its name alone."""
    share = int.from_bytes(sha256(work_id.encode()).digest()[:8], "big") / 2**64
    return next(split for split, bound in _BOUNDS if share < bound)
