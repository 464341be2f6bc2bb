"""Files that a user names."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from metaart.errors import UserError
from metaart.files import write_file


def test_a_file_is_written_whole_in_a_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "new.mid"
    for data in (b"old", b"new"):
        write_file(path, data)
        assert path.read_bytes() == data
    assert list(path.parent.iterdir()) == [path]


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    file, folder = tmp_path / "file", tmp_path / "folder"
    file.write_bytes(b"kept")
    folder.mkdir()
    for path, reason in ((file / "new.mid", "File exists|Not a directory"), (folder, "Is a directory")):
        with pytest.raises(UserError, match=reason) as caught:
            write_file(path, b"new")
        assert str(path) in caught.value.got
    assert sorted(tmp_path.rglob("*")) == [file, folder]
    assert file.read_bytes() == b"kept"


def test_a_full_disk_leaves_the_file_that_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file(tmp_path / "new" / "a.png", b"old")

    def full(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[:1])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match="No space left"):
        write_file(tmp_path / "new" / "a.png", b"new")
    assert {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()} == {"a.png": b"old"}
