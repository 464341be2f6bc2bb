"""ABC tunes, read beside music21 and by what the notation's standard says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings

import pytest
from music21 import converter

from metaart.data.base import Entry
from metaart.data.corpus import CorpusSource
from metaart.errors import WrongFormat
from metaart.formats.scores.abc import from_music21, read_abc, silence
from tests.formats.scores.readers import of_score
from tests.formats.scores.scores import marks_of, times

QUIRKS = re.compile(r":\||\|:|::|\[\d|\|\d|[~{!\"+<>]|[\^_=][A-Ga-g]|[A-Za-z]:.*\n.*\n[A-Z]:")
"""Repeats, ornaments, broken rhythm and accidentals, of which music21 has views of its own."""


def tune(body: str, *, metre: str = "4/4", key: str = "C", unit: str = "1/4") -> str:
    return f"X:1\nT:A tune\nM:{metre}\nL:{unit}\nK:{key}\n{body}\n"


def sounding(text: str) -> list[tuple[float, float, int]]:
    """(start, end, pitch) in quarter notes."""
    return [(start / 480, end / 480, pitch) for start, end, pitch in times(read_abc(text))]


def starts(text: str) -> list[float]:
    return [row[0] for row in sounding(text)]


@pytest.mark.parametrize(
    "group",
    ["China: Shanxi", "Luxembourg", "Germany: Erk", "Northumbrian Minstrelsy", "Lorraine"],
)
def test_plain_tunes_are_read_as_music21_reads_them(group: str, corpus: CorpusSource) -> None:
    entries = [entry for entry in corpus.entries(group) if isinstance(entry, Entry)]
    plain = [entry for entry in entries if not QUIRKS.search(entry.content.split("\nK:", 1)[1])][:10]
    assert len(plain) >= 4
    same = 0
    for entry in plain:
        ours = times(read_abc(entry.content))
        with silence(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = times(from_music21(converter.parse(entry.content, format="abc")))
        shift = ours[0][0] - theirs[0][0]
        same += ours == [(start + shift, end + shift, pitch) for start, end, pitch in theirs]
    assert same >= 0.9 * len(plain)


def test_a_tune_note_by_note() -> None:
    assert sounding(tune("C D/ E/ F2 | z G3 |]")) == [
        (0, 1, 60), (1, 1.5, 62), (1.5, 2, 64), (2, 4, 65), (5, 8, 67)
    ]  # fmt: skip


def test_accidentals_last_to_the_bar_line_and_keys_to_the_end() -> None:
    assert [row[2] for row in sounding(tune("^F F =F F | F _B B c |]", key="G"))] == [66, 66, 65, 65, 66, 70, 70, 72]


def test_chords_triplets_broken_rhythm_and_ties() -> None:
    assert times(read_abc(tune("[CEG] (3D/E/F/ G>A |]"))) == [
        (0, 480, 60), (0, 480, 64), (0, 480, 67), (480, 640, 62), (640, 800, 64), (800, 960, 65),
        (960, 1680, 67), (1680, 1920, 69),
    ]  # fmt: skip
    assert sounding(tune("C4- | C2 D2 |]")) == [(0, 6, 60), (6, 8, 62)]


def test_repeats_are_written_out() -> None:
    written = sounding(tune("|: C4 |1 D4 :|2 E4 |]"))
    assert [row[2] for row in written] == [60, 62, 60, 64]
    assert [row[0] for row in written] == [0, 4, 8, 12]


def test_performance_is_left_out() -> None:
    plain = sounding(tune("C D E F | G4 |]"))
    played = tune('"Am"C {cd}D ~E !trill!F | +fermata+ .G4 |]').replace("T:A", "R:hornpipe\nw:la la\nT:A")
    assert sounding(played) == plain


@pytest.mark.parametrize(
    ("body", "metre", "first"),
    [
        ("G | C D E F | G4 |]", "4/4", 3),
        ("| G | C D E F | G4 |]", "4/4", 3),
        ("|: G | C D E :|", "3/4", 2),
        ("G/A/ | C D E | G3 |]", "3/4", 2),
        ("C D E F | G4 |]", "4/4", 0),
        ("z3 G | C D E F |]", "4/4", 3),
        ("C2 D2- | D4 |]", "4/4", 0),
        ("G- | G D E F |]", "4/4", 3),
        ("(G-) | G D E F |]", "4/4", 3),
        ("[GB] | C D E F |]", "4/4", 3),
        ("C D E F G A B c", "4/4", 0),
    ],
)
def test_an_upbeat_stands_at_the_end_of_a_bar_of_its_own(body: str, metre: str, first: float) -> None:
    assert starts(tune(body, metre=metre))[0] == first


def test_metres() -> None:
    assert marks_of(read_abc(tune("CDE|", metre="6/8"))) == [(0, 6, 8)]
    assert marks_of(read_abc(tune("CDEF|", metre="C|"))) == [(0, 2, 2)]
    assert marks_of(read_abc(tune("CDEF|", metre="none"))) == [(0, 4, 4)]
    assert marks_of(read_abc(tune("CDEF|", metre=""))) == [(0, 4, 4)]
    assert marks_of(read_abc(tune("CDEF|\nM:3/4\nCDE|"))) == [(0, 4, 4), (4 * 480, 3, 4)]
    assert marks_of(read_abc(tune("F|CDEF|\nM:3/4\nCDE|"))) == [(0, 4, 4), (8 * 480, 3, 4)]


@pytest.mark.parametrize("text", ["", "X:1\nT:Nothing\nK:C\n", tune("z4 | z4 |]"), "Dear sirs,"])
def test_a_text_in_which_nothing_sounds_is_refused(text: str) -> None:
    with pytest.raises((WrongFormat, RuntimeError)):
        read_abc(text)


def test_reading_prints_nothing(corpus: CorpusSource) -> None:
    """In a process of its own, so that what C code holds back until the end is seen too."""
    entries = [entry for entry in corpus.entries("Aird: book 1")[:40] if isinstance(entry, Entry)]
    code = """
import json, sys, symusic
from metaart.formats.scores.abc import read_abc
read = read_abc if sys.argv[1] == "ours" else symusic.Score.from_abc
for text in json.load(sys.stdin):
    try:
        read(text)
    except RuntimeError:
        pass
"""
    outputs = {}
    for reader in ("ours", "theirs"):
        content = json.dumps([entry.content for entry in entries])
        run = subprocess.run(
            [sys.executable, "-c", code, reader], input=content, capture_output=True, text=True, check=True
        )
        outputs[reader] = run.stdout + run.stderr
    assert outputs["ours"] == ""
    assert outputs["theirs"] != ""


def test_silence_gives_the_terminal_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with silence():
            subprocess.run(["echo", "unheard"], check=True)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    subprocess.run(["echo", "heard"], check=True)
    assert capfd.readouterr().out == "heard\n"


def test_music21_ties_grace_notes_chord_symbols_and_upbeats() -> None:
    from music21 import chord, duration, harmony, meter, note, stream, tie

    part = stream.Part()
    upbeat, bar = stream.Measure(number=0), stream.Measure(number=1)
    upbeat.append([meter.TimeSignature("3/4"), note.Note(67, quarterLength=1)])
    held = note.Note(60, quarterLength=2)
    held.tie = tie.Tie("start")
    bar.append([held, note.Note(62, quarterLength=1)])
    last = stream.Measure(number=2)
    struck = chord.Chord([48, 64], quarterLength=1)
    graced = note.Note(72, quarterLength=1)
    grace = graced.getGrace()
    assert isinstance(grace.duration, duration.GraceDuration)
    last.append([struck, grace, graced, note.Rest(quarterLength=1)])
    last.insert(0, harmony.ChordSymbol("Am"))
    ended = stream.Measure(number=3)
    first, second = note.Note(60, quarterLength=3), note.Note(60, quarterLength=1)
    first.tie, second.tie = tie.Tie("start"), tie.Tie("stop")
    ended.append(first)
    close = stream.Measure(number=4)
    close.append(second)
    part.append([upbeat, bar, last, ended, close])
    read = from_music21(part)
    assert marks_of(read) == [(0, 3, 4)]
    assert [(start / 480, end / 480, pitch) for start, end, pitch, _ in of_score(read)] == [
        (2, 3, 67), (3, 5, 60), (5, 6, 62), (6, 7, 48), (6, 7, 64), (7, 8, 72), (9, 13, 60)
    ]  # fmt: skip
