"""Files that a user names, and folders that one process writes."""

from __future__ import annotations

import errno
import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from metaart.errors import UserError
from metaart.files import only_writer, write_file


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


HOLDER = """
import sys, time
from pathlib import Path
from metaart.files import only_writer
with only_writer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_folder_is_held_until_the_process_that_holds_it_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "run"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UserError, match="which one is writing now"), only_writer(folder):
            pass
        with only_writer(tmp_path / "new" / "other"):
            pass
        holder.kill()
    with only_writer(folder), pytest.raises(UserError, match="no other process"), only_writer(folder):
        pass


def test_a_folder_is_written_where_the_filesystem_knows_no_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(number: int) -> None:
        def flock(handle: int, how: int) -> None:
            raise OSError(number, "fails")

        monkeypatch.setattr(fcntl, "flock", flock)

    fails(errno.ENOLCK)
    with only_writer(tmp_path):
        pass
    fails(errno.EIO)
    with pytest.raises(OSError, match="fails"), only_writer(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder" / ".lock").mkdir(parents=True)
    for folder in (tmp_path / "file", tmp_path / "folder"):
        with pytest.raises(UserError, match="a folder that"), only_writer(folder):
            pass
