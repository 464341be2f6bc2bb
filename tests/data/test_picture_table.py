"""Pictures out of Parquet tables."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaart.data.base import Rejected
from metaart.data.picture_table import PictureTable
from metaart.data.prepare import prepare
from metaart.data.shards import Dataset
from metaart.errors import UserError
from tests.data.pictures import (
    ARTISTS,
    painting,
    picture_table,
)


@pytest.mark.parametrize("numbered", [True, False])
def test_a_table_gives_its_labels_names_and_every_picture(numbered: bool, tmp_path: Path) -> None:
    source = PictureTable(picture_table(tmp_path / "a.parquet", numbered=numbered))
    assert [group.name for group in source.groups()] == sorted(ARTISTS)
    about = prepare(source, tmp_path / "data", workers=1, progress=False)
    assert about["counts"]["works"] == 24
    dataset = Dataset.open(tmp_path / "data")
    for number, artist in enumerate(ARTISTS):
        found = [work.pixels() for work in dataset.works(artist)]
        assert all(np.array_equal(pixels, painting(number, index)) for index, pixels in enumerate(found))


def test_a_folder_of_tables_is_read_as_one(tmp_path: Path) -> None:
    picture_table(tmp_path / "one.parquet", label="label")
    picture_table(tmp_path / "two.parquet", label="label", works=2)
    source = pickle.loads(pickle.dumps(PictureTable(tmp_path)))
    assert [len(source.entries(artist)) for artist in ARTISTS] == [6] * 6


@pytest.mark.parametrize("columns", [{"picture": [b"1"]}, {"image": [b"1"]}, {"artist": ["Anna"]}])
def test_a_table_of_other_columns_is_refused(columns: dict[str, list[object]], tmp_path: Path) -> None:
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(UserError, match="a column of pictures and one of labels"):
        PictureTable(tmp_path / "a.parquet")


def test_a_damaged_table_is_refused_and_a_row_without_bytes_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1" + bytes(40))
    with pytest.raises(UserError, match="a Parquet file"):
        PictureTable(tmp_path / "a.parquet")
    pq.write_table(pa.table({"image": pa.array([None, b"1"], pa.binary()), "label": [None, 3]}), tmp_path / "a.parquet")
    source = PictureTable(tmp_path / "a.parquet")
    assert {group.name for group in source.groups()} == {"unknown", "3"}
    (rejected,) = source.examples("unknown")
    assert isinstance(rejected, Rejected)
    assert "the bytes of a picture" in rejected.reason
