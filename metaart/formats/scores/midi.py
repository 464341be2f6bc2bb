"""The one door through which MIDI enters: bytes are counted and read here before any other library sees them."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import symusic

from metaart.errors import TooLarge, UserError, WrongFormat
from metaart.formats.scores.canonical import canonical as canonical

_WRITTEN_TICKS_PER_QUARTER = 480
_DRUM_CHANNEL = 9
_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
_LARGEST_DENOMINATOR_POWER = 6
_SAVE_AGAIN = "Open it in a notation program or a sequencer and export it as a Standard MIDI File."


@dataclass(frozen=True)
class Bounds:
    """What a MIDI file may hold at most; anything above is refused while it is being counted.

    Attributes:
        max_bytes: size of the file.
        min_ticks_per_quarter: coarsest clock.
        max_ticks_per_quarter: finest clock.
        max_tracks: track chunks.
        max_events: messages of every kind, in all tracks together; also in all files of a request.
        max_notes: note-on messages, also in all files of a request.
        max_quarters: length in quarter notes, whatever the time signatures say.
        max_bars: length in bars.
    """

    max_bytes: int = 2 * 2**20
    min_ticks_per_quarter: int = 24
    max_ticks_per_quarter: int = 32767
    max_tracks: int = 64
    max_events: int = 400_000
    max_notes: int = 50_000
    max_quarters: int = 16_000
    max_bars: int = 2_000


def read_midi(data: bytes, *, name: str = "the file", bounds: Bounds | None = None) -> symusic.Score:
    """Read a Standard MIDI File of format 0 or 1 that nobody vouches for.

    The bytes are walked in Python, one event at a time, and every bound is held before the event is kept, so neither
    a wrapped tick nor a crash of a compiled parser can come of them. Notes, drums, time signatures and tempos are
    read; the rest is skipped. A note without an end lasts to the end of its track.

    Args:
        data: the file.
        name: what to call it in errors.
        bounds: how much is too much (default: `Bounds()`).

    Returns:
        A score in ticks with one track per MIDI track (drums apart), at least one note and a length within bounds.

    Raises:
        TooLarge: more bytes, tracks, events, notes or bars than the bounds allow.
        WrongFormat: not MIDI, truncated or damaged.
        UserError: a clock that cannot be used, or no notes.
    """
    return _opened(data, name, bounds or Bounds()).read()


def check_together(files: Sequence[bytes], names: Sequence[str], bounds: Bounds | None = None) -> None:
    """Refuse files that hold more events or notes together than one file may; nothing of them is kept.

    Raises:
        TooLarge, WrongFormat, UserError: as `read_midi`, for events and notes of a file and those before it.
    """
    bounds, events, notes = bounds or Bounds(), 0, 0
    if sum(map(len, files)) <= min(2 * bounds.max_events, 3 * bounds.max_notes):
        return  # an event has two bytes or more and a note three, so there is nothing to count
    for data, name in zip(files, names, strict=True):
        reader = _opened(data, name, bounds)
        reader.num_events, reader.num_notes, reader.counted = events, notes, ", the files before it included"
        reader.walk()
        events, notes = reader.num_events, reader.num_notes


def _opened(data: bytes, name: str, bounds: Bounds) -> _Reader:
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
            fix=_SAVE_AGAIN,
        )
    return _Reader(data, name, bounds)


def write_midi(score: symusic.Score) -> bytes:
    """The score as a Standard MIDI File, at 480 ticks per quarter when that loses nothing."""
    if _WRITTEN_TICKS_PER_QUARTER % score.ticks_per_quarter == 0:
        score = score.resample(_WRITTEN_TICKS_PER_QUARTER)
    written: bytes = score.dumps_midi()
    return written


@dataclass
class _Track:
    """The notes of one track: rows of (start, length, pitch, velocity)."""

    melodic: list[tuple[int, int, int, int]] = field(default_factory=list)
    drums: list[tuple[int, int, int, int]] = field(default_factory=list)
    program: int = 0


class _Reader:
    """One pass over the bytes of one file."""

    def __init__(self, data: bytes, name: str, bounds: Bounds) -> None:
        self.data, self.name, self.bounds, self.counted = data, name, bounds, ""
        self.num_notes = self.num_events = self.last_tick = 0
        self.signatures: list[tuple[int, int, int]] = []
        self.tempos: list[tuple[int, int]] = []
        self.tracks: list[_Track] = []

    def read(self) -> symusic.Score:
        self.walk()
        if not self.num_notes:
            raise UserError(
                expected="a MIDI file with notes", got=f"{self.name} without any", fix="Check what was exported."
            )
        self._count_bars()
        return self._score()

    def walk(self) -> None:
        """Read every track, within all bounds but that of bars."""
        position = self._header()
        while position < len(self.data) and len(self.tracks) < self.num_tracks:
            kind, start = self.data[position : position + 4], position + 8
            end = start + int.from_bytes(self.data[position + 4 : start], "big")
            if start > len(self.data) or end > len(self.data):
                raise self._damaged(f"a chunk that ends at byte {end:,} of {len(self.data):,}")
            if kind == b"MTrk":
                self.tracks.append(self._track(start, end))
            position = end
        if len(self.tracks) < self.num_tracks:
            raise self._damaged(f"{len(self.tracks)} of the {self.num_tracks} tracks that its header announces")

    def _header(self) -> int:
        """Check the header; the position of the first chunk after it."""
        data, bounds = self.data, self.bounds
        length, style = int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:10], "big")
        self.num_tracks, clock = int.from_bytes(data[10:12], "big"), int.from_bytes(data[12:14], "big")
        if length < 6 or 8 + length > len(data):
            raise self._damaged(f"a header of {length:,} bytes")
        if style > 1:
            raise WrongFormat(expected="MIDI format 0 or 1", got=f"{self.name} of format {style}", fix=_SAVE_AGAIN)
        if clock & 0x8000:
            raise UserError(
                expected="a MIDI file timed in ticks per quarter note",
                got=f"{self.name} timed in SMPTE frames",
                fix="Export it with musical time (for example 480 ticks per quarter note).",
            )
        if not bounds.min_ticks_per_quarter <= clock <= bounds.max_ticks_per_quarter:
            raise UserError(
                expected=f"{bounds.min_ticks_per_quarter} to {bounds.max_ticks_per_quarter} ticks per quarter note",
                got=f"{self.name} with {clock}",
                fix="Export it with 480 ticks per quarter note.",
            )
        if self.num_tracks > bounds.max_tracks:
            raise self._too_large("tracks", bounds.max_tracks, self.num_tracks)
        self.clock = clock
        self.max_tick = min(bounds.max_quarters * clock, 2**31 - 1)
        return 8 + length

    def _track(self, position: int, end: int) -> _Track:
        """Read the events of one track chunk."""
        data, track, tick, status = self.data, _Track(), 0, 0
        sounding: dict[int, deque[tuple[int, int]]] = defaultdict(deque)
        while position < end:
            delta, position = self._number(position, end)
            tick += delta
            if tick > self.max_tick:
                raise self._too_large("quarter notes", self.bounds.max_quarters, tick // self.clock)
            self.num_events += 1
            if self.num_events > self.bounds.max_events:
                raise self._too_large("events", self.bounds.max_events, self.num_events)
            if position >= end:
                raise self._damaged("a track that ends inside an event")
            if data[position] & 0x80:
                status, position = data[position], position + 1
            elif not 0x80 <= status < 0xF0:
                raise self._damaged(f"a data byte without a message at byte {position:,}")
            if status < 0xF0:
                size = _DATA_BYTES[status & 0xF0]
                if position + size > end or max(data[position : position + size]) > 127:
                    raise self._damaged(f"a broken message at byte {position:,}")
                self._message(track, sounding, tick, status, data[position : position + size])
                position += size
                continue
            meta = -1
            if status == 0xFF:
                if position >= end:
                    raise self._damaged("a track that ends inside an event")
                meta, position = data[position], position + 1
            elif status not in (0xF0, 0xF7):
                raise self._damaged(f"a message {status:#x} that has no place in a file")
            size, position = self._number(position, end)
            if position + size > end:
                raise self._damaged(f"an event that ends at byte {position + size:,} of a track of {end:,}")
            if meta == 0x2F:
                break
            self._meta(tick, meta, data[position : position + size])
            position += size
        for channel_and_pitch, starts in sounding.items():
            for start, velocity in starts:
                _add(track, channel_and_pitch, start, tick, velocity)
        self.last_tick = max(self.last_tick, tick)
        return track

    def _message(
        self, track: _Track, sounding: dict[int, deque[tuple[int, int]]], tick: int, status: int, values: bytes
    ) -> None:
        kind, channel = status & 0xF0, status & 0x0F
        if kind == 0xC0 and channel != _DRUM_CHANNEL:
            track.program = values[0]
        if kind not in (0x80, 0x90):
            return
        key = channel << 7 | values[0]
        if kind == 0x90 and values[1]:
            self.num_notes += 1
            if self.num_notes > self.bounds.max_notes:
                raise self._too_large("notes", self.bounds.max_notes, self.num_notes)
            sounding[key].append((tick, values[1]))
        elif sounding[key]:
            start, velocity = sounding[key].popleft()
            _add(track, key, start, tick, velocity)

    def _meta(self, tick: int, kind: int, values: bytes) -> None:
        if kind == 0x58 and len(values) >= 2:
            if not values[0] or values[1] > _LARGEST_DENOMINATOR_POWER:
                raise self._damaged(f"a time signature of {values[0]}/2^{values[1]}")
            self.signatures.append((tick, values[0], 2 ** values[1]))
        elif kind == 0x51 and len(values) == 3 and any(values):
            self.tempos.append((tick, int.from_bytes(values, "big")))

    def _number(self, position: int, end: int) -> tuple[int, int]:
        """A number of up to four bytes with seven bits each, and the position after it."""
        value = 0
        for place in range(position, min(position + 4, end)):
            value = value << 7 | self.data[place] & 0x7F
            if self.data[place] < 0x80:
                return value, place + 1
        raise self._damaged(f"a number without an end at byte {position:,}")

    def _count_bars(self) -> None:
        """Refuse more bars than the bounds allow, by the file's own time signatures."""
        self.signatures.sort()
        bars, start, bar_ticks = 0.0, 0, 4.0 * self.clock
        for tick, numerator, denominator in [*self.signatures, (self.last_tick, 4, 4)]:
            bars += max(tick - start, 0) / bar_ticks
            start, bar_ticks = tick, 4.0 * self.clock * numerator / denominator
        if bars > self.bounds.max_bars:
            raise self._too_large("bars", self.bounds.max_bars, int(bars))

    def _score(self) -> symusic.Score:
        score = symusic.Score(self.clock)
        for read in self.tracks:
            for notes, is_drum in ((read.melodic, False), (read.drums, True)):
                if notes:
                    track = symusic.Track(name="", program=0 if is_drum else read.program, is_drum=is_drum)
                    table = np.array(sorted(notes), dtype=np.int32)
                    track.notes = symusic.Note.from_numpy(
                        table[:, 0].copy(), table[:, 1].copy(), table[:, 2].astype(np.int8), table[:, 3].astype(np.int8)
                    )
                    score.tracks.append(track)
        for tick, numerator, denominator in self.signatures:
            score.time_signatures.append(symusic.TimeSignature(tick, numerator, denominator))
        for tick, microseconds in sorted(self.tempos):
            score.tempos.append(symusic.Tempo(tick, 60e6 / microseconds))
        return score

    def _damaged(self, got: str) -> WrongFormat:
        return WrongFormat(expected="a whole Standard MIDI File", got=f"{self.name} with {got}", fix=_SAVE_AGAIN)

    def _too_large(self, what: str, limit: int, got: int) -> TooLarge:
        return TooLarge(
            expected=f"at most {limit:,} {what}",
            got=f"{self.name} with {got:,}" + (f" or more{self.counted}" if what in ("notes", "events") else ""),
            fix="Give single pieces, fewer or shorter ones.",
        )


def _add(track: _Track, channel_and_pitch: int, start: int, end: int, velocity: int) -> None:
    channel, pitch = divmod(channel_and_pitch, 128)
    rows = track.drums if channel == _DRUM_CHANNEL else track.melodic
    rows.append((start, end - start, pitch, velocity))
