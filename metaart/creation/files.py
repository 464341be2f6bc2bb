"""Files that a user names: read and written whole."""

from __future__ import annotations

from pathlib import Path

from metaart.errors import UserError


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
    """Write a file, whole or not at all, in a folder that is made where it is missing.

    Raises:
        UserError: it cannot be written.
    """
    partial = path.parent / f".{path.name}.partial"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(data)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            expected="a file that can be written",
            got=f"{path}: {error.strerror or 'cannot be written'}",
            fix="Give another path, of a file in a folder that is yours.",
        ) from error
