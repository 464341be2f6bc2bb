"""Works as files again: what was prepared comes out note for note, under predictable names."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from metaart.cli import main
from metaart.data.export import export
from metaart.data.shards import Dataset
from metaart.errors import UserError


def test_exported_files_are_the_works_in_order(music_data: Path, tmp_path: Path) -> None:
    dataset = Dataset.open(music_data)
    paths = export(dataset, "China: Shanxi", tmp_path / "out", limit=3)
    assert [path.name for path in paths] == ["001.mid", "002.mid", "003.mid"]
    assert [path.read_bytes() for path in paths] == [work.midi for work in dataset.works("China: Shanxi")[:3]]
    assert all(any(message.type == "note_on" for message in mido.MidiFile(path)) for path in paths)


def test_without_a_limit_every_work_is_written(music_data: Path, tmp_path: Path) -> None:
    dataset = Dataset.open(music_data)
    assert len(export(dataset, "Luxembourg", tmp_path)) == len(dataset.works("Luxembourg"))


def test_an_unknown_group_is_refused_and_nothing_is_written(music_data: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a group of this data"):
        export(Dataset.open(music_data), "China: Atlantis", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_where_nothing_can_be_written_is_said_in_words(
    music_data: Path, drawings_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder").mkdir()
    for command in (
        ["export", str(music_data), "--group", "Luxembourg", "--out", str(tmp_path / "file")],
        ["export", str(music_data), "--group", "Luxembourg", "--out", str(tmp_path / "file" / "below")],
        ["show", str(drawings_data), "--sheet", str(tmp_path / "folder")],
        ["show", str(drawings_data), "--sheet", str(tmp_path / "file" / "sheet.png")],
        ["show", str(drawings_data), "--sheet", "."],
    ):
        assert main(["data", *command]) == 2
        reason = capsys.readouterr().err
        assert "expected a file that can be written; got" in reason
        assert command[-1] in reason
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder"]


def test_the_command_writes_and_the_picture_shows_what_it_wrote(
    music_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, picture = tmp_path / "luxembourg", tmp_path / "rolls.png"
    command = ["data", "export", str(music_data), "--group", "Luxembourg", "--out", str(out), "--limit", "2"]
    assert main(command) == 0
    assert "2 works of Luxembourg" in capsys.readouterr().out
    assert main(["draw", *map(str, sorted(out.iterdir())), "--out", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main([*command[:-1], "0"]) == 2
    assert "expected limit to be a whole number from 1 up; got 0" in capsys.readouterr().err


def test_drawing_what_is_no_midi_is_refused_with_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "poem.mid").write_text("Shall I compare thee")
    assert main(["draw", str(tmp_path / "poem.mid"), "--out", str(tmp_path / "rolls.png")]) == 2
    assert "poem.mid" in capsys.readouterr().err
    assert not (tmp_path / "rolls.png").exists()
