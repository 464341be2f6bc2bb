"""Files that are read whole, and written whole or not at all; folders that one process writes."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from metaart.errors import UserError

LOCK = ".lock"


def read_file(path: Path, kind: str = "a MIDI file") -> bytes:
    """The bytes of a file that a user named.

    Raises:
        UserError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(
            expected=kind, got=f"{path}: {error.strerror or 'cannot be read'}", fix="Check the path."
        ) from error


def write_file(path: Path, data: bytes) -> None:
    """Write a file that a user named, in a folder that is made where it is missing.

    Raises:
        UserError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, lambda partial: partial.write_bytes(data))
    except (OSError, ValueError) as error:  # ValueError: no name of a file
        raise UserError(
            expected="a file that can be written",
            got=f"{path}: {getattr(error, 'strerror', None) or error}",
            fix="Give another path, of a file in a folder that is yours, or make room there.",
        ) from error


def save_text(path: Path, text: str) -> None:
    """Write a text file, which is on the disk when this returns."""
    replace_file(path, lambda partial: write_and_sync(partial, text))


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Have a file written under another name, which then takes the place of this one."""
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        write(partial)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_and_sync(path: Path, text: str) -> None:
    """Write a text file in place, which is on the disk when this returns."""
    path.write_text(text, encoding="utf-8")
    sync(path)


def sync(path: Path) -> None:
    """Have what was written to a file, or which names a folder holds, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> Path:
    """The folder, which is made where it is missing, with those above it.

    Raises:
        UserError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            expected="a folder that is there or can be made",
            got=f"{folder}: {error.strerror or 'cannot be made'}",
            fix="Give another: --out DIR",
        ) from error
    return folder


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold a folder, which is made where it is missing, against other processes that ask to write it.

    The hold ends with the process, however that ends. Where a filesystem knows no locks, nobody is held off.

    Raises:
        UserError: another process holds it, or it cannot be made or written.
    """
    try:
        file = (make_folder(folder) / LOCK).open("a", encoding="utf-8")
    except OSError as error:
        raise UserError(
            expected="a folder that can be written", got=f"{folder}: {error.strerror}", fix="Give another: --out DIR"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                expected="a folder that no other process is writing",
                got=f"{folder}, which one is writing now",
                fix="Wait for its end or stop it, or give another: --out DIR",
            ) from error
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                raise
        yield
