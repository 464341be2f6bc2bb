"""Works on the command line: a flag for each way to give them."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from metaart.artists.works import Work, WorksInput
from metaart.commands.works_flags import add_works, flag_of, groups_of_works
from metaart.errors import UserError
from metaart.formats.pictures import PICTURE
from metaart.formats.scores import MIDI

PLAIN = WorksInput(MIDI, help="tunes to learn from")
HANDS = WorksInput(PICTURE, "hands", least=2)
SCORES = WorksInput(PICTURE, "scores")


def parsed(*words: object, blends: bool = True) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_works(parser, [PLAIN, HANDS, SCORES], blends=blends)
    return parser.parse_args([str(word) for word in words])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two hands, and scores of one file of each."""
    for name in ("abel/a.png", "zoe/b.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "scores.csv").write_text("file,score\nabel/a.png,3\nzoe/b.png,7.5\n")
    return tmp_path


def test_each_kind_of_works_has_its_flag() -> None:
    assert [flag_of(works).flag for works in (PLAIN, HANDS, SCORES)] == ["--examples", "--examples-from", "--ratings"]
    assert flag_of(PLAIN).metavar == "MIDI"
    assert flag_of(PLAIN._replace(format=PICTURE)).metavar == PICTURE.metavar != "MIDI"


def test_works_are_read_as_they_are_labelled(folder: Path) -> None:
    a, b = folder / "abel" / "a.png", folder / "zoe" / "b.png"
    assert groups_of_works(parsed("--examples", a, b), PLAIN) == [
        [Work(str(a), b"abel/a.png"), Work(str(b), b"zoe/b.png")]
    ]
    assert groups_of_works(parsed("--examples-from", folder), HANDS) == [
        [Work("abel/a.png", b"abel/a.png", hand="abel"), Work("zoe/b.png", b"zoe/b.png", hand="zoe")]
    ]
    assert groups_of_works(parsed("--ratings", folder / "scores.csv"), SCORES) == [
        [Work("abel/a.png", b"abel/a.png", score=3.0), Work("zoe/b.png", b"zoe/b.png", score=7.5)]
    ]


def test_every_hand_that_is_blended_is_a_group(folder: Path) -> None:
    a, b = folder / "abel" / "a.png", folder / "zoe" / "b.png"
    groups = groups_of_works(parsed("--examples", a, "--blend", b, a, "--blend", b), PLAIN)
    assert [[Path(work.name) for work in group] for group in groups] == [[a], [b, a], [b]]


@pytest.mark.parametrize(
    ("words", "blends"),
    [
        (["--examples", "a", "--examples-from", "b"], True),
        (["--ratings", "a", "--examples-from", "b"], True),
        (["--examples", "a", "--blend", "b"], False),
    ],
)
def test_ways_that_do_not_go_together_are_refused(words: list[str], blends: bool) -> None:
    with pytest.raises(SystemExit, match="2"):
        parsed(*words, blends=blends)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [(PLAIN, "--examples MIDI"), (HANDS, "--examples-from DIR"), (SCORES, "--ratings CSV")],
)
def test_works_must_be_given_in_the_way_that_is_wanted(wanted: WorksInput, expected: str) -> None:
    with pytest.raises(UserError, match=f"{expected}; got none.*{wanted.help}"):
        groups_of_works(parsed(), wanted)
