"""A folder on a filesystem and one on an object store behave alike."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster import storage as storage_module
from cluster.storage import Storage
from metaart.errors import UserError

T = TypeVar("T")
NAMES = ["a", "b.json", "folder/a", "folder/b/c", "folder-2/a"]


@pytest.fixture(params=["file", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "file":
        return Storage(f"file://{tmp_path}/kept")
    return Storage(request.getfixturevalue("object_store")).child(tmp_path.name)


@given(steps=st.lists(st.tuples(st.booleans(), st.sampled_from(NAMES), st.binary(max_size=50)), max_size=12))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_holds_what_was_written_and_not_deleted(storage: Storage, steps: list[tuple[bool, str, bytes]]) -> None:
    for name in ("a", "b.json", "folder", "folder-2"):
        storage.delete(name)
    expected: dict[str, bytes] = {}
    for keep, name, content in steps:
        if keep:
            storage.write(name, content)
            expected[name] = content
        else:
            storage.delete(name)
            expected.pop(name, None)
    assert storage.files() == {name: len(content) for name, content in expected.items()}
    assert {name: storage.read(name) for name in expected} == expected
    assert [storage.exists(name) for name in NAMES] == [name in expected for name in NAMES]


def test_a_folder_is_put_with_its_sign_last_and_deleted_as_a_whole(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("state.json", "weights", "under/optimizer"):
        (tmp_path / "step" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "step" / name).write_bytes(name.encode())
    written: list[str] = []
    write = storage.write
    monkeypatch.setattr(storage, "write", lambda name, content: (written.append(name), write(name, content)))
    storage.put(tmp_path / "step", "meta/step", last="state.json")
    assert sorted(written) == ["meta/step/state.json", "meta/step/under/optimizer", "meta/step/weights"]
    assert written[-1] == "meta/step/state.json"
    storage.get("meta/step/weights", tmp_path / "back" / "weights")
    assert (tmp_path / "back" / "weights").read_bytes() == b"weights"
    storage.delete("meta/step")
    assert storage.files("meta") == {}
    storage.delete("meta/step")


def test_a_file_that_cannot_be_brought_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="none"):
        storage.get("none", tmp_path / "here" / "file")
    assert list((tmp_path / "here").iterdir()) == []


def test_what_can_be_written_passes_the_check_and_is_left_as_it_was(storage: Storage) -> None:
    storage.check_writable()
    assert storage.files() == {}


def test_a_storage_that_cannot_be_written_is_said(object_store: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="can be written"):
        Storage(object_store.replace("//runs", "//no-such-bucket")).check_writable()
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="can be written"):
        Storage(f"file://{tmp_path}/file/folder").check_writable()


@pytest.mark.parametrize(
    "url", ["", "runs/x", "s3://", "s3://bucket?endpoint=x", "s3://key:secret@bucket/x", "nonsense://x/y"]
)
def test_what_is_no_url_is_refused_without_repeating_a_secret(url: str) -> None:
    with pytest.raises(UserError) as caught:
        Storage(url)
    assert "secret" not in str(caught.value)


def test_the_endpoint_may_stand_in_the_environment(object_store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url, _, query = object_store.partition("?")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://" + query.partition("=")[2].partition("&")[0])
    Storage(f"{url}/by-environment").write("a", b"1")
    assert Storage(object_store).child("by-environment").read("a") == b"1"


def test_a_local_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = Storage(f"file://{tmp_path}")
    storage.write("a", b"old")

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        storage.write("a", b"new and longer")
    assert storage.read("a") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert stat.S_ISREG((tmp_path / "a").stat().st_mode)


class Unreliable:
    """A filesystem whose next calls raise the faults that it is given."""

    def __init__(self, filesystem: Any) -> None:
        self._filesystem = filesystem
        self.faults: Iterator[OSError] = iter(())

    def __getattr__(self, name: str) -> Any:
        if fault := next(self.faults, None):
            raise fault
        return getattr(self._filesystem, name)


def test_an_object_store_that_is_away_for_a_while_is_waited_for(
    object_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(storage_module, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    patient = Storage(object_store, patience_s=10).child(tmp_path.name)
    unreliable = Unreliable(patient.filesystem)
    monkeypatch.setattr(patient, "filesystem", unreliable)

    def beside_two_faults(work: Callable[[], T]) -> T:
        pauses.clear()
        unreliable.faults = iter([OSError("away"), OSError("away")])
        result = work()
        assert pauses == [1.0, 2.0]
        return result

    beside_two_faults(lambda: patient.write("a", b"1"))
    assert beside_two_faults(lambda: patient.read("a")) == b"1"
    assert beside_two_faults(lambda: patient.exists("a"))
    assert beside_two_faults(patient.files) == {"a": 1}
    beside_two_faults(lambda: patient.get("a", tmp_path / "a"))
    beside_two_faults(lambda: patient.delete("a"))
    assert patient.files() == {}
    pauses.clear()
    unreliable.faults = iter([OSError("away for good")] * 9)
    with pytest.raises(OSError, match="for good"):
        patient.write("a", b"2")
    assert pauses == [1.0, 2.0, 4.0]  # the next would be longer than there is patience
    unreliable.faults = iter(())
    with pytest.raises(FileNotFoundError):
        patient.get("none", tmp_path / "none")
    folder = Storage(f"file://{tmp_path}/kept", patience_s=10)
    with pytest.raises(OSError, match="full"):
        folder.patiently(lambda: (_ for _ in ()).throw(OSError("the disk is full")))
    assert pauses == [1.0, 2.0, 4.0]
