"""How much MIDI files may hold together."""

from __future__ import annotations

import struct

import pytest

from metaart.errors import TooLarge, WrongFormat
from metaart.formats.scores.midi import check_together, read_midi
from metaart.formats.scores.midi_events import MidiBounds

BOUNDS = MidiBounds(max_events=100, max_notes=10)


def midi(notes: int, others: int = 0) -> bytes:
    """A file of so many notes, and of so many events beside them and the end."""
    body = b"\x00\x90\x3c\x40\x10\x3c\x00" * notes + b"\x00\xb0\x07\x40" * others + b"\x00\xff\x2f\x00"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96) + b"MTrk" + struct.pack(">I", len(body)) + body


def named(*files: bytes) -> tuple[list[bytes], list[str]]:
    return list(files), [f"{index}.mid" for index in range(1, len(files) + 1)]


def test_files_may_hold_together_what_one_may() -> None:
    check_together(*named(midi(4), midi(3), midi(3)), BOUNDS)
    check_together(*named(*[midi(1, 22)] * 4), BOUNDS)
    check_together([], [], BOUNDS)
    for files, what in (([midi(4), midi(3), midi(4)], "10 notes"), ([midi(1, 22)] * 5, "100 events")):
        for data in files:
            read_midi(data, bounds=BOUNDS)  # each by itself would do
        with pytest.raises(TooLarge, match=what) as caught:
            check_together(*named(*files), BOUNDS)
        assert "files before it included" in caught.value.got
        assert f"{len(files)}.mid" in caught.value.got


def test_one_file_is_held_to_the_bounds_of_one() -> None:
    with pytest.raises(TooLarge, match="10 notes"):
        check_together(*named(midi(11)), BOUNDS)
    with pytest.raises(WrongFormat, match=r"2\.mid, which starts with"):
        check_together(*named(midi(5), b"no music at all, but long"), BOUNDS)


def test_files_too_small_to_hold_so_much_are_not_counted() -> None:
    """Two bytes an event and three a note are the fewest there are."""
    check_together(*named(b"no music"), BOUNDS)
    least = b"\x00\x90\x3c\x40" + b"\x00\x3c\x40" * 10 + b"\x00\xff\x2f\x00"
    data = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96) + b"MTrk" + struct.pack(">I", len(least)) + least
    assert len(data) > 3 * BOUNDS.max_notes
    with pytest.raises(TooLarge, match="10 notes"):
        check_together(*named(data), BOUNDS)
