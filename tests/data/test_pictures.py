"""Folders of pictures, prepared, shown and exported."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metaart.cli import main
from metaart.data.gcompris import GcomprisPaintings, GcomprisPhotographs
from metaart.data.media.pictures import is_colour
from metaart.data.openclipart import OpenclipartSource
from metaart.data.picture_folder import PictureFolder
from metaart.data.prepare import prepare
from metaart.data.shards import Dataset
from metaart.data.sheet import sheet
from metaart.errors import UserError
from metaart.formats.pictures.read import read_picture
from tests.data.pictures import (
    picture_folder,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return picture_folder(tmp_path_factory.mktemp("pictures") / "in")


@pytest.fixture(scope="module")
def prepared(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("prepared") / "data"
    assert prepare(PictureFolder(folder), out, workers=1, progress=False)["prepared"]
    return out


def test_what_is_prepared_is_what_was_given(folder: Path, prepared: Path) -> None:
    dataset = Dataset.open(prepared, medium="pictures")
    assert dataset.metadata["rejected"] == []
    works = [work for names in dataset.splits.values() for name in names for work in dataset.works(name)]
    assert sorted(work.work_id for work in works) == sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*.*")
    )
    for work in works:
        assert np.array_equal(work.pixels(), read_picture((folder / work.work_id).read_bytes()))
        assert (work.height, work.width) == work.pixels().shape[:2]
        assert work.group == work.author == work.work_id.split("/")[0]
        assert work.colour
    assert all(dataset.splits.values())


def test_a_larger_picture_is_scaled_down(folder: Path, tmp_path: Path) -> None:
    about = prepare(PictureFolder(folder, 16), tmp_path / "data", workers=1, progress=False)
    assert about["settings"]["max_side"] == 16
    assert {(entry["median_width"], entry["median_height"]) for entry in about["groups"]} == {(16, 12)}
    with pytest.raises(UserError, match="Choose another --out"):
        prepare(PictureFolder(folder, 20), tmp_path / "data", workers=1, progress=False)


def test_what_cannot_be_used_is_listed_and_copies_are_left_out(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "in")
    hand = tmp_path / "in" / "Anna"
    shutil.copy(hand / "00.png", hand / "copy.png")
    (hand / "song.png").write_bytes(b"MThd")
    (hand / "notes.txt").write_text("mine")
    (hand / "cut.jpg").write_bytes((hand / "01.jpg").read_bytes()[:-40])
    Image.new("RGB", (20, 20), "blue").save(hand / "blank.png")
    Image.new("RGB", (1, 1)).save(hand / "dot.png")
    about = prepare(PictureFolder(tmp_path / "in"), tmp_path / "data", workers=1, progress=False)
    reasons = {entry["what"].removeprefix("Anna/"): entry["reason"] for entry in about["rejected"]}
    for name, reason in {"copy.png": "repeats a work of its own group", "song.png": "PNG, JPEG or WebP",
                         "notes.txt": "not named", "cut.jpg": "cut off", "blank.png": "one colour",
                         "dot.png": "8 x 8"}.items():  # fmt: skip
        assert reason in reasons.pop(name)
    assert not reasons


def test_two_workers_write_what_one_writes_and_a_second_call_does_nothing(folder: Path, prepared: Path,
                                                                          tmp_path: Path) -> None:  # fmt: skip
    prepare(PictureFolder(folder), tmp_path / "data", workers=2, progress=False)
    for path in prepared.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "data" / path.relative_to(prepared)).read_bytes()
    assert prepare(PictureFolder(folder), tmp_path / "data", workers=1, progress=False)["prepared"] is False


def test_pictures_are_not_music(prepared: Path, music_data: Path) -> None:
    with pytest.raises(UserError, match=r"folder of music; got .*, which holds pictures"):
        Dataset.open(prepared, medium="music")
    with pytest.raises(UserError, match=r"folder of pictures; got .*, which holds music"):
        Dataset.open(music_data, medium="pictures")
    about = json.loads((music_data / "metadata.json").read_text())
    assert about.pop("medium") == "music"


def test_older_music_without_a_medium_opens(music_data: Path, tmp_path: Path) -> None:
    shutil.copytree(music_data, tmp_path / "data")
    about = json.loads((music_data / "metadata.json").read_text())
    del about["medium"]
    (tmp_path / "data" / "metadata.json").write_text(json.dumps(about))
    old, new = Dataset.open(tmp_path / "data", medium="music"), Dataset.open(music_data)
    group = new.groups("test")[0]
    assert [work.midi for work in old.works(group)] == [work.midi for work in new.works(group)]
    (tmp_path / "data" / "metadata.json").write_text(json.dumps({**about, "medium": "dance"}))
    with pytest.raises(UserError, match="holds dance"):
        Dataset.open(tmp_path / "data")


@pytest.mark.parametrize("make", [GcomprisPaintings, GcomprisPhotographs, OpenclipartSource])
def test_a_package_that_is_missing_says_how_to_get_it(make: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="apt-get download"):
        make(tmp_path)


def test_colour_is_told_from_grey() -> None:
    grey = np.repeat(np.arange(240, dtype=np.uint8).reshape(12, 20, 1), 3, axis=2)
    assert not is_colour(grey)
    tinted = grey.copy()
    tinted[0, 0] = (255, 0, 0)
    assert is_colour(tinted)


def test_the_command_prepares_shows_draws_and_exports(folder: Path, tmp_path: Path,
                                                      capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    out = str(tmp_path / "data")
    ask = ["data", "prepare", "pictures", "--path", str(folder), "--side", "20", "--workers", "1", "--out", out]
    assert main(ask) == 0
    assert "24 works in 6 groups" in capsys.readouterr().out
    assert main(["data", "show", out, "--sheet", str(tmp_path / "sheet.png"), "--per-group", "3"]) == 0
    shown = capsys.readouterr().out
    assert "20 x 15" in shown
    assert "not stated (the user's own files)" in shown
    drawn = read_picture((tmp_path / "sheet.png").read_bytes())
    assert drawn.shape == (6 + 6 * (16 + 96 + 6), 6 + 3 * 102, 3)
    assert main(["data", "export", out, "--group", "Anna", "--limit", "2", "--out", str(tmp_path / "files")]) == 0
    works = Dataset.open(out).works("Anna")
    assert [path.name for path in sorted((tmp_path / "files").iterdir())] == ["001.png", "002.png"]
    assert Image.open(io.BytesIO((tmp_path / "files" / "002.png").read_bytes())).size == (20, 15)
    assert (tmp_path / "files" / "001.png").read_bytes() == works[0].png


def test_a_sheet_of_music_is_refused(music_data: Path) -> None:
    with pytest.raises(UserError, match="metaart draw"):
        sheet(Dataset.open(music_data))
