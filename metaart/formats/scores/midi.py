"""The one door through which MIDI enters and leaves: bytes are counted here before any other library sees them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import symusic

from metaart.errors import TooLarge, UserError, WrongFormat
from metaart.formats.scores.midi_events import SAVE_AGAIN, MidiBounds, Row, Walker

_WRITTEN_TICKS_PER_QUARTER = 480


def read_midi(data: bytes, *, name: str = "the file", bounds: MidiBounds | None = None) -> symusic.Score:
    """Read a Standard MIDI File of format 0 or 1 that nobody vouches for.

    The bytes are walked in Python, one event at a time, and every bound is held before the event is kept, so neither
    a wrapped tick nor a crash of a compiled parser can come of them. Notes, drums, time signatures and tempos are
    read; the rest is skipped. A note without an end lasts to the end of its track.

    Args:
        data: the file.
        name: what to call it in errors.
        bounds: how much is too much (default: `MidiBounds()`).

    Returns:
        A score in ticks with one track per MIDI track (drums apart), at least one note and a length within bounds.

    Raises:
        TooLarge: more bytes, tracks, events, notes or bars than the bounds allow.
        WrongFormat: not MIDI, truncated or damaged.
        UserError: a clock that cannot be used, or no notes.
    """
    walker = _opened(data, name, bounds or MidiBounds())
    walker.walk()
    if not walker.num_notes:
        raise UserError(expected="a MIDI file with notes", got=f"{name} without any", fix="Check what was exported.")
    walker.check_bars()
    return _score(walker)


def check_together(files: Sequence[bytes], names: Sequence[str], bounds: MidiBounds | None = None) -> None:
    """Refuse files that hold more events or notes together than one file may; nothing of them is kept.

    Raises:
        TooLarge, WrongFormat, UserError: as `read_midi`, for events and notes of a file and those before it.
    """
    bounds, events, notes = bounds or MidiBounds(), 0, 0
    if sum(map(len, files)) <= min(2 * bounds.max_events, 3 * bounds.max_notes):
        return  # an event has two bytes or more and a note three, so there is nothing to count
    for data, name in zip(files, names, strict=True):
        walker = _opened(data, name, bounds)
        walker.num_events, walker.num_notes, walker.counted = events, notes, ", the files before it included"
        walker.walk()
        events, notes = walker.num_events, walker.num_notes


def write_midi(score: symusic.Score) -> bytes:
    """The score as a Standard MIDI File, at 480 ticks per quarter when that loses nothing."""
    if _WRITTEN_TICKS_PER_QUARTER % score.ticks_per_quarter == 0:
        score = score.resample(_WRITTEN_TICKS_PER_QUARTER)
    written: bytes = score.dumps_midi()
    return written


def _opened(data: bytes, name: str, bounds: MidiBounds) -> Walker:
    """What walks these bytes, if they look like a MIDI file and are not too many."""
    if len(data) > bounds.max_bytes:
        raise TooLarge(
            expected=f"a MIDI file of at most {bounds.max_bytes:,} bytes",
            got=f"{name} of {len(data):,} bytes",
            fix="Split it into single pieces.",
        )
    if data[:4] != b"MThd" or len(data) < 14:
        raise WrongFormat(
            expected="a Standard MIDI File (it starts with MThd)",
            got=f"{name}, which is empty" if not data else f"{name}, which starts with {bytes(data[:8])!r}",
            fix=SAVE_AGAIN,
        )
    return Walker(data, name, bounds)


def _score(walker: Walker) -> symusic.Score:
    score = symusic.Score(walker.clock)
    for read in walker.tracks:
        if read.melodic:
            score.tracks.append(_track(read.melodic, read.program, is_drum=False))
        if read.drums:
            score.tracks.append(_track(read.drums, 0, is_drum=True))
    for tick, numerator, denominator in walker.signatures:
        score.time_signatures.append(symusic.TimeSignature(tick, numerator, denominator))
    for tick, microseconds in sorted(walker.tempos):
        score.tempos.append(symusic.Tempo(tick, 60e6 / microseconds))
    return score


def _track(notes: Sequence[Row], program: int, *, is_drum: bool) -> symusic.Track:
    track = symusic.Track(name="", program=program, is_drum=is_drum)
    # A column of a sorted table is no block of memory, which symusic needs: hence the copies.
    start, length, pitch, velocity = np.array(sorted(notes), dtype=np.int32).T
    track.notes = symusic.Note.from_numpy(start.copy(), length.copy(), pitch.astype(np.int8), velocity.astype(np.int8))
    return track
