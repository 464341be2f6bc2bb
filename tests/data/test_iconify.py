"""Drawing sets out of their archive."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metaart.data.base import Entry, Rejected
from metaart.data.iconify import IconifySource
from metaart.data.prepare import prepare
from metaart.data.shards import Dataset
from metaart.errors import UserError
from tests.data.sources import DRAWINGS


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of the tests, prepared."""
    out = tmp_path_factory.mktemp("drawings") / "data"
    assert prepare(IconifySource(DRAWINGS), out, min_works=3, workers=1, progress=False)["prepared"]
    return out


def changed(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The archive with another content of each set."""
    with tarfile.open(DRAWINGS) as old, tarfile.open(path, "w:gz") as new:
        for member in old:
            file = old.extractfile(member)
            assert file is not None
            content = json.load(file)
            change(content)
            data = json.dumps(content).encode()
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    return path


def test_every_set_that_may_be_used_is_a_group_with_its_hand(drawings: Path) -> None:
    dataset = Dataset.open(drawings, medium="pictures")
    about = {entry["name"]: entry for entry in dataset.metadata["groups"]}
    assert {"feather", "lucide", "noto", "flat-color-icons", "carbon"} <= about.keys()
    assert "simple-icons" not in about
    assert {"what": "simple-icons", "reason": "logos of brands"} in dataset.metadata["rejected"]
    assert list(about["carbon"]["authors"]) == ["IBM"]
    assert list(about["carbon"]["licences"]) == ["Apache-2.0"]
    assert about["noto"]["colour_share"] > 0.8
    assert about["feather"]["colour_share"] == 0
    works = dataset.works("feather")
    assert len(works) == about["feather"]["works"] >= 18
    for work in works:
        assert (work.width, work.height, work.author) == (64, 64, "Cole Bemis")
        assert work.work_id == f"feather:{work.title}"
        pixels = work.pixels()
        assert pixels.shape == (64, 64, 3)
        assert pixels.min() < 60
        assert (pixels[0] == 255).all()


def test_near_identical_sets_never_straddle_splits(drawings: Path) -> None:
    dataset = Dataset.open(drawings)
    groups = {entry["name"]: entry for entry in dataset.metadata["groups"]}
    for kin in (("feather", "lucide"), ("ion", "famicons"), ("heroicons-outline", "heroicons-solid")):
        assert len({(groups[name]["tradition"], groups[name]["split"]) for name in kin if name in groups}) == 1
    assert groups["tabler"]["tradition"] == "tabler"
    assert all(dataset.splits.values())


def test_sets_without_a_free_licence_or_drawn_by_animation_are_left_out(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        if content["prefix"] == "carbon":
            content["info"]["license"]["spdx"] = "CC-BY-NC-4.0"
        if content["prefix"] == "tabler":
            del content["info"]["license"]
        if content["prefix"] == "charm":
            content["info"]["tags"] = ["Contains Animations"]
        if content["prefix"] == "feather":
            content["info"]["license"]["spdx"] = "GPL-3.0"

    source = IconifySource(changed(tmp_path / "a.tgz", change))
    names = [group.name for group in source.groups()]
    left = {entry.what: entry.reason for entry in source.entries(names[0]) if isinstance(entry, Rejected)}
    assert left["carbon"] == "no free licence: CC-BY-NC-4.0"
    assert left["tabler"] == "no free licence: none stated"
    assert left["charm"] == "drawn by its animation"
    assert not {"carbon", "tabler", "charm"} & set(names)
    assert {entry.permissive for entry in source.entries("feather") if isinstance(entry, Entry)} == {False}
    assert {entry.permissive for entry in source.entries("lucide") if isinstance(entry, Entry)} == {True}


def test_what_most_sets_draw_comes_first_and_once(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        if content["prefix"] == "charm":
            content["suffixes"] = {"": "Plain", "bold": "Bold"}
            content["icons"]["star-bold"] = content["icons"]["star"]
            content["icons"]["a-thing-that-nobody-else-draws"] = content["icons"]["star"]

    source = IconifySource(changed(tmp_path / "a.tgz", change), per_set=200)
    everywhere = [{entry.subject for entry in source.entries(group.name) if isinstance(entry, Entry)}
                  for group in source.groups()]  # fmt: skip
    entries = [entry for entry in source.entries("charm") if isinstance(entry, Entry)]
    shared = [sum(entry.subject in subjects for subjects in everywhere) for entry in entries]
    assert shared == sorted(shared, reverse=True)
    titles = [entry.title for entry in entries]
    assert "star" in titles
    assert "star-bold" not in titles
    assert "a-thing-that-nobody-else-draws" in titles[-1:]
    few = IconifySource(tmp_path / "a.tgz", per_set=5)
    assert [entry.title for entry in few.entries("charm") if isinstance(entry, Entry)] == titles[:5]


def test_a_second_call_does_nothing(drawings: Path) -> None:
    assert prepare(IconifySource(DRAWINGS), drawings, min_works=3, workers=1, progress=False)["prepared"] is False


def test_what_was_measured_once_is_not_measured_again(tmp_path: Path) -> None:
    """What the cache says is believed, even that two sets are alike which are not."""

    def families() -> dict[str, str]:
        source = IconifySource(DRAWINGS)
        source.cache = tmp_path
        return {group.name: group.tradition for group in source.groups()}

    before = families()
    assert before["tabler"] != before["noto"]
    (cache,) = tmp_path.glob("alike-*.json")
    cache.write_text(json.dumps([*json.loads(cache.read_text()), ["noto", "tabler"]]))
    after = families()
    assert after["tabler"] == after["noto"]


def test_workers_get_no_more_than_they_need() -> None:
    source = IconifySource(DRAWINGS)
    assert source.groups()
    assert len(pickle.dumps(source)) < 1000


def test_a_drawing_is_on_a_square_whatever_its_box(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        if content["prefix"] == "charm":
            content["icons"]["star"] |= {"width": 32, "body": '<path d="M0 0h32v16H0z"/>'}

    source = IconifySource(changed(tmp_path / "a.tgz", change))
    (star,) = [entry for entry in source.entries("charm") if isinstance(entry, Entry) and entry.title == "star"]
    pixels = source.medium.read(star, source.read(star))
    assert (pixels["width"], pixels["height"]) == (64, 64)
    assert not pixels["colour"]


@pytest.mark.parametrize("content", [b"", b"la la", gzip.compress(b"la la" * 999, mtime=0)])
def test_what_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_bytes(content)
    with pytest.raises(UserError, match="npm pack"):
        IconifySource(tmp_path / "a.tgz").groups()


def test_an_archive_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_bytes(DRAWINGS.read_bytes()[:-5000])
    with pytest.raises(UserError, match="whole archive"):
        IconifySource(tmp_path / "a.tgz").groups()


@pytest.mark.parametrize("change", [
    lambda content: content.update(prefix="../../etc"), lambda content: content.update(icons=[]),
])  # fmt: skip
def test_a_set_that_is_none_is_refused(change: Callable[[dict[str, Any]], None], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"akar-icons\.json"):
        IconifySource(changed(tmp_path / "a.tgz", change)).groups()


def test_a_drawing_that_reaches_out_is_left_out(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        if content["prefix"] == "charm":
            content["icons"]["star"]["body"] = '<image href="file:///etc/hostname" width="9" height="9"/>'
            content["icons"]["key"]["body"] = '<path fill="#fff" d="M0 0h9v9z"/>'

    source = IconifySource(changed(tmp_path / "a.tgz", change))
    about = prepare(source, tmp_path / "data", groups=["charm"], min_works=1, workers=1, progress=False)
    reasons = {entry["what"]: entry["reason"] for entry in about["rejected"]}
    assert "<image>" in reasons["charm:star"]
    assert "one colour" in reasons["charm:key"]


def test_the_same_archive_elsewhere_gives_the_same_data(drawings: Path, tmp_path: Path) -> None:
    shutil.copy(DRAWINGS, tmp_path / "other.tgz")
    prepare(IconifySource(tmp_path / "other.tgz"), tmp_path / "data", min_works=3, workers=1, progress=False)
    one, two = Dataset.open(drawings), Dataset.open(tmp_path / "data")
    assert one.metadata == two.metadata
    for group in one.groups("test"):
        assert all(
            np.array_equal(a.pixels(), b.pixels()) for a, b in zip(one.works(group), two.works(group), strict=True)
        )
