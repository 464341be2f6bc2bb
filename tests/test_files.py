"""Files that a user names."""

from __future__ import annotations

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
