"""Prepared folders, whole and damaged, and the table that shows them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaart.data import shards
from metaart.data.media.scores import ScoreMedium
from metaart.data.shards import Dataset, slug, write_dataset
from metaart.data.show import table
from metaart.errors import UserError


@pytest.fixture
def copy(music_data: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(music_data, tmp_path / "data"))


def test_the_splits_keep_traditions_apart(music_data: Path) -> None:
    dataset = Dataset.open(music_data)
    held = {split: {dataset.about(group)["tradition"] for group in groups} for split, groups in dataset.splits.items()}
    assert all(held.values())
    assert {split: sorted(found) for split, found in held.items()} == dataset.metadata["traditions"]
    assert sum(map(len, held.values())) == len(set().union(*held.values()))


@pytest.mark.parametrize("killed_at", ["rmtree", "rename", "save_text"])
def test_metadata_never_describes_the_shards_of_another_preparation(
    killed_at: str, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed preparation leaves a folder that is none, whichever step of putting shards in place was the last."""
    first = Dataset.open(copy).metadata["groups"][0]
    table = pq.read_table(copy / "shards" / first["shard"])

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def groups() -> Iterator[tuple[str, pa.Table]]:
        yield first["name"], table
        assert Dataset.open(copy).works(first["name"]), "whole as long as nothing of it is replaced"
        where = {"rmtree": shutil, "rename": Path, "save_text": shards}[killed_at]
        monkeypatch.setattr(where, killed_at, killed)

    with pytest.raises(KeyboardInterrupt):
        write_dataset(copy, ScoreMedium(), groups(), [], {})
    with pytest.raises(UserError, match=r"without it"):
        Dataset.open(copy)


def test_a_shard_is_plain_parquet(music_data: Path) -> None:
    dataset = Dataset.open(music_data)
    for about in dataset.metadata["groups"]:
        rows = pq.read_table(music_data / "shards" / about["shard"]).to_pylist()
        works = dataset.works(about["name"])
        assert len(rows) == len(works) == about["works"]
        assert [row["midi"] for row in rows] == [work.midi for work in works]
        assert [row["tokens"] for row in rows] == [work.tokens.tolist() for work in works]
        assert sum(len(row["tokens"]) for row in rows) == about["tokens"]
        assert {row["licence"] for row in rows} == set(about["licences"])
    assert sum(dataset.licences.values()) == dataset.metadata["counts"]["works"]


def test_groups_that_look_alike_have_files_of_their_own() -> None:
    assert len({slug(name) for name in ("China: Shanxi", "china shanxi", "China-Shanxi", "中国", "日本", "")}) == 6
    assert all("/" not in slug(name) and len(slug(name)) < 80 for name in ("../../etc", "a" * 500))


def test_unknown_names_are_refused(music_data: Path) -> None:
    dataset = Dataset.open(music_data)
    assert dataset.groups("test") == dataset.splits["test"]
    with pytest.raises(UserError, match="train, validation, test"):
        dataset.groups("testing")
    for ask in (dataset.works, dataset.about):
        with pytest.raises(UserError, match="a group of this data"):
            ask("Nobody")


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(UserError, match="metaart data prepare"):
            Dataset.open(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format_version": 1}', '{"format_version": "x"}', "\xff"])
def test_damaged_metadata_is_refused(text: str, copy: Path) -> None:
    (copy / "metadata.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=r"metadata\.json"):
        Dataset.open(copy)


def test_data_of_another_version_is_refused(copy: Path) -> None:
    about = json.loads((copy / "metadata.json").read_text())
    (copy / "metadata.json").write_text(json.dumps({**about, "format_version": 99}))
    with pytest.raises(UserError, match="version 99"):
        Dataset.open(copy)


def test_a_missing_or_damaged_shard_is_refused(copy: Path) -> None:
    first, second, *_ = (copy / "shards" / about["shard"] for about in Dataset.open(copy).metadata["groups"])
    first.unlink()
    second.write_bytes(second.read_bytes()[:-20])
    names = [about["name"] for about in Dataset.open(copy).metadata["groups"]]
    for name, reason in zip(names, ("no ", "a damaged"), strict=False):
        with pytest.raises(UserError, match=f"a Parquet shard; got {reason}"):
            Dataset.open(copy).works(name)


def test_the_table_shows_every_group_total_and_reason(music_data: Path) -> None:
    dataset = Dataset.open(music_data)
    shown = table(dataset)
    lines = shown.split("\n")
    for about in dataset.metadata["groups"]:
        (line,) = [line for line in lines if f" {about['name']} " in line]
        assert line.startswith(about["split"])
        assert f" {about['works']:,} " in line
        assert f" {about['tokens']:,} " in line
        assert next(iter(about["licences"]))[:40] in line
    (total,) = [line.split() for line in lines if line.startswith("all ")]
    counts = dataset.metadata["counts"]
    assert total == ["all", f"{counts['groups']:,}", f"{counts['works']:,}", f"{counts['tokens']:,}"]
    assert f"left out: {counts['rejected']:,} works" in shown


def test_the_table_sums_up_reasons_alike(copy: Path) -> None:
    about = json.loads((copy / "metadata.json").read_text())
    about["rejected"] = [
        {"what": f"{n}.mid", "reason": f"repeats a work of the test group Number {n}"} for n in range(3)
    ] + [{"what": f"{n}", "reason": f"a reason of its own, {n}"} for n in range(25)]
    (copy / "metadata.json").write_text(json.dumps(about))
    shown = table(Dataset.open(copy))
    assert "\n3  repeats a work of a test group" in shown
    assert "and 6 more reasons" in shown
