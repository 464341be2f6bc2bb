"""Qt resource archives (.rcc), as far as it takes to read the pictures in them."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import pyarrow as pa

from metaart.errors import TooLarge, WrongFormat

_ZLIB, _DIRECTORY, _ZSTD = 1, 2, 4
_MAX_DEPTH = 32


@dataclass(frozen=True)
class ArchiveBounds:
    """What an archive may hold at most.

    Attributes:
        max_bytes: size of the archive.
        max_files: files and folders.
        max_file_bytes: size of one file, unpacked.
    """

    max_bytes: int = 256 * 2**20
    max_files: int = 20_000
    max_file_bytes: int = 32 * 2**20


class ResourceArchive:
    """An archive whose list of files was read; a file is unpacked when it is asked for.

    Versions 1 to 3, files as they are or packed with zlib or Zstandard.

    Args:
        data: the archive.
        name: what to call it in errors.
        bounds: how much is too much (default: `ArchiveBounds()`).

    Attributes:
        files: paths, in order.

    Raises:
        TooLarge: more bytes or files than the bounds allow.
        WrongFormat: not such an archive, or damaged.
    """

    def __init__(self, data: bytes, *, name: str = "the archive", bounds: ArchiveBounds | None = None) -> None:
        self._data, self._name, self._bounds = data, name, bounds or ArchiveBounds()
        if len(data) > self._bounds.max_bytes:
            raise self._too_large("bytes", self._bounds.max_bytes)
        if data[:4] != b"qres" or len(data) < 20:
            raise WrongFormat(
                expected="a Qt resource archive (it starts with qres)",
                got=f"{name}, which starts with {data[:8]!r}",
                fix="Give an .rcc file.",
            )
        # Offsets from the start of the archive: of the tree, of the files' bytes, of their names.
        self._version, tree, self._packed, self._names = struct.unpack_from(">4I", data, 4)
        if not 1 <= self._version <= 3:
            raise self._damaged(f"of version {self._version}")
        self._contents: dict[str, tuple[int, int]] = {}
        self._count = 0
        self._walk(tree, 0, "", 0)
        self.files = sorted(self._contents)

    def read(self, path: str) -> bytes:
        """A file, unpacked.

        Raises:
            KeyError: no such file.
            TooLarge: it is larger than the bounds allow.
            WrongFormat: it is damaged.
        """
        offset, flags = self._contents[path]
        size = self._number(">I", self._packed + offset)
        start = self._packed + offset + 4
        data = self._data[start : start + size]
        if len(data) < size:
            raise self._damaged(f"that ends inside {path}")
        most = self._bounds.max_file_bytes
        if flags & _ZLIB:
            unpack = zlib.decompressobj()
            try:
                # Four bytes of size stand first, which nobody vouches for; one byte more than allowed shows a bomb.
                data = unpack.decompress(data[4:], most + 1)
            except zlib.error as error:
                raise self._damaged(f"whose {path} cannot be unpacked") from error
            if not unpack.eof and len(data) <= most:  # the stream ended before its end mark
                raise self._damaged(f"whose {path} is cut off")
        elif flags & _ZSTD:
            try:
                with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
                    data = stream.read(most + 1)
            except (OSError, pa.ArrowException) as error:
                raise self._damaged(f"whose {path} cannot be unpacked") from error
        if len(data) > most:
            raise self._too_large(f"bytes in {path}", most)
        return data

    def _walk(self, tree: int, node: int, path: str, depth: int) -> None:
        """Note the files below a node; nodes are counted, so that a loop ends."""
        self._count += 1
        if self._count > self._bounds.max_files or depth > _MAX_DEPTH:
            raise self._too_large("files and folders", self._bounds.max_files)
        # Version 2 added 8 bytes to each node, the time of the last change.
        at = tree + node * (14 if self._version == 1 else 22)
        name_offset, flags = self._number(">I", at), self._number(">H", at + 4)
        if node:
            path = f"{path}/{self._text(name_offset)}"
        if flags & _DIRECTORY:
            count, first = self._number(">I", at + 6), self._number(">I", at + 10)
            if count > self._bounds.max_files:
                raise self._too_large("files and folders", self._bounds.max_files)
            for child in range(first, first + count):
                if child == 0:  # the root is nobody's child; other loops end by the count above
                    raise self._damaged("whose folders hold themselves")
                self._walk(tree, child, path, depth + 1)
        else:
            self._contents[path] = (self._number(">I", at + 10), flags)

    def _text(self, offset: int) -> str:
        start = self._names + offset
        length = self._number(">H", start)
        # Two bytes of length and four of a hash, then UTF-16.
        return self._data[start + 6 : start + 6 + 2 * length].decode("utf-16-be", errors="replace")

    def _number(self, form: str, offset: int) -> int:
        try:
            return int(struct.unpack_from(form, self._data, offset)[0])
        except struct.error as error:
            raise self._damaged("that is cut off") from error

    def _damaged(self, got: str) -> WrongFormat:
        return WrongFormat(
            expected="a whole Qt resource archive", got=f"{self._name} {got}", fix="Install or unpack it again."
        )

    def _too_large(self, what: str, most: int) -> TooLarge:
        return TooLarge(
            expected=f"an archive of at most {most:,} {what}", got=f"{self._name} with more", fix="Give a smaller one."
        )
