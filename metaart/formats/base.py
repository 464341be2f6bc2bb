"""What is known of a kind of file without opening one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

Check = Callable[[Sequence[bytes], Sequence[str]], None]
"""Files and what to call them: refuses what is too much, alone or in sum, before anything is decoded."""


def check_nothing(files: Sequence[bytes], names: Sequence[str]) -> None:
    """Of formats that are only written."""


class Format(NamedTuple):
    """A kind of file.

    Attributes:
        one: "a MIDI file", in errors and descriptions.
        many: "MIDI files".
        metavar: "MIDI", where a command line shows a path to one.
        media_type: over HTTP.
        suffixes: of names, in lower case, with the dot; what is written takes the first.
        check: refuses files that hold too much, alone or in sum; files are counted before they are read.
        bounds: what `check` and the bytes below allow, in words; "each" and "all" are of one request.
        max_file_bytes: of one file of a request.
        max_body_bytes: of all files of a request, with the rest of its body.
        max_field_bytes: of a text field beside them.
    """

    one: str
    many: str
    metavar: str
    media_type: str
    suffixes: tuple[str, ...]
    check: Check = check_nothing
    bounds: str = ""
    max_file_bytes: int = 2 * 2**20
    max_body_bytes: int = 16 * 2**20
    max_field_bytes: int = 8 * 2**10


JSON = Format("a JSON file", "JSON files", "FILE", "application/json", (".json",))
"""What a judgement is written as."""
