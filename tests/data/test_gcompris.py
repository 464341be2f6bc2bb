"""Paintings and photographs out of a game's archives."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from metaart.data.base import Entry, Rejected
from metaart.data.gcompris import GcomprisPaintings, GcomprisPhotographs
from metaart.data.prepare import prepare
from metaart.data.shards import Dataset
from tests.data.pictures import (
    gcompris_folder,
    painting,
)


def test_jigsaws_are_put_together_with_artist_and_title(tmp_path: Path) -> None:
    source = GcomprisPaintings(gcompris_folder(tmp_path / "rcc"))
    prepare(source, tmp_path / "data", workers=1, progress=False)
    dataset = Dataset.open(tmp_path / "data")
    assert dataset.splits == {
        "train": [],
        "validation": [],
        "test": ["Anna", "Frédéric Bazille", "Vincent van Gogh"],
    }
    (two,), (one,), (church,) = (dataset.works(artist) for artist in dataset.groups("test"))
    assert (one.title, two.title, church.title) == ("One - 1867", "Two", "The Church - 1890")
    assert np.array_equal(one.pixels(), painting(0, 0, 60, 80))
    assert np.array_equal(two.pixels(), painting(1, 0, 60, 80))
    assert (one.licence, church.licence) == ("GPLv3 or later", "Public domain")
    permissive = [entry.permissive for group in source.groups() for entry in source.entries(group.name)
                  if isinstance(entry, Entry)]  # fmt: skip
    assert permissive == [False, False, True]


def test_photographs_carry_their_credits_and_those_without_one_are_left_out(tmp_path: Path) -> None:
    source = GcomprisPhotographs(gcompris_folder(tmp_path / "rcc"))
    entries = [entry for group in source.groups() for entry in source.entries(group.name)]
    pictures = {entry.work_id: entry for entry in entries if isinstance(entry, Entry)}
    assert len(pictures) == 26
    assert pictures["details/Castle_background.webp"].author == "Cara"
    assert pictures["details/Castle_background.webp"].licence == "CC-BY-SA 4.0"
    assert pictures["erase/pic40.webp"].author == "Ada 4"
    left = [entry.reason for entry in entries if isinstance(entry, Rejected)]
    assert sorted(left) == ["a painting"] + ["no credit in the archive"] * 5
