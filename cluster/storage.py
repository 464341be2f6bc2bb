"""A folder on any filesystem that pyarrow knows, named by a URL: file:///shared/runs, s3://bucket/runs, ..."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

from pyarrow import fs

from metaart.data.location import filesystem_of, is_url
from metaart.errors import UserError

T = TypeVar("T")
PATIENCE_S = 300.0
"""How long those at work on a cluster try again to read and write where an object store is away."""


class Storage:
    """A folder, reached without its being mounted; files appear there whole or not at all.

    Args:
        url: what `metaart.data.location.filesystem_of` reads: `file:///FOLDER`, `s3://BUCKET/FOLDER`, ...
        patience_s: for how long what fails is tried again and again while an object store is away.

    Raises:
        UserError: no URL, or one of an unknown kind.
    """

    def __init__(self, url: str, patience_s: float = 0.0) -> None:
        if not is_url(url):
            raise UserError(
                expected="a URL such as file:///shared/runs or s3://bucket/runs",
                got=repr(url),
                fix=f"For a folder of this machine write file://{Path(url or '.').resolve()}",
            )
        self.url = url
        self.filesystem, self.path = filesystem_of(url)
        self.is_local = isinstance(self.filesystem, fs.LocalFileSystem)
        # Patience is for object stores, which may be away for a while; a disk that fails has failed.
        self._patience_s = 0.0 if self.is_local else patience_s

    def child(self, name: str) -> Storage:
        """A folder in this one."""
        parts = urlsplit(self.url)
        return Storage(urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}")), self._patience_s)

    def check_writable(self) -> None:
        """Raise `UserError` where a file cannot be written, read again and deleted."""
        probe = f".probe-{os.getpid()}"
        try:
            # All three, for a right to write is none to read or to delete.
            self.write(probe, b"metaart")
            self.read(probe)
            self.delete(probe)
        except OSError as error:
            raise UserError(
                expected="a storage that can be written",
                got=f"{self.url}: {str(error).splitlines()[0][:300]}",
                fix="Make the folder or bucket, give the right to write there, or name another --storage.",
            ) from error

    def files(self, folder: str = "") -> dict[str, int]:
        """Sizes in bytes of all files in and below a folder, by their names from here; none where nothing is there."""
        selector = fs.FileSelector(self._at(folder), recursive=True, allow_not_found=True)
        found = self.patiently(lambda: self.filesystem.get_file_info(selector))
        return {entry.path[len(self.path) :].lstrip("/"): entry.size for entry in found if entry.is_file}

    def exists(self, name: str) -> bool:
        """Whether a file is there."""
        return bool(self.patiently(lambda: self.filesystem.get_file_info(self._at(name))).is_file)

    def read(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            OSError: it cannot be read.
        """

        def read() -> bytes:
            with self.filesystem.open_input_stream(self._at(name)) as stream:
                return bytes(stream.read())

        return self.patiently(read)

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        path = self._at(name)
        if not self.is_local:
            self.patiently(lambda: self._write_object(path, content))
            return
        partial = Path(path).with_name(f".{Path(path).name}.partial-{os.getpid()}")
        partial.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("wb") as file:
                file.write(content)
                file.flush()
                # Before it gets its name: after a crash the name must not stand for an empty file.
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise

    def put(self, local: Path, name: str, *, last: str = "") -> None:
        """Copy a local file or folder here; of a folder, the file `last` comes last, as a sign that all are there."""
        if local.is_file():
            self.write(name, local.read_bytes())
            return
        inside = sorted(path for path in local.rglob("*") if path.is_file())
        # False sorts before True: all others come first.
        for path in sorted(inside, key=lambda path: path.name == last):
            self.write(f"{name}/{path.relative_to(local).as_posix()}", path.read_bytes())

    def get(self, name: str, local: Path) -> None:
        """Copy a file from here to a local one, which appears whole or not at all."""
        local.parent.mkdir(parents=True, exist_ok=True)
        partial = local.with_name(f".{local.name}.partial-{os.getpid()}")

        def copy() -> None:
            with self.filesystem.open_input_stream(self._at(name)) as source, partial.open("wb") as target:
                shutil.copyfileobj(source, target, 2**20)

        try:
            self.patiently(copy)
            partial.replace(local)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise

    def delete(self, name: str) -> None:
        """Delete a file, or a folder with all in it; nothing happens where nothing is."""
        path = self._at(name)
        if self.is_local:
            shutil.rmtree(path) if Path(path).is_dir() else Path(path).unlink(missing_ok=True)
        elif self.exists(name):
            self._delete_object(path)
        else:
            # An object store has no folders, only names that begin alike.
            for inside in self.files(name):
                self._delete_object(self._at(inside))

    def patiently(self, work: Callable[[], T]) -> T:
        """What `work` returns; while the object store is away it is tried again, for as long as there is patience.

        Raises:
            OSError: it failed until then.
        """
        began, pause = time.monotonic(), 1.0
        while True:
            try:
                return work()
            # An answer, not a failure: the store is there.
            except FileNotFoundError:
                raise
            except OSError:
                if time.monotonic() - began + pause > self._patience_s:
                    raise
            time.sleep(pause)
            # Ever longer: a store that struggles is not asked the harder for it.
            pause = min(2 * pause, 30.0)

    def _write_object(self, path: str, content: bytes) -> None:  # it appears when its last part is there
        with self.filesystem.open_output_stream(path) as stream:
            stream.write(content)

    def _delete_object(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):  # deleted by a try whose answer was lost
            self.patiently(lambda: self.filesystem.delete_file(path))

    def _at(self, name: str) -> str:
        return f"{self.path.rstrip('/')}/{name}".rstrip("/")
