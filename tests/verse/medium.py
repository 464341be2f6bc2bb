"""The medium of a toy art: a line of lower-case letters and spaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from metaart.data.base import Entry
from metaart.data.media.base import Medium, Row, StoredWork
from metaart.errors import TooLarge, UserError
from metaart.formats.base import Format

LETTERS = "\0\n abcdefghijklmnopqrstuvwxyz"
"""Tokens by number: padding, the beginning and the end of a verse, a space, the letters."""

MOST_LETTERS = 200


def check_texts(files: Sequence[bytes], names: Sequence[str]) -> None:
    """Refuse texts that are longer together than a verse or two."""
    if sum(map(len, files)) > 20 * MOST_LETTERS:
        raise TooLarge(
            expected=f"texts of at most {20 * MOST_LETTERS:,} bytes in all",
            got=f"{sum(map(len, files)):,} in {', '.join(names)[:60]}",
            fix="Give single verses.",
        )


TEXT = Format(
    "a text file", "text files", "TXT", "text/plain", (".txt",), check_texts, "one verse each", max_file_bytes=4096
)


def tokens_of(data: bytes, name: str) -> NDArray[np.uint8]:
    """A text file as numbers of `LETTERS`, its beginning and end included, (time,).

    Raises:
        UserError: it is no line of lower-case letters and spaces.
    """
    text = data[: MOST_LETTERS + 1].decode("latin-1").strip("\n")
    if not text or len(text) > MOST_LETTERS or set(text) - set(LETTERS[2:]):
        raise UserError(
            expected=f"a line of at most {MOST_LETTERS} lower-case letters and spaces",
            got=f"{name}, which begins with {text[:20]!r}",
            fix="Write it in lower case, without punctuation.",
        )
    return np.array([1, *(LETTERS.index(letter) for letter in text), 1], dtype=np.uint8)


@dataclass(frozen=True)
class StoredText(StoredWork):
    """A verse as it is kept."""

    text: str


class TextMedium(Medium):
    """Text files of one line."""

    name, reader_version, packages, suffix, total = "text", 1, (), ".txt", "letters"
    columns = (pa.field("text", pa.string()),)
    shown: ClassVar = {"letters": "letters"}

    def read(self, entry: Entry, data: bytes) -> Row:
        """The line; two copies are the same letters."""
        tokens_of(data, entry.work_id)
        return {"text": data.decode().strip("\n"), "fingerprint": sha256(data.strip()).hexdigest()[:24]}

    def stored(self, texts: Mapping[str, Any], table: pa.Table, row: int) -> StoredText:
        """A verse."""
        return StoredText(**texts, text=table.column("text")[row].as_py())

    def describe(self, table: pa.Table) -> dict[str, Any]:
        """How many letters there are."""
        return {"letters": sum(map(len, table.column("text").to_pylist()))}

    def file(self, work: StoredText) -> bytes:
        """The text file."""
        return work.text.encode() + b"\n"
