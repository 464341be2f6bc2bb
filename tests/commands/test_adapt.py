"""`metaart adapt`: works become an artist in a file."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch

from metaart.artists.artist import read_artist
from metaart.arts import ARTS, load
from metaart.cli import main
from metaart.commands.adapt import add_adapt


def test_every_art_that_reads_files_can_be_adapted(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_adapt(parser)
    for name, art in ARTS.items():
        if art.works is not None:
            with pytest.raises(SystemExit, match="0"):
                parser.parse_args([name, "--help"])
            assert art.works.help in " ".join(capsys.readouterr().out.split())
        else:
            with pytest.raises(SystemExit, match="2"):
                parser.parse_args([name])


def test_adapting_says_what_became_of_each_work(
    tiny_run: Path, midi_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = next(midi_folder.rglob("*.mid")), tmp_path / "bad.mid"
    bad.write_bytes(b"words")
    words = [
        "adapt",
        "music",
        "--run",
        str(tiny_run),
        "--examples",
        str(good),
        str(bad),
        "--out",
        str(tmp_path / "a.artist"),
    ]
    assert main([*words, "--steps", "2"]) == 0
    output = capsys.readouterr().out
    assert "1 of 2 works, 2 steps" in output
    assert f"+ {good}" in output
    assert f"- {bad}: expected a Standard MIDI File" in output
    (tmp_path / "a.artist").unlink()
    for wrong in (["--strict"], ["--steps", "101"], ["--run", str(tmp_path)]):
        assert main([*words, *wrong]) == 2
    assert not (tmp_path / "a.artist").exists()


def test_an_artist_is_called_what_its_file_is_called_unless_it_has_a_name(
    tiny_run: Path, midi_folder: Path, tmp_path: Path
) -> None:
    works = sorted(midi_folder.rglob("*.mid"))[:2]
    words = ["adapt", "music", "--run", str(tiny_run), "--examples", *map(str, works), "--steps", "1"]
    for name, more in (("shanxi", []), ("Zoe", ["--name", "Zoe"])):
        assert main([*words, *more, "--out", str(tmp_path / "shanxi.artist")]) == 0
        artist = read_artist(tmp_path / "shanxi.artist")
        assert (artist.name, artist.steps, len(artist.losses)) == (name, 1, 2)
    by_code = load(tiny_run).adapt(works, steps=1)
    assert all(torch.equal(value, by_code.weights[name]) for name, value in artist.weights.items())


def test_a_run_of_another_art_is_refused(
    critique_run: Path, midi_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = str(next(midi_folder.rglob("*.mid")))
    out = tmp_path / "a.artist"
    assert main(["adapt", "music", "--run", str(critique_run), "--examples", work, "--out", str(out)]) == 2
    assert f"a run of music; got {critique_run}, a run of critique. Give --run of" in capsys.readouterr().err
    assert not out.exists()
