"""What a user brings, well made and otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.artists.works import (
    MAX_TABLE_BYTES,
    Work,
    WorksInput,
    checked_score,
    rated_works,
    read_scores,
    work_of,
    works_from,
    works_of_files,
    works_of_hands,
)
from metaart.errors import TooLarge, UserError
from metaart.formats.pictures import PICTURE

MAX_WORKS = 200
HANDS = WorksInput(PICTURE, "hands", least=2, most=MAX_WORKS)
SCORES = HANDS._replace(labels="scores")
PLAIN = WorksInput(PICTURE, advice="Give a handful.")


def folder_of(root: Path, **hands: list[str]) -> Path:
    for hand, names in hands.items():
        (root / hand).mkdir(parents=True)
        for name in names:
            (root / hand / name).write_bytes(name.encode())
    return root


def test_a_folder_of_hands_is_read_in_order(tmp_path: Path) -> None:
    folder_of(tmp_path, zoe=["b.png", "a.PNG", "notes.txt", ".hidden.png"], abel=["c.png"])
    (tmp_path / ".git").mkdir()
    found = works_of_hands(tmp_path, HANDS)
    assert [(work.hand, work.name, work.data) for work in found] == [
        ("abel", "abel/c.png", b"c.png"),
        ("zoe", "zoe/a.PNG", b"a.PNG"),
        ("zoe", "zoe/b.png", b"b.png"),
    ]


@pytest.mark.parametrize(
    ("hands", "reason"),
    [
        ({}, "two sub-folders"),
        ({"one": ["a.png"]}, "two sub-folders"),
        ({"one": ["a.png"], "two": ["a.txt"]}, "none in"),
        ({"one": [f"{number}.png" for number in range(MAX_WORKS)], "two": ["a.png"]}, str(MAX_WORKS + 1)),
    ],
)
def test_folders_that_say_too_little_or_too_much_are_refused(
    tmp_path: Path, hands: dict[str, list[str]], reason: str
) -> None:
    with pytest.raises(UserError, match=reason):
        works_of_hands(folder_of(tmp_path, **hands), HANDS)


def test_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="which is none"):
        works_of_hands(tmp_path / "nowhere", HANDS)


def test_a_table_of_scores_is_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a b.png").write_bytes(b"A")
    (tmp_path / "c.png").write_bytes(b"C")
    table = tmp_path / "scores.csv"
    table.write_bytes(b'\xef\xbb\xbfFile, Score\r\n"in/a b.png",7.5\r\n\r\nc.png,1\r\n')
    assert [(work.name, work.score, work.data) for work in rated_works(table, SCORES)] == [
        ("in/a b.png", 7.5, b"A"),
        ("c.png", 1.0, b"C"),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("a.png,3\n", "begins with 'a.png,3'"),
        ("file,score\na.png,11\n", "from 1 to 10"),
        ("file,score\na.png,nan\n", "'nan' in line 2"),
        ("file,score\na.png,1e999\n", "'1e999'"),
        ("file,score\na.png,good\n", "'good' in line 2"),
        ("file,score\na.png\n", "1 in line 2"),
        ("file,score\na.png,3\na.png,4\n", "again in line 3"),
        ("file,score\n../a.png,3\n", "folders below"),
        ("file,score\n/etc/passwd,3\n", "folders below"),
        ("file,score\nin/../../a.png,3\n", "folders below"),
        ('file,score\n"a.png,3\n', "CSV file in UTF-8"),
        ("file,score\n" + "".join(f"{number}.png,3\n" for number in range(MAX_WORKS + 1)), str(MAX_WORKS + 1)),
    ],
)
def test_tables_that_are_none_are_refused(text: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        read_scores(text.encode())


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=80))
def test_any_bytes_are_scores_or_refused(data: bytes) -> None:
    for start in (b"", b"file,score\n"):
        try:
            found = read_scores(start + data)
        except UserError:
            continue
        assert all(1 <= score <= 10 and file and ".." not in file.split("/") for file, score in found)


def test_a_table_that_is_too_large_or_names_what_is_not_there(tmp_path: Path) -> None:
    table = tmp_path / "scores.csv"
    table.write_bytes(b"x" * (MAX_TABLE_BYTES + 1))
    with pytest.raises(TooLarge):
        rated_works(table, SCORES)
    table.write_text("file,score\nmissing.png,3\n")
    with pytest.raises(UserError, match=r"missing\.png"):
        rated_works(table, SCORES)


def test_python_code_hands_over_files_or_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"A")
    assert works_from(path, PLAIN) == works_from([str(path)], PLAIN) == [Work(str(path), b"A")]
    assert works_from([b"x", path], PLAIN) == [Work("example 1", b"x"), Work(str(path), b"A")]
    assert works_of_files([path], PICTURE) == [work_of(path, PICTURE)] == [Work(str(path), b"A")]
    by_hand = works_from({"Hokusai": [path, b"y"], "Turner": b"z"}, HANDS)
    assert [(work.hand, work.data) for work in by_hand] == [("Hokusai", b"A"), ("Hokusai", b"y"), ("Turner", b"z")]
    for scored in ({str(path): 7.5}, [(path, 7.5)], [(b"A", 7.5)]):
        (work,) = works_from(scored, SCORES)
        assert (work.data, work.score) == (b"A", 7.5)


@pytest.mark.parametrize(
    ("brought", "wanted", "reason"),
    [
        ({"a": [b"x"]}, PLAIN, "as a list"),
        ([b"x"], HANDS, "{hand: files}"),
        (b"x", SCORES, "{file: score}"),
        ([(b"x", 11)], SCORES, "from 1 to 10"),
        ([(b"x", True)], SCORES, "from 1 to 10"),
        ([(b"x", float("nan"))], SCORES, "from 1 to 10"),
        (["nowhere.png"], PLAIN, "nowhere.png"),
    ],
)
def test_what_cannot_be_works_is_refused(brought: Any, wanted: WorksInput, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        works_from(brought, wanted)


def test_scores_stay_as_they_came() -> None:
    """A whole number is written as one in a judgement, as it was given."""
    assert (checked_score(7, "a"), type(checked_score(7, "a"))) == (7, int)
    assert type(checked_score(7.0, "a")) is float
