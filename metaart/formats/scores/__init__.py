"""Scores: MIDI and ABC as values, their canonical form, their tokens, their picture."""

from __future__ import annotations

from collections.abc import Sequence

from metaart.formats.base import Format


def _count(files: Sequence[bytes], names: Sequence[str]) -> None:
    from metaart.formats.scores.midi import check_together

    check_together(files, names)


MIDI = Format(
    "a MIDI file",
    "MIDI files",
    "MIDI",
    "audio/midi",
    (".mid", ".midi"),
    _count,
    "format 0 or 1, at most 2 MiB each; all files 16 MiB, 50,000 notes and 400,000 events",
)
"""A Standard MIDI File."""
