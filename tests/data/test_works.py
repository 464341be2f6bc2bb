"""Works are read when they are asked for, little of them is kept, and damage is noticed then."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import fs

from metaart.data.media.base import schema
from metaart.data.media.pictures import PictureMedium
from metaart.data.works import ROW_GROUP_BYTES, Recent, Shard, Works, recent_rows, write_shard
from metaart.errors import UserError

COUNTS = (300, 1, 150)
PICTURE_BYTES = 12_000


def table(number: int, count: int) -> pa.Table:
    """Works whose pictures are noise."""
    rng = np.random.default_rng(number)
    texts = {"group": f"g{number}", "tradition": "", "split": "train", "source": "", "licence": ""}
    rows = [
        {**texts, "work_id": f"{number}/{work}", "title": "", "png": rng.bytes(PICTURE_BYTES), "width": work,
         "height": 1, "author": "", "subject": "", "colour": False}
        for work in range(count)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=schema(PictureMedium()))


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Shards of several row groups and of a single work."""
    folder, found = tmp_path_factory.mktemp("shards"), []
    for number, count in enumerate(COUNTS):
        found.append(str(folder / f"{number}.parquet"))
        write_shard(table(number, count), found[-1])
    return found


def works_of(paths: list[str], recent: Recent) -> Works:
    return Works([Shard(fs.LocalFileSystem(), path, PictureMedium(), recent) for path in paths])


@given(st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_they_are_a_sequence_like_a_list_of_them(paths: list[str], data: st.DataObject) -> None:
    works = works_of(paths, recent_rows(3 * ROW_GROUP_BYTES))
    plain = [f"{number}/{work}" for number, count in enumerate(COUNTS) for work in range(count)]
    bounds = st.none() | st.integers(-500, 500)
    for _ in range(3):
        chosen = slice(data.draw(bounds), data.draw(bounds), data.draw(st.sampled_from([None, 1, -1, 2, 7, -50])))
        works, plain = works[chosen], plain[chosen]
        assert len(works) == len(plain)
    assert [work.work_id for work in works[:40]] == plain[:40]
    for index in (0, -1, len(plain) // 2):
        if plain:
            assert works[index].work_id == plain[index]
    for beyond in (len(plain), -len(plain) - 1):
        with pytest.raises(IndexError):
            works[beyond]


def test_each_work_is_what_was_written(paths: list[str]) -> None:
    works = works_of(paths, recent_rows())
    for number, count in enumerate(COUNTS):
        for row in table(number, count).to_pylist():
            work = works[sum(COUNTS[:number]) + row["width"]]
            assert {name: getattr(work, name) for name in row} == row


def test_no_more_is_kept_than_said_and_no_more_read_than_a_row_group(paths: list[str]) -> None:
    assert pq.read_metadata(paths[0]).num_row_groups >= 3
    recent = recent_rows(5 * ROW_GROUP_BYTES)
    works, read = works_of(paths, recent), pa.total_allocated_bytes()
    assert recent.currsize == 0, "nothing is read before it is asked for"
    held = works[120]
    assert pa.total_allocated_bytes() - read < 2 * ROW_GROUP_BYTES
    for index in np.random.default_rng(0).integers(len(works), size=600):
        assert len(works[int(index)].png) == PICTURE_BYTES
        assert recent.currsize <= 5 * ROW_GROUP_BYTES
    assert works[120] == held


def test_a_row_group_larger_than_what_is_kept_is_read_once(tmp_path: Path) -> None:
    path = str(tmp_path / "old.parquet")
    pq.write_table(table(0, 300), path)  # one row group, as folders had it that were prepared long ago
    recent = recent_rows(ROW_GROUP_BYTES)
    works = works_of([path], recent)
    first = works[0]
    assert works[0] is first
    assert len(recent) == 1


def test_what_is_found_once_is_kept_until_there_is_no_room() -> None:
    recent, made = Recent(len, most=10), []

    def make(text: str) -> str:
        made.append(text)
        return text

    for text in ("aaaa", "bbbb", "aaaa", "cccc", "aaaa", "bbbb"):
        assert recent.find(text[0], lambda text=text: make(text)) == text
    assert made == ["aaaa", "bbbb", "cccc", "bbbb"]


def test_a_damaged_page_is_noticed_when_it_is_read(paths: list[str], tmp_path: Path) -> None:
    content = bytearray(Path(paths[0]).read_bytes())
    footer = pq.read_metadata(paths[0])
    last = footer.row_group(footer.num_row_groups - 1)
    png = next(last.column(index) for index in range(last.num_columns) if last.column(index).path_in_schema == "png")
    begin = png.dictionary_page_offset if png.has_dictionary_page else png.data_page_offset
    content[begin + png.total_compressed_size // 2] ^= 1
    path = tmp_path / "damaged.parquet"
    path.write_bytes(content)
    works = works_of([str(path)], recent_rows())
    assert works[0].work_id == "0/0"
    with pytest.raises(UserError, match=r"a Parquet shard; got a damaged .*damaged\.parquet"):
        works[COUNTS[0] - 1]
