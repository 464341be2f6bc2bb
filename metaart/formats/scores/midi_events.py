"""The events of a MIDI file, walked one by one; each is counted before anything of it is kept."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field

from metaart.errors import TooLarge, UserError, WrongFormat

SAVE_AGAIN = "Open it in a notation program or a sequencer and export it as a Standard MIDI File."

# Status bytes of the Standard MIDI File Specification (MMA RP-001); below 0xF0 the low half is the channel.
_NOTE_OFF, _NOTE_ON, _PROGRAM = 0x80, 0x90, 0xC0
_SYSEX, _SYSEX_AGAIN, _META = 0xF0, 0xF7, 0xFF
_END_OF_TRACK, _TEMPO, _TIME_SIGNATURE = 0x2F, 0x51, 0x58
_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
_DRUM_CHANNEL = 9
_LARGEST_DENOMINATOR_POWER = 6

Row = tuple[int, int, int, int]
"""Of a note: start, length, pitch, velocity."""

Sounding = dict[int, deque[tuple[int, int]]]
"""Starts and velocities of the notes that have not ended, oldest first, by channel * 128 + pitch."""


@dataclass(frozen=True)
class MidiBounds:
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


@dataclass
class Track:
    """What one track chunk holds: the notes of its channels, those of the drum channel apart, and its last program."""

    melodic: list[Row] = field(default_factory=list)
    drums: list[Row] = field(default_factory=list)
    program: int = 0


class Walker:
    """One pass over the bytes of one file.

    Args:
        data: the file.
        name: what to call it in errors.
        bounds: how much is too much.

    Attributes:
        clock: ticks per quarter note; from `walk` on, as all below.
        tracks: one per track chunk.
        signatures: (tick, numerator, denominator), of all tracks.
        tempos: (tick, microseconds per quarter note), of all tracks.
        num_events: of all tracks; what stands here before `walk` is counted too.
        num_notes: likewise.
        counted: what errors say of what was counted before.
        last_tick: end of the longest track.
    """

    def __init__(self, data: bytes, name: str, bounds: MidiBounds) -> None:
        self.data, self.name, self.bounds, self.counted = data, name, bounds, ""
        self.num_notes = self.num_events = self.last_tick = 0
        self.signatures: list[tuple[int, int, int]] = []
        self.tempos: list[tuple[int, int]] = []
        self.tracks: list[Track] = []

    def walk(self) -> None:
        """Read every track, within all bounds but that of bars.

        Raises:
            TooLarge: more tracks, events, notes or quarter notes than the bounds allow.
            WrongFormat: truncated or damaged.
            UserError: a clock that cannot be used.
        """
        position = self._header()
        # What follows the last track that the header announces is none of the music, whatever it is.
        while position < len(self.data) and len(self.tracks) < self.num_tracks:
            kind, start = self.data[position : position + 4], position + 8
            end = start + int.from_bytes(self.data[position + 4 : start], "big")
            if start > len(self.data) or end > len(self.data):
                raise self._damaged(f"a chunk that ends at byte {end:,} of {len(self.data):,}")
            if kind == b"MTrk":  # the standard asks to pass over chunks of unknown kinds
                self.tracks.append(self._track(start, end))
            position = end
        if len(self.tracks) < self.num_tracks:
            raise self._damaged(f"{len(self.tracks)} of the {self.num_tracks} tracks that its header announces")

    def check_bars(self) -> None:
        """Refuse more bars than the bounds allow, by the file's own time signatures.

        Raises:
            TooLarge: more bars.
        """
        self.signatures.sort()
        # Quarter notes are bounded already, but bars of 1/64 are sixteen to the quarter, and each costs tokens.
        bars, start, bar_ticks = 0.0, 0, 4.0 * self.clock
        for tick, numerator, denominator in [*self.signatures, (self.last_tick, 4, 4)]:
            bars += max(tick - start, 0) / bar_ticks
            start, bar_ticks = tick, 4.0 * self.clock * numerator / denominator
        if bars > self.bounds.max_bars:
            raise self._too_large("bars", self.bounds.max_bars, int(bars))

    def _header(self) -> int:
        """Check the header; the position of the first chunk after it."""
        data, bounds = self.data, self.bounds
        length, style = int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:10], "big")
        self.num_tracks, clock = int.from_bytes(data[10:12], "big"), int.from_bytes(data[12:14], "big")
        if length < 6 or 8 + length > len(data):
            raise self._damaged(f"a header of {length:,} bytes")
        if style > 1:
            raise WrongFormat(expected="MIDI format 0 or 1", got=f"{self.name} of format {style}", fix=SAVE_AGAIN)
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
        # symusic keeps ticks as int32: a sum of deltas that outgrew it would wrap to a negative time.
        self.max_tick = min(bounds.max_quarters * clock, 2**31 - 1)
        return 8 + length

    def _track(self, position: int, end: int) -> Track:
        """Read the events of one track chunk: each a delta, then a channel message or an event with its own length."""
        data, track, tick, status = self.data, Track(), 0, 0
        sounding: Sounding = defaultdict(deque)
        while position < end:
            delta, position = self._number(position, end)
            tick += delta
            self._count(tick)
            if position >= end:
                raise self._damaged("a track that ends inside an event")
            if data[position] & 0x80:
                status, position = data[position], position + 1
            elif not 0x80 <= status < _SYSEX:
                # Running status: a message may leave out its status where it is the last one's, if that was a
                # channel's.
                raise self._damaged(f"a data byte without a message at byte {position:,}")
            if status < _SYSEX:
                size = _DATA_BYTES[status & 0xF0]
                if position + size > end or max(data[position : position + size]) > 127:
                    raise self._damaged(f"a broken message at byte {position:,}")
                self._message(track, sounding, tick, status, data[position : position + size])
                position += size
                continue
            meta, start, position = self._long_event(status, position, end)
            if meta == _END_OF_TRACK:
                break
            self._meta(tick, meta, data[start:position])
        # A note without an end lasts to the end of its track, as sequencers play it.
        for channel_and_pitch, starts in sounding.items():
            for begun, velocity in starts:
                _add(track, channel_and_pitch, begun, tick, velocity)
        self.last_tick = max(self.last_tick, tick)
        return track

    def _count(self, tick: int) -> None:
        """Count an event at this tick, before it is read."""
        if tick > self.max_tick:
            raise self._too_large("quarter notes", self.bounds.max_quarters, tick // self.clock)
        self.num_events += 1
        if self.num_events > self.bounds.max_events:
            raise self._too_large("events", self.bounds.max_events, self.num_events)

    def _long_event(self, status: int, position: int, end: int) -> tuple[int, int, int]:
        """The kind of a meta event (-1 of a system exclusive one), and where its values begin and end."""
        meta = -1
        if status == _META:
            if position >= end:
                raise self._damaged("a track that ends inside an event")
            meta, position = self.data[position], position + 1
        elif status not in (_SYSEX, _SYSEX_AGAIN):
            raise self._damaged(f"a message {status:#x} that has no place in a file")
        size, position = self._number(position, end)
        if position + size > end:
            raise self._damaged(f"an event that ends at byte {position + size:,} of a track of {end:,}")
        return meta, position, position + size

    def _message(self, track: Track, sounding: Sounding, tick: int, status: int, values: bytes) -> None:
        kind, channel = status & 0xF0, status & 0x0F
        if kind == _PROGRAM and channel != _DRUM_CHANNEL:
            track.program = values[0]
        if kind not in (_NOTE_OFF, _NOTE_ON):
            return
        key = channel << 7 | values[0]
        if kind == _NOTE_ON and values[1]:
            self.num_notes += 1
            if self.num_notes > self.bounds.max_notes:
                raise self._too_large("notes", self.bounds.max_notes, self.num_notes)
            sounding[key].append((tick, values[1]))
        elif sounding[key]:
            # A note-on of velocity 0 is a note-off. Of equal notes that sound together the first struck is the first
            # to end, as in mido and symusic; an end without a beginning says nothing.
            start, velocity = sounding[key].popleft()
            _add(track, key, start, tick, velocity)

    def _meta(self, tick: int, kind: int, values: bytes) -> None:
        if kind == _TIME_SIGNATURE and len(values) >= 2:
            # A bar of no beats, or of beats too short to count, would make bars without end.
            if not values[0] or values[1] > _LARGEST_DENOMINATOR_POWER:
                raise self._damaged(f"a time signature of {values[0]}/2^{values[1]}")
            self.signatures.append((tick, values[0], 2 ** values[1]))
        elif kind == _TEMPO and len(values) == 3 and any(values):
            self.tempos.append((tick, int.from_bytes(values, "big")))

    def _number(self, position: int, end: int) -> tuple[int, int]:
        """A number of up to four bytes with seven bits each, and the position after it."""
        value = 0
        for index in range(position, min(position + 4, end)):
            value = value << 7 | self.data[index] & 0x7F
            if self.data[index] < 0x80:
                return value, index + 1
        raise self._damaged(f"a number without an end at byte {position:,}")

    def _damaged(self, got: str) -> WrongFormat:
        return WrongFormat(expected="a whole Standard MIDI File", got=f"{self.name} with {got}", fix=SAVE_AGAIN)

    def _too_large(self, what: str, limit: int, got: int) -> TooLarge:
        return TooLarge(
            expected=f"at most {limit:,} {what}",
            got=f"{self.name} with {got:,}" + (f" or more{self.counted}" if what in ("notes", "events") else ""),
            fix="Give single pieces, fewer or shorter ones.",
        )


def _add(track: Track, channel_and_pitch: int, start: int, end: int, velocity: int) -> None:
    channel, pitch = divmod(channel_and_pitch, 128)
    rows = track.drums if channel == _DRUM_CHANNEL else track.melodic
    rows.append((start, end - start, pitch, velocity))
