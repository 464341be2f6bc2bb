"""Prepared data on an object store is the same data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.storage import Storage
from metaart.cli import main
from metaart.config import located, override
from metaart.data.location import absolute, filesystem_of, is_url
from metaart.data.shards import Dataset
from metaart.errors import UserError
from metaart.recipes import recipe
from tests.conftest import TINY


@pytest.fixture(scope="module")
def stored(object_store: str, music_data: Path) -> str:
    """URL of prepared music on the object store."""
    storage = Storage(object_store).child("music")
    for path in music_data.rglob("*"):
        if path.is_file():
            storage.write(path.relative_to(music_data).as_posix(), path.read_bytes())
    return storage.url


def test_it_holds_the_same_works(stored: str, music_data: Path) -> None:
    there, here = Dataset.open(stored, medium="music"), Dataset.open(music_data)
    assert there.metadata == here.metadata
    for group in here.groups("test"):
        assert [work.midi for work in there.works(group)] == [work.midi for work in here.works(group)]


def test_a_run_trains_on_it_as_on_a_folder(
    stored: str, music_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = [word for value in TINY for word in ("--set", value)]
    for name, data in (("there", stored), ("here", str(music_data))):
        assert main(["train", "music", "--data", data, "--out", str(tmp_path / name), *settings]) == 0
    there, here = ((tmp_path / name / "weights.safetensors").read_bytes() for name in ("there", "here"))
    assert there == here
    capsys.readouterr()
    assert main(["data", "show", stored]) == 0
    assert "China: Shanxi" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda url: url.replace("/music?", "/nothing?"), "without it"),
        (lambda url: url.replace("//runs/", "//no-such-bucket/"), "no-such-bucket"),
        (lambda url: url.replace("s3://", "s4://"), "a filesystem that pyarrow knows"),
        (lambda url: url.replace("//runs", "//key:secret@runs"), "one with a key"),
    ],
)
def test_what_cannot_be_read_is_said(stored: str, change: Callable[[str], str], reason: str) -> None:
    with pytest.raises(UserError) as error:
        Dataset.open(change(stored))
    assert reason in str(error.value)
    assert "secret" not in str(error.value)


def test_names_of_files_become_absolute_and_urls_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    named = {"": "", "data": str(tmp_path / "data"), "s3://b/d": "s3://b/d", "/d": "/d"}
    assert {where: absolute(where) for where in named} == named
    assert not is_url("data/a:b")
    assert filesystem_of("")[1] == "."
    config = override(recipe("style"), ["domain.objective.loss_network=vgg19:vgg.pth", "data=s3://b/d"])
    found = located(config)
    assert (found.data, found.domain.photographs) == ("s3://b/d", str(tmp_path / "data/photographs"))
    assert found.domain.objective.loss_network == f"vgg19:{tmp_path}/vgg.pth"
    assert located(recipe("style")).domain.objective == recipe("style").domain.objective
