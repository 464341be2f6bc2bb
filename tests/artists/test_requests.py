"""What is asked of a use is checked before anything is computed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaart.artists.art import Extra, FileInput, Use
from metaart.artists.requests import MAX_STEPS, artists_of, check_inputs, check_number, check_steps, request_of
from metaart.artists.works import Work, WorksInput
from metaart.errors import TooLarge, UserError
from metaart.formats.base import JSON, Format
from metaart.options import option, options

NOTES = Format("a note", "notes", "NOTE", "text/plain", (".txt",))


@options()
class Letter:
    lines: int = option(default=4, ge=1, le=9, help="how long")
    to: str = option(default="you", help="whom")


USE = Use(
    verb="create",
    about="Write a letter.",
    story="",
    options=Letter,
    example={},
    works=WorksInput(NOTES, least=1, most=3, advice="Give a few notes."),
    inputs=(
        FileInput("draft", NOTES, "what to begin with"),
        FileInput("reply", NOTES, "what to answer", required=False),
    ),
    makes=NOTES,
    commands=("letter",),
    extras=(Extra("envelope", JSON, "to send it in"),),
)
ARTISTS: Any = ["an artist"]


def test_options_files_and_extras_go_where_they_belong(tmp_path: Path) -> None:
    path = tmp_path / "reply.txt"
    path.write_bytes(b"R")
    for reply in (path, str(path)):
        asked = request_of(USE, ARTISTS, {"lines": 7, "draft": b"D", "reply": reply, "extras": ["envelope"]})
        assert asked.artists is ARTISTS
        assert asked.options == Letter(lines=7, to="you")
        assert asked.files == {"draft": Work("draft", b"D"), "reply": Work(str(path), b"R")}
        assert asked.extras == {"envelope"}
    work = Work("mine", b"W", hand="Emily")
    asked = request_of(USE, ARTISTS, {"draft": work, "reply": None})
    assert asked.files == {"draft": work}
    assert (asked.options, asked.extras) == (Letter(), frozenset())


@pytest.mark.parametrize(
    ("values", "expected", "got"),
    [
        ({"lines": 10}, "lines to be a whole number from 1 to 9", "10"),
        ({"lines": True}, "lines to be a whole number from 1 to 9", "True"),
        ({"line": 3}, "create to be given draft, reply, extras or lines, to", "the unknown key 'line'"),
        ({"draft": "nowhere.txt"}, "a note", "nowhere.txt: No such file or directory"),
        ({"draft": None}, "draft, a note: what to begin with", "none"),
        ({"extras": ("envelope", "stamp")}, "extras among envelope", "'stamp'"),
    ],
)
def test_what_cannot_be_asked_is_refused(values: dict[str, Any], expected: str, got: str) -> None:
    with pytest.raises(UserError) as caught:
        request_of(USE, ARTISTS, {"draft": b"D", **values})
    assert (caught.value.expected, caught.value.got) == (expected, got)


def test_only_files_that_are_needed_must_be_there() -> None:
    check_inputs(USE, {"draft": b""})
    for files in ({}, {"reply": b""}):
        with pytest.raises(UserError, match=r"what to begin with; got none\. Give draft"):
            check_inputs(USE, files)


@given(st.integers(-500, 500) | st.floats() | st.booleans() | st.text() | st.none())
def test_steps_are_a_whole_number_up_to_the_bound(steps: Any) -> None:
    if steps is None or (type(steps) is int and 0 <= steps <= MAX_STEPS):
        check_steps(steps)
    else:
        with pytest.raises(UserError, match="from 0 to 100"):
            check_steps(steps)


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 8))
def test_works_are_counted_with_the_ends(least: int, more: int, number: int) -> None:
    wanted, works = WorksInput(NOTES, least=least, most=least + more), [Work("a", b"")] * number
    if least <= number <= least + more:
        check_number(works, wanted)
        return
    with pytest.raises(UserError, match=f"{least} to {least + more} notes as examples; got {number}") as caught:
        check_number(works, wanted)
    assert isinstance(caught.value, TooLarge) is (number > least)


class Adapting(SimpleNamespace):
    """In place of a run: says what it was asked to adapt to."""

    def adapt_works(self, works: list[Work], *, steps: int | None, name: str = "") -> Any:
        return name, [work.name for work in works], steps


WORKS = [Work("a", b"", "Zoe"), Work("b", b"", "Abel"), Work("c", b"", "Zoe")]


@pytest.mark.parametrize(
    ("use_labels", "run_labels", "artists"),
    [
        ("hands", "none", [("Zoe", ["a", "c"], 3), ("Abel", ["b"], 3)]),
        ("hands", "hands", [("", ["a", "b", "c"], 3)]),
        ("scores", "scores", [("", ["a", "b", "c"], 3)]),
        ("none", "none", [("", ["a", "b", "c"], 3)]),
    ],
)
def test_hands_are_artists_of_their_own_where_the_art_adapts_to_one(
    use_labels: Any, run_labels: Any, artists: list[Any]
) -> None:
    run: Any = Adapting(reads=WorksInput(NOTES, run_labels))
    use = USE._replace(works=USE.works._replace(labels=use_labels))
    assert artists_of(run, use, WORKS, 3) == artists
