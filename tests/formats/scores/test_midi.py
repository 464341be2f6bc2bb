"""The door for MIDI: read as mido and symusic read it, and nothing gets in that is too large or broken."""

from __future__ import annotations

import io
import random
import struct
from pathlib import Path

import mido
import pytest
import symusic
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.data.base import Entry
from metaart.data.corpus import CorpusSource
from metaart.errors import TooLarge, UserError, WrongFormat
from metaart.formats.scores.canonical import canonical
from metaart.formats.scores.midi import read_midi, write_midi
from metaart.formats.scores.midi_events import MidiBounds
from tests.formats.scores.readers import Row, by_mido, by_symusic, of_score, signatures_by_mido

END = b"\x00\xff\x2f\x00"


def number(value: int) -> bytes:
    """A MIDI variable-length number."""
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))


def chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", len(body)) + body


def smf(*tracks: bytes, clock: int = 480, style: int = 1, announced: int | None = None) -> bytes:
    """A MIDI file of these track bodies (without their ends)."""
    header = struct.pack(">HHH", style, len(tracks) if announced is None else announced, clock)
    return chunk(b"MThd", header) + b"".join(chunk(b"MTrk", body + END) for body in tracks)


def note(pitch: int = 60, length: int = 480, *, after: int = 0, channel: int = 0) -> bytes:
    return number(after) + bytes([0x90 | channel, pitch, 80]) + number(length) + bytes([0x80 | channel, pitch, 0])


@pytest.fixture(scope="module")
def tunes(midi_folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(midi_folder.rglob("*.mid"))]


def test_real_tunes_are_read_as_mido_and_symusic_read_them(tunes: list[bytes]) -> None:
    assert len(tunes) >= 50
    for data in tunes:
        score = read_midi(data)
        assert score.ticks_per_quarter == mido.MidiFile(file=io.BytesIO(data)).ticks_per_beat
        assert of_score(score) == by_mido(data) == by_symusic(data)
        marks = [(mark.time, mark.numerator, mark.denominator) for mark in score.time_signatures]
        assert marks == signatures_by_mido(data)


def test_works_of_many_voices_are_read_as_mido_reads_them(corpus: CorpusSource) -> None:
    works = corpus.entries("Bach: BWV 50 to 99")[:3]
    for work in works:
        assert isinstance(work, Entry)
        data = corpus.read(work)
        assert len(read_midi(data).tracks) >= 4
        assert of_score(read_midi(data)) == by_mido(data) == by_symusic(data)


meta = st.one_of(
    st.integers(1, 2**24 - 1).map(lambda tempo: b"\xff\x51\x03" + tempo.to_bytes(3, "big")),
    st.tuples(st.integers(1, 12), st.integers(0, 4)).map(lambda top: bytes([0xFF, 0x58, 4, *top, 24, 8])),
    st.tuples(st.sampled_from([1, 2, 3, 4, 5, 6, 7, 0x7F]), st.text("abc é", max_size=9)).map(
        lambda event: bytes([0xFF, event[0]]) + number(len(event[1].encode("latin-1"))) + event[1].encode("latin-1")
    ),
    st.binary(max_size=9)
    .map(lambda data: bytes(byte & 0x7F for byte in data))
    .map(lambda data: b"\xf0" + number(len(data) + 1) + data + b"\xf7"),
)
channels = st.sampled_from([0, 1, 9])
voiced = st.one_of(
    st.tuples(st.sampled_from([0x90, 0x80]), channels, st.integers(58, 62), st.integers(0, 127)),
    st.tuples(st.just(0x90), channels, st.integers(0, 127), st.integers(1, 127)),
    st.tuples(st.sampled_from([0xA0, 0xB0, 0xE0]), channels, st.integers(0, 127), st.integers(0, 127)),
    st.tuples(st.sampled_from([0xC0, 0xD0]), channels, st.integers(0, 127)),
)
deltas = st.one_of(st.integers(0, 3), st.integers(0, 2000))


@st.composite
def tracks(draw: st.DrawFn) -> bytes:
    """Events of every kind, in running status wherever the format allows and the draw says so."""
    body, status = bytearray(), 0
    for delta, event, runs in draw(st.lists(st.tuples(deltas, st.one_of(voiced, meta), st.booleans()), max_size=40)):
        body += number(delta)
        if isinstance(event, bytes):
            body += event
            status = 0
            continue
        kind, channel, *values = event
        if not (runs and status == kind | channel):
            body.append(kind | channel)
        status = kind | channel
        body += bytes(values)
    return bytes(body) + number(draw(deltas))


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A file, and the same with chunks in it that no standard knows (which mido does not skip)."""
    style = draw(st.sampled_from([0, 1]))
    bodies = draw(st.lists(tracks(), min_size=1, max_size=1 if style == 0 else 4))
    bodies = [*bodies[:-1], note(channel=2) + b"\x00\xff\x01\x00" + bodies[-1]]
    header = struct.pack(">HHH", style, len(bodies), draw(st.sampled_from([24, 96, 480, 960, 32767])))
    plain = alien = chunk(b"MThd", header + draw(st.sampled_from([b"", b"more"])))
    for body in bodies:
        alien += draw(st.one_of(st.just(b""), st.binary(max_size=20).map(lambda data: chunk(b"XFIH", data))))
        plain += chunk(b"MTrk", body + b"\xff\x2f\x00")
        alien += chunk(b"MTrk", body + b"\xff\x2f\x00")
    return plain, alien + draw(st.sampled_from([b"", b"\x00\x00", chunk(b"tail", b"xyz")]))


@settings(deadline=None, max_examples=120)
@given(files())
def test_any_file_is_read_as_mido_reads_it(both: tuple[bytes, bytes]) -> None:
    plain, alien = both
    score = read_midi(alien)
    for drums in (False, True):
        assert of_score(score, drums=drums) == by_mido(plain, drums=drums)
    marks = [(mark.time, mark.numerator, mark.denominator) for mark in score.time_signatures]
    assert sorted(marks) == signatures_by_mido(plain)


rows = st.lists(
    st.tuples(st.integers(0, 9000), st.integers(1, 2000), st.integers(0, 127), st.integers(1, 127)),
    min_size=1,
    max_size=30,
    unique_by=lambda row: row[2],
)


@settings(deadline=None, max_examples=100)
@given(rows, st.sampled_from([24, 120, 480, 960, 1000]))
def test_what_is_written_is_read_back(notes: list[Row], clock: int) -> None:
    score = symusic.Score(clock)
    track = symusic.Track(program=5)
    for start, length, pitch, velocity in notes:
        track.notes.append(symusic.Note(start, length, pitch, velocity))
    score.tracks.append(track)
    score.time_signatures.append(symusic.TimeSignature(0, 6, 8))
    score.tempos.append(symusic.Tempo(0, 90))
    back = read_midi(write_midi(score))
    assert back.ticks_per_quarter == (480 if 480 % clock == 0 else clock)
    factor = back.ticks_per_quarter // clock
    assert of_score(back) == [(start * factor, end * factor, *rest) for start, end, *rest in of_score(score)]
    assert (back.tracks[0].program, back.time_signatures[0].numerator, back.time_signatures[0].denominator) == (5, 6, 8)
    assert back.tempos[0].qpm == pytest.approx(90, abs=0.01)


THREE_TRACKS = smf(note() + note(), note() + note(after=6720), b"")
"""1 + 2 + 2 + end-of-track events, 4 notes, 4 bars and a quarter."""


@pytest.mark.parametrize(
    ("field", "holds", "kind"),
    [
        ("max_bytes", len(THREE_TRACKS), TooLarge),
        ("max_tracks", 3, TooLarge),
        ("max_events", 11, TooLarge),
        ("max_notes", 4, TooLarge),
        ("max_quarters", 16, TooLarge),
        ("max_bars", 4, TooLarge),
        ("max_ticks_per_quarter", 480, UserError),
    ],
)
def test_every_bound_holds_what_it_says_and_refuses_one_more(field: str, holds: int, kind: type[UserError]) -> None:
    assert read_midi(THREE_TRACKS, bounds=MidiBounds(**{field: holds})).note_num() == 4
    with pytest.raises(UserError) as refused:
        read_midi(THREE_TRACKS, name="song.mid", bounds=MidiBounds(**{field: holds - 1}))
    assert type(refused.value) is kind
    assert "song.mid" in refused.value.got


def test_the_coarsest_clock_is_a_bound_too() -> None:
    assert read_midi(smf(note(), clock=24)).note_num() == 1
    with pytest.raises(UserError, match="24 to 32767 ticks"):
        read_midi(smf(note(), clock=23))


LONG_DELTA = b"\xff\xff\xff\x7f"


def test_the_bomb_of_45_bytes_is_refused() -> None:
    body = b"\x00\x90\x3c\x40" + LONG_DELTA + b"\x80\x3c\x40" + b"\x00\x90\x3c\x40\x10\x80\x3c"
    with pytest.raises(UserError) as refused:
        read_midi(smf(body + b"\x40", clock=16))
    assert type(refused.value) is UserError
    bomb = smf(b"\x00\x90\x3c\x40" + LONG_DELTA + b"\x80\x3c\x40", clock=480)
    assert len(bomb) <= 45
    with pytest.raises(TooLarge, match="quarter notes"):
        read_midi(bomb)


def test_deltas_that_would_wrap_an_int32_are_refused() -> None:
    wrapping = b"\x00\x90\x3c\x40" + 9 * (LONG_DELTA + b"\xff\x01\x00") + LONG_DELTA + b"\x80\x3c\x40"
    for clock in (24, 480, 32767):
        with pytest.raises(TooLarge):
            read_midi(smf(wrapping, clock=clock))
    with pytest.raises(TooLarge):
        read_midi(smf(wrapping, clock=32767), bounds=MidiBounds(max_quarters=2**31, max_bars=2**31))


@pytest.mark.parametrize(
    ("data", "kind", "reason"),
    [
        (b"", WrongFormat, "empty"),
        (b"Dear sirs, please find the tune enclosed.", WrongFormat, "MThd"),
        (b"MThd", WrongFormat, "MThd"),
        (b"MThd\x00\x00\x00\x02\x00\x01\x00\x01\x01\xe0", WrongFormat, "header"),
        (b"MThd\xff\xff\xff\xff\x00\x01\x00\x01\x01\xe0", WrongFormat, "header"),
        (b"RIFF\x10\x00\x00\x00RMID" + smf(note()), WrongFormat, "MThd"),
        (smf(note(), clock=0), UserError, "ticks per quarter"),
        (smf(note(), clock=0xE728), UserError, "SMPTE"),
        (smf(note(), style=2), WrongFormat, "format"),
        (smf(b""), UserError, "notes"),
        (smf(b"", announced=0), UserError, "notes"),
        (smf(note(), announced=2), WrongFormat, "1 of the 2 tracks"),
        (smf(b"\x00\x3c\x40"), WrongFormat, "data byte"),
        (smf(b"\x00\xff\x58\x04\x00\x02\x18\x08" + note()), WrongFormat, "time signature"),
        (smf(b"\x00\xff\x58\x04\x04\x40\x18\x08" + note()), WrongFormat, "time signature"),
        (smf(b"\x00\xf4\x00" + note()), WrongFormat, "0xf4"),
        (smf(b"\xff\xff\xff\xff\x7f" + note()), WrongFormat, "number"),
        (smf(b"\x00\x90\x3c\xff" + note()), WrongFormat, "broken message"),
        (smf(b"\x00\xff\x01\xff\x7f"), WrongFormat, "ends at byte"),
    ],
)
def test_what_is_no_music_is_refused_with_the_right_class(data: bytes, kind: type[UserError], reason: str) -> None:
    with pytest.raises(UserError, match=reason) as refused:
        read_midi(data)
    assert type(refused.value) is kind
    assert refused.value.fix


def test_50_megabytes_are_refused_before_any_event_is_read() -> None:
    broken_later = smf(note()) + b"\xff" * (50 * 2**20)
    with pytest.raises(TooLarge, match="2,097,152 bytes"):
        read_midi(broken_later)


def test_a_note_without_an_end_lasts_to_the_end_of_its_track() -> None:
    score = read_midi(smf(b"\x00\x90\x3c\x40" + number(960) + b"\xff\x01\x00"))
    assert of_score(score) == [(0, 960, 60, 64)]


def test_a_file_cut_anywhere_is_refused(tunes: list[bytes]) -> None:
    data = min(tunes, key=len)
    for end in range(len(data)):
        with pytest.raises(UserError):
            read_midi(data[:end])


def test_whatever_is_changed_in_a_file_it_is_read_or_refused(tunes: list[bytes]) -> None:
    rng = random.Random(5)
    seeds = [*sorted(tunes, key=len)[:10], smf(note() + b"\x00\xf0\x03\x01\x02\xf7\x00\xff\x58\x04\x06\x03\x18\x08")]
    read = 0
    for _ in range(3000):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(data))
            match rng.randrange(4):
                case 0:
                    data[at] = rng.randrange(256)
                case 1:
                    data[at:at] = bytes(rng.choice([0, 0x7F, 0x80, 0xFF, 0x90]) for _ in range(rng.randint(1, 5)))
                case 2:
                    del data[at : at + rng.randint(1, 8)]
                case _:
                    data[at] ^= 1 << rng.randrange(8)
        try:
            score = read_midi(bytes(data))
        except UserError:
            continue
        read += 1
        rows = of_score(score) + of_score(score, drums=True)
        last = MidiBounds().max_quarters * score.ticks_per_quarter
        assert rows
        assert all(
            0 <= start <= end <= last and 0 <= pitch < 128 and 0 < loud < 128 for start, end, pitch, loud in rows
        )
        if of_score(score):
            assert canonical(score).note_num()
    assert read > 100
