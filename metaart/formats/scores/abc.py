"""ABC tunes to scores, and music21 streams to scores."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import symusic

from metaart.errors import WrongFormat

_TICKS = 480
_FIRST_TICK, _CHORD_DELAY = 1, 10  # symusic starts notes at tick 1 and delays each further note of a chord by 10
_FIELD = re.compile(r"^[A-Za-z+]:")
_ORNAMENTS = re.compile(r"\{[^}]*\}|\"[^\"]*\"|![^!\s]*!|\+[a-z]+\+")
_BAR_LINE = re.compile(r"\|+[\]:]*|:+\||::+|\[\||\[\d")
_OPENING = re.compile(r"^(?:[\s|:\]]|\[(?=[|\d]))*")


@contextmanager
def silence() -> Iterator[None]:
    """Nothing that compiled code prints inside reaches the terminal."""
    originals = os.dup(1), os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        for descriptor, stream in zip(originals, (1, 2), strict=True):
            os.dup2(descriptor, stream)
            os.close(descriptor)
        os.close(nowhere)


def read_abc(text: str) -> symusic.Score:
    """Read one tune, repeats written out, on the bar lines of its notation.

    Grace notes, ornaments, chord symbols, dynamics and the swing of hornpipes are left out: they are performance. An
    upbeat is moved to the end of a bar of its own, so that the first full bar starts on a bar line. Where no metre is
    given, 4/4 stands.

    Raises:
        WrongFormat: nothing in it sounds.
    """
    header, body = _parts(text)
    score = _parse(header + body)
    if not score.note_num():
        raise WrongFormat(expected="an ABC tune", got="a text in which nothing sounds", fix="Check the notation.")
    free = re.search(r"^M:\s*none", header, re.M) is not None or not re.search(r"^M:\s*\S", header, re.M)
    marks = [(mark.time, mark.numerator, mark.denominator) for mark in score.time_signatures]
    if free or not marks:
        marks = [(0, 4, 4), *((tick, top, bottom) for tick, top, bottom in marks if tick > 0 and not free)]
    upbeat = 0 if free else _first_bar(header, body)
    bar = 4 * _TICKS * marks[0][1] // marks[0][2]
    pad = bar - upbeat if 0 < upbeat < bar else 0
    return _score(score, marks, pad)


def _parts(text: str) -> tuple[str, str]:
    """Fields up to the first line of music, and the rest without its ornaments."""
    header: list[str] = []
    body: list[str] = []
    for line in text.replace("\r", "").split("\n"):
        if line.startswith("%") or not line.strip():
            continue
        line = re.sub(r"(?<!\\)%.*", "", line)
        if _FIELD.match(line):
            if line[:2] in ("w:", "W:", "I:", "P:", "R:"):
                continue
            (body if body else header).append(line)
        else:
            body.append(re.sub(r"[.~uvHTMPS](?=[\^_=]*[A-Ga-g\[(])", "", _ORNAMENTS.sub("", line)))
    return "\n".join(header) + "\n", "\n".join(body) + "\n"


def _parse(text: str) -> symusic.Score:
    with silence():
        return symusic.Score.from_abc(text)


def _first_bar(header: str, body: str) -> int:
    """Length in ticks of what comes before the first bar line."""
    lines = [line for line in body.split("\n") if line and not _FIELD.match(line)]
    music = _OPENING.sub("", " ".join(lines).replace("\\", " "))
    line = _BAR_LINE.search(music)
    if not line or not re.search(r"[A-Ga-gxz]", music[: line.start()]):
        return 0
    untied = re.sub(r"-[\s)]*$", "", music[: line.start()])
    first = _parse(header + untied + " | C |]\n")
    starts = [int(voice.notes[-1].time) for voice in first.tracks if len(voice.notes)]
    return round(max(starts) / 20) * 20 if starts else 0


def _score(parsed: symusic.Score, marks: list[tuple[int, int, int]], pad: int) -> symusic.Score:
    """The same notes from tick 0, gaps of articulation closed, shifted by the missing part of an upbeat's bar."""
    score = symusic.Score(_TICKS)
    for number, voice in enumerate(parsed.tracks):
        if not len(voice.notes):
            continue
        table = voice.notes.numpy()
        time = table["time"].astype(np.int64)
        end = time + table["duration"]
        in_chord = np.append(False, (np.diff(time) == _CHORD_DELAY) & (np.diff(end) == 0))
        struck = np.maximum.accumulate(np.where(in_chord, 0, np.arange(len(time))))
        start = np.maximum(time[struck] - _FIRST_TICK, 0) // 20 * 20
        end = -(-end // 20) * 20
        track = symusic.Track(name=str(number), program=0, is_drum=False)
        track.notes = symusic.Note.from_numpy(
            (start + pad).astype(np.int32),
            np.maximum(end - start, 20).astype(np.int32),
            table["pitch"],
            table["velocity"],
        )
        score.tracks.append(track)
    for tick, numerator, denominator in marks:
        score.time_signatures.append(symusic.TimeSignature(tick + pad if tick else 0, numerator, denominator))
    return score


def from_music21(stream: Any) -> symusic.Score:
    """The sounding notes of a music21 score: ties joined, grace notes and chord symbols left out, one track a part.

    An upbeat is moved to the end of a bar of its own. Repeats are not written out.
    """
    parts = list(stream.getElementsByClass("Part")) or [stream]
    score = symusic.Score(_TICKS)
    pad = _music21_upbeat(parts[0])
    for number, part in enumerate(parts):
        flat = part.flatten()
        rows: list[list[float]] = []
        held: dict[int, list[float]] = {}
        for element in flat.notes:
            if not element.quarterLength or "ChordSymbol" in element.classes:
                continue
            start = float(element.offset) + pad
            for note in getattr(element, "notes", (element,)):
                if not hasattr(note, "pitch"):
                    continue
                pitch, tie = int(note.pitch.midi), note.tie or element.tie
                if tie is not None and tie.type in ("stop", "continue") and pitch in held:
                    held[pitch][1] = start + float(element.quarterLength)
                else:
                    held[pitch] = [start, start + float(element.quarterLength), pitch]
                    rows.append(held[pitch])
                if tie is None or tie.type == "stop":
                    held.pop(pitch, None)
        track = symusic.Track(name=str(number), program=0, is_drum=False)
        for begin, end, sounds in rows:
            at = round(begin * _TICKS)
            track.notes.append(symusic.Note(at, round(end * _TICKS) - at, int(sounds), 100))
        score.tracks.append(track)
    for mark in parts[0].flatten().getElementsByClass("TimeSignature"):
        offset = float(mark.offset)
        score.time_signatures.append(
            symusic.TimeSignature(round((offset + pad) * _TICKS) if offset else 0, mark.numerator, mark.denominator)
        )
    return score


def _music21_upbeat(part: Any) -> float:
    """Quarter notes that the first bar lacks."""
    bars = list(part.getElementsByClass("Measure"))
    if len(bars) < 2:
        return 0.0
    length, full = float(bars[1].offset - bars[0].offset), float(bars[0].barDuration.quarterLength)
    return full - length if 0 < length < full else 0.0
