"""What `metaart data prepare` takes, by source; also by sources that the command has never heard of."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from metaart.cli import main
from metaart.commands.data import PrepareOptions, all_fields
from metaart.data import SOURCES, RegisteredSource
from metaart.data.base import Entry, Group, Rejected, Source
from metaart.data.media.pictures import PictureMedium
from metaart.formats.pictures.read import write_png
from metaart.options import described, option, options
from tests.data.pictures import painting
from tests.data.sources import DRAWINGS

ROOT = Path(__file__).resolve().parents[2]
OWN_FILES = "See: metaart data prepare --help. For your own files: metaart data prepare {0} --source folder --path DIR"


@options()
class PuppetOptions:
    strings: int = option(ge=2, le=9, help="strings of a puppet")
    painted: bool = option(default=False, help="whether puppets are painted")


class Puppets(Source):
    """One group for each number of strings up to what was asked for."""

    name, min_works = "theatre", 1

    def __init__(self, asked: PuppetOptions) -> None:
        self.asked, self.medium = asked, PictureMedium(32)

    def groups(self) -> list[Group]:
        """With two strings, with three, ..."""
        return [Group(f"{strings} strings", "puppets", "train") for strings in range(2, self.asked.strings + 1)]

    def entries(self, group: str) -> list[Entry | Rejected]:
        """Two of each, of another colour where they are painted."""
        first = 10 * self.asked.painted
        return [Entry(group, f"{group} {number}", "a puppet", "a shed", "none", True, f"{number}")
                for number in range(first, first + 2)]  # fmt: skip

    def read(self, entry: Entry) -> bytes:
        """A picture of it."""
        return write_png(painting(int(entry.group[0]), int(entry.content)))


@pytest.fixture
def puppets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another kind of works, registered from outside."""
    shed = RegisteredSource("puppets in the shed", PuppetOptions, Puppets, "Carve some.")
    monkeypatch.setitem(SOURCES, "puppets", {"shed": shed})


@pytest.mark.usefixtures("puppets")
def test_a_new_kind_of_works_is_taken_up_with_its_own_flags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    ask = ["data", "prepare", "puppets", "--strings", "3", "--painted", "--workers", "1"]
    assert main(ask) == 0
    assert "data/puppets: 4 works in 2 groups" in capsys.readouterr().out
    about = json.loads(Path("data/puppets/metadata.json").read_text())
    assert [entry["name"] for entry in about["groups"]] == ["2 strings", "3 strings"]
    assert main([*ask, "--licence", "permissive", "--limit-per-group", "1"]) == 0
    assert "data/puppets-permissive: 2 works in 2 groups" in capsys.readouterr().out


@pytest.mark.usefixtures("puppets")
def test_a_new_kind_of_works_is_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["data", "prepare", "--help"])
    words = " ".join(capsys.readouterr().out.split())
    assert "metaart data prepare puppets --strings STRINGS puppets in the shed" in words
    assert "strings of a puppet; from 2 to 9 (needed)" in words


@pytest.mark.usefixtures("puppets")
@pytest.mark.parametrize(("words", "error"), [
    (["puppets"], "expected a --strings for puppets with --source shed; got none. Carve some."),
    (["puppets", "--strings", "1"], "expected strings to be a whole number from 2 to 9; got 1. Give another value."),
    (["puppets", "--strings", "2", "--side", "9"],
     "expected no --side for puppets with --source shed; got --side 9. Carve some."),
    (["music", "--strings", "2"],
     f"expected no --strings for music with --source corpus; got --strings 2. {OWN_FILES.format('music')}"),
    (["puppets", "--source", "theatre"], "expected --source shed for puppets; got --source theatre. Take one of them."),
    (["drawings"],
     "expected a --path for drawings with --source iconify; got none. Get the archive with: npm pack @iconify/json, "
     "then: metaart data prepare drawings --archive FILE"),
    (["pictures"], f"expected a --path for pictures with --source folder; got none. {OWN_FILES.format('pictures')}"),
    (["pictures", "--source", "corpus"],
     "expected --source folder or parquet or gcompris or openclipart for pictures; got --source corpus. "
     "Take one of them."),
    (["music", "--source", "folder", "--path", "x", "--side", "64"],
     f"expected no --side for music with --source folder; got --side 64. {OWN_FILES.format('music')}"),
    (["music", "--archive", "x"],
     f"expected no --path for music with --source corpus; got --path x. {OWN_FILES.format('music')}"),
    (["pictures", "--path", "x", "--side", "wide"],
     "expected side to be a whole number from 8 to 4096; got 'wide'. Leave side out for its default, 512, "
     "or give another value."),
    (["music", "--workers", "0"],
     "expected workers to be a whole number from 1 up; got 0. Leave workers out for its default, all cores, "
     "or give another value."),
])  # fmt: skip
def test_what_a_source_does_not_take_is_refused(
    words: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "prepare", *words]) == 2
    assert capsys.readouterr().err == f"metaart: {error}\n"


@pytest.mark.parametrize("flag", ["--path", "--archive"])
def test_the_limit_of_a_group_is_that_of_a_set_too(flag: str, tmp_path: Path) -> None:
    ask = ["data", "prepare", "drawings", flag, str(DRAWINGS), "--limit-per-group", "4", "--min-works", "3"]
    assert main([*ask, "--workers", "1", "--groups", "feather", "--out", str(tmp_path / "data")]) == 0
    about = json.loads((tmp_path / "data" / "metadata.json").read_text())
    assert about["counts"]["works"] == 4
    assert about["settings"]["limit_per_group"] == 4
    assert not any("repeats" in entry["reason"] for entry in about["rejected"])


def test_every_option_of_a_source_is_a_flag_and_defaults_that_differ_say_whose_they_are() -> None:
    fields = all_fields()
    for sources in SOURCES.values():
        for source in sources.values():
            assert described(source.options).keys() <= fields.keys()
    assert described(PrepareOptions).keys() <= fields.keys()
    assert fields["side"].usual == "drawings: 64; pictures, photographs: 512"
    assert fields["limit_per_group"].usual == "all; drawings: 300"


@pytest.mark.parametrize("number", ["0", "-1", "some"])
def test_a_sheet_without_pictures_is_refused(
    number: str, music_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = ["--sheet", str(tmp_path / "sheet.png"), "--per-group", number]
    assert main(["data", "show", str(music_data), *sheet]) == 2
    assert "expected per_group to be a whole number from 1 up" in capsys.readouterr().err


def test_the_flags_are_made_without_loading_a_source() -> None:
    heavy = ("torch", "numpy", "pyarrow", "music21", "symusic", "PIL")
    asked = f"""\
import sys
from metaart.cli import main
try:
    main(['data', 'prepare', '--help'])
except SystemExit:
    print([name for name in {heavy} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[]"
