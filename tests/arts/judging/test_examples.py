"""What a curator sends, well made and otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.arts.judging.examples import MAX_TABLE_BYTES, examples_of_hands, rated_examples, read_scores
from metaart.domains.critique.domain import MAX_WORKS
from metaart.errors import TooLarge, UserError


def folder_of(root: Path, **hands: list[str]) -> Path:
    for hand, names in hands.items():
        (root / hand).mkdir(parents=True)
        for name in names:
            (root / hand / name).write_bytes(name.encode())
    return root


def test_a_folder_of_hands_is_read_in_order(tmp_path: Path) -> None:
    folder_of(tmp_path, zoe=["b.png", "a.PNG", "notes.txt", ".hidden.png"], abel=["c.png"])
    (tmp_path / ".git").mkdir()
    found = examples_of_hands(tmp_path, (".png",), "pictures")
    assert [(example.hand, example.name, example.data) for example in found] == [
        ("abel", "abel/c.png", b"c.png"),
        ("zoe", "zoe/a.PNG", b"a.PNG"),
        ("zoe", "zoe/b.png", b"b.png"),
    ]


@pytest.mark.parametrize(
    ("hands", "said"),
    [
        ({}, "two sub-folders"),
        ({"one": ["a.png"]}, "two sub-folders"),
        ({"one": ["a.png"], "two": ["a.txt"]}, "none in"),
        ({"one": [f"{number}.png" for number in range(MAX_WORKS)], "two": ["a.png"]}, str(MAX_WORKS + 1)),
    ],
)
def test_folders_that_say_too_little_or_too_much_are_refused(
    tmp_path: Path, hands: dict[str, list[str]], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        examples_of_hands(folder_of(tmp_path, **hands), (".png",), "pictures")


def test_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="which is none"):
        examples_of_hands(tmp_path / "nowhere", (".png",), "pictures")


def test_a_table_of_scores_is_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a b.png").write_bytes(b"A")
    (tmp_path / "c.png").write_bytes(b"C")
    table = tmp_path / "scores.csv"
    table.write_bytes(b'\xef\xbb\xbfFile, Score\r\n"in/a b.png",7.5\r\n\r\nc.png,1\r\n')
    assert [(example.name, example.score, example.data) for example in rated_examples(table)] == [
        ("in/a b.png", 7.5, b"A"),
        ("c.png", 1.0, b"C"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
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
def test_tables_that_are_none_are_refused(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
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
        rated_examples(table)
    table.write_text("file,score\nmissing.png,3\n")
    with pytest.raises(UserError, match=r"missing\.png"):
        rated_examples(table)
