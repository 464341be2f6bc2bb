"""How other libraries read a MIDI file, in one form: rows of (start, end, pitch, velocity) in ticks, sorted."""

from __future__ import annotations

import io
from collections import defaultdict, deque

import mido
import pretty_midi
import symusic

Row = tuple[int, int, int, int]


def of_score(score: symusic.Score, *, drums: bool = False) -> list[Row]:
    """The rows of a symusic score."""
    return sorted(
        (int(note.time), int(note.time + note.duration), int(note.pitch), int(note.velocity))
        for track in score.tracks
        if track.is_drum == drums
        for note in track.notes
    )


def by_mido(data: bytes, *, drums: bool = False) -> list[Row]:
    """The rows of a file as mido reads it: the first note struck is the first to end, at the latest with its track."""
    rows: list[Row] = []
    for track in mido.MidiFile(file=io.BytesIO(data)).tracks:
        tick = 0
        open_notes: dict[tuple[int, int], deque[tuple[int, int]]] = defaultdict(deque)
        for message in track:
            tick += message.time
            if message.type not in ("note_on", "note_off") or (message.channel == 9) != drums:
                continue
            struck = open_notes[message.channel, message.note]
            if message.type == "note_on" and message.velocity:
                struck.append((tick, message.velocity))
            elif struck:
                start, velocity = struck.popleft()
                rows.append((start, tick, message.note, velocity))
        rows += [(start, tick, pitch, loud) for (_, pitch), left in open_notes.items() for start, loud in left]
    return sorted(rows)


def by_pretty_midi(data: bytes) -> list[Row]:
    """The rows of a file as pretty_midi reads it."""
    read = pretty_midi.PrettyMIDI(io.BytesIO(data))
    return sorted(
        (read.time_to_tick(note.start), read.time_to_tick(note.end), note.pitch, note.velocity)
        for instrument in read.instruments
        if not instrument.is_drum
        for note in instrument.notes
    )


def by_symusic(data: bytes, *, drums: bool = False) -> list[Row]:
    """The rows of a file as symusic's own parser reads it."""
    return of_score(symusic.Score.from_midi(data), drums=drums)


def signatures_by_mido(data: bytes) -> list[tuple[int, int, int]]:
    """(tick, numerator, denominator) of every time signature, as mido reads them."""
    found = []
    for track in mido.MidiFile(file=io.BytesIO(data)).tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "time_signature":
                found.append((tick, message.numerator, message.denominator))
    return sorted(found)
