"""A folder that is brought from a storage and kept there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cluster.mirror import Changes, bring, main
from cluster.storage import Storage
from metaart.errors import UserError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(f"file://{tmp_path}/storage")


def test_what_is_brought_is_what_was_kept(storage: Storage, tmp_path: Path) -> None:
    storage.write("a/b.txt", b"one")
    storage.write("c.bin", bytes(range(256)))
    assert bring(storage, tmp_path / "here") == ["a/b.txt", "c.bin"]
    assert (tmp_path / "here" / "c.bin").read_bytes() == bytes(range(256))
    assert bring(storage, tmp_path / "some", ["c.bin"]) == ["c.bin"]
    assert [path.name for path in (tmp_path / "some").iterdir()] == ["c.bin"]


def test_changes_are_new_changed_and_deleted_files(storage: Storage, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    storage.write("old", b"0")
    storage.write("gone", b"0")
    bring(storage, folder)
    changes = Changes(folder, storage)
    storage.write("untouched", b"of somebody else")
    (folder / "new").mkdir()
    (folder / "new" / "file").write_bytes(b"1")
    (folder / ".file.partial-7").write_bytes(b"half")
    (folder / "gone").unlink()
    changes.keep()
    assert storage.files() == {"old": 1, "new/file": 1, "untouched": 16}
    (folder / "old").write_bytes(b"22")
    changes.keep()
    assert storage.read("old") == b"22"


def test_what_is_brought_later_is_no_change_and_the_last_file_goes_last(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = Changes(tmp_path / "here", storage, last="sign")
    storage.write("a/x", b"theirs")
    storage.write("b/x", b"theirs")
    changes.bring(lambda name: name.startswith("a/"))
    written: list[str] = []
    monkeypatch.setattr(storage, "write", lambda name, content: written.append(name))
    changes.keep()
    assert (tmp_path / "here" / "a" / "x").read_bytes() == b"theirs"
    assert written == []
    for name in ("z", "sign", "a/x"):
        (tmp_path / "here" / name).write_bytes(b"ours")
    changes.keep()
    assert written == ["a/x", "z", "sign"]


def test_a_name_that_leads_out_is_refused(storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "files", lambda _below: {"../outside": 1})
    with pytest.raises(UserError, match="inside their folder"):
        bring(storage, tmp_path / "here")
    assert not (tmp_path / "outside").exists()


def test_a_command_s_folder_is_kept_however_it_ends(storage: Storage) -> None:
    storage.write("before", b"x")
    for status in (0, 3):
        code = f"import pathlib, sys; p = pathlib.Path(sys.argv[1]); assert (p / 'before').exists(); " \
               f"(p / 'status-{status}').write_text('y'); sys.exit({status})"  # fmt: skip
        assert main([storage.url, "--", sys.executable, "-c", code, "{folder}"]) == status
    assert storage.files() == {"before": 1, "status-0": 1, "status-3": 1}


@pytest.mark.parametrize("to_all", [False, True], ids=["SIGTERM to it alone", "SIGINT to all, as a job's end does"])
def test_a_command_that_is_stopped_is_interrupted_once_and_its_folder_kept(
    storage: Storage, tmp_path: Path, to_all: bool
) -> None:
    code = ("import pathlib, signal, sys, time\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "folder = pathlib.Path(sys.argv[1])\npathlib.Path(sys.argv[2]).touch()\n"
            "try:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    time.sleep(1)\n"
            "    (folder / 'last').write_text('words')\n    sys.exit(130)\n")  # fmt: skip
    ready = tmp_path / "ready"
    words = [
        sys.executable,
        "-m",
        "cluster.mirror",
        storage.url,
        "--",
        sys.executable,
        "-c",
        code,
        "{folder}",
        str(ready),
    ]
    process = subprocess.Popen(words, cwd=ROOT, start_new_session=True)
    while not ready.exists() and process.poll() is None:
        time.sleep(0.05)
    if to_all:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 130
    assert storage.read("last") == b"words"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["file:///tmp/x"], "{folder}"),
        (["file:///tmp/x", "--", "true"], "{folder}"),
        (["runs/x", "--", "true", "{folder}"], "file://"),
        (["s3://key:secret@bucket/x", "--", "true", "{folder}"], "AWS_ACCESS_KEY_ID"),
        (["file:///proc/none", "--", "true", "{folder}"], "can be written"),
    ],
)
def test_bad_input_is_said(words: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert "secret" not in error


def test_a_command_that_is_not_there_is_said(storage: Storage, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([storage.url, "--", "no-such-command", "{folder}"]) == 2
    assert "no-such-command" in capsys.readouterr().err
