"""Photographs as content: the pictures of any source, dealt out to training, validation and testing one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from hashlib import sha256

from metaart.data.base import Entry, Group, Rejected, Source, Split

_SPLITS: tuple[Split, ...] = ("train", "validation", "test")
_TEST, _VALIDATION = 0.25, 0.4


class Photographs(Source):
    """Another source's pictures in three groups, one for each split; who took them does not matter here.

    A photograph is for testing, validation or training by the SHA-256 of its work_id, a quarter, 15 % and 60 % of
    many (`deal_out`): the same on every machine, and hardly changed when others join.

    Args:
        source: of pictures.
    """

    min_works = 1

    def __init__(self, source: Source) -> None:
        self.source, self.medium = source, source.medium
        self.name = f"photographs of {source.name}"

    def groups(self) -> list[Group]:
        """Photographs for training, validation and testing."""
        splits = set(self._splits.values())
        return [Group(f"photographs, {split}", f"photographs, {split}", split) for split in _SPLITS if split in splits]

    def entries(self, group: str) -> list[Entry | Rejected]:
        """Those of a split; what the source leaves out comes with training."""
        split = group.removeprefix("photographs, ")
        found: list[Entry | Rejected] = []
        for inner in self.source.groups():
            for entry in self.source.entries(inner.name):
                if isinstance(entry, Entry) and self._splits[entry.work_id] == split:
                    found.append(replace(entry, group=group))
                elif isinstance(entry, Rejected) and split == "train":
                    found.append(entry)
        return found

    @cached_property
    def _splits(self) -> dict[str, Split]:
        found = [entry for group in self.source.groups() for entry in self.source.entries(group.name)]
        return deal_out(entry.work_id for entry in found if isinstance(entry, Entry))

    def read(self, entry: Entry) -> bytes:
        """What the source reads."""
        return self.source.read(entry)


def deal_out(work_ids: Iterable[str]) -> dict[str, Split]:
    """The split of each photograph, from the names alone.

    In the order of their SHA-256 as a share of the largest: below 0.25 for testing, below 0.4 for validation, the rest
    for training; but one at least for each, in that order, where there are three or more.
    """
    shares = {name: int.from_bytes(sha256(name.encode()).digest()[:8], "big") / 2**64 for name in work_ids}
    order = sorted(shares, key=lambda name: (shares[name], name))
    if len(order) < 3:
        return dict.fromkeys(order, "train")
    test = min(max(sum(share < _TEST for share in shares.values()), 1), len(order) - 2)
    validation = min(max(sum(share < _VALIDATION for share in shares.values()), test + 1), len(order) - 1)
    return {
        name: "test" if index < test else "validation" if index < validation else "train"
        for index, name in enumerate(order)
    }
