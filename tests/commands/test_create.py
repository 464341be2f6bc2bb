"""`metaart create`: which use a command leads to, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaart.cli import main
from metaart.commands.create import offers_of, targets_of
from metaart.errors import UserError


def test_a_command_leads_to_its_own_art_first() -> None:
    assert [(offer.art.name, offer.use.verb) for offer in offers_of("music")] == [("music", "create")]
    judges = [(offer.art.name, offer.use.verb) for offer in offers_of("critique")]
    assert judges[0] == ("critique", "judge")
    assert set(judges) == {("critique", "judge"), ("rating", "judge"), ("music", "judge")}
    assert [offer.art.name for offer in offers_of("rating")] == ["rating"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["music"], "--examples, or --artist; got none of them"),
        (["critique", "--work", "a.png"], "--examples-from or --ratings, or --artist; got none of them"),
        (["music", "--examples", "{tune}", "--bars", "x"], "bars to be a whole number from 1 to 128; got 'x'"),
        (["music", "--examples", "nowhere.mid"], "nowhere.mid"),
        (["music", "--run", "{critique}", "--examples", "{tune}"], "a run of music; got {critique}, a run of critique"),
        (["critique", "--run", "{critique}", "--ratings", "x.csv"], "--examples-from for {critique}, a run of"),
        (["critique", "--run", "{music}", "--examples-from", "{hands}", "--work", "{tune}", "--heat-map", "a.png"],
         "options that {music}, a run of music, takes; got --heat-map"),
        (["critique", "--run", "{music}", "--examples-from", "{hands}"], "--work MIDI: what to judge; got none"),
        (["style", "--examples", "a.png"], "--photographs PHOTO: what is redrawn; got none"),
        (["music", "--artist", "nowhere.artist"], "nowhere.artist"),
        (["music", "--artist", "{tune}"], "an artist that `metaart adapt` wrote"),
        (["music", "--artist", "a.artist", "--examples", "{tune}"], "--artist alone, which was adapted already"),
        (["music", "--artist", "a.artist", "--steps", "5"], "got --steps beside it"),
        (["style", "--artist", "a.artist", "--blend", "a.png", "--photographs", "a.png"], "got --blend beside it"),
    ],
)  # fmt: skip
def test_what_is_missing_or_does_not_fit_is_said(
    words: list[str],
    reason: str,
    tiny_run: Path,
    critique_run: Path,
    midi_folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tune = next(midi_folder.rglob("*.mid"))
    names = {"tune": tune, "music": tiny_run, "critique": critique_run, "hands": midi_folder}
    assert main(["create", *(word.format(**names) for word in words)]) == 2
    error = capsys.readouterr().err
    assert reason.format(**names) in error
    assert len(error.strip().splitlines()) == 1


def test_a_tune_is_judged_by_artists_that_were_kept(
    tiny_run: Path, midi_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One artist for each composer, adapted before or in the same command: the same judgement."""
    hands = sorted(midi_folder.iterdir())[:2]
    folder = tmp_path / "composers"
    for hand in hands:
        (folder / hand.name).mkdir(parents=True)
        for path in sorted(hand.iterdir())[:2]:
            (folder / hand.name / path.name).write_bytes(path.read_bytes())
    work = sorted(hands[0].iterdir())[5]
    common = ["--run", str(tiny_run)]
    judge = ["create", "critique", *common, "--work", str(work)]
    assert main([*judge, "--examples-from", str(folder)]) == 0
    at_once = capsys.readouterr().out
    artists = []
    for hand in sorted(folder.iterdir()):
        artists.append(str(tmp_path / f"{hand.name}.artist"))
        works = [str(path) for path in sorted(hand.iterdir())]
        assert main(["adapt", "music", *common, "--examples", *works, "--out", artists[-1]]) == 0
    capsys.readouterr()
    assert main([*judge, "--artist", *artists]) == 0
    assert capsys.readouterr().out == at_once


def test_every_source_has_a_target_of_its_own() -> None:
    sources = [Path("a/x.png"), Path("b/x.jpg"), Path("y.png")]
    assert targets_of(sources[:1], Path("new.PNG"), ".png") == [Path("new.PNG")]
    assert targets_of(sources, Path("out"), ".png") == [Path("out/01-x.png"), Path("out/02-x.png"), Path("out/y.png")]
    with pytest.raises(UserError, match="a folder as --out"):
        targets_of(sources, Path("new.png"), ".png")


def test_too_many_composers_are_refused_before_one_is_adapted_to(
    tiny_run: Path, midi_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tune = next(midi_folder.rglob("*.mid"))
    for number in range(21):
        (tmp_path / f"hand-{number}").mkdir()
        (tmp_path / f"hand-{number}" / "a.mid").write_bytes(tune.read_bytes() if number else b"never read")
    words = ["create", "critique", "--run", str(tiny_run), "--work", str(tune), "--examples-from", str(tmp_path)]
    assert main(words) == 2
    assert "examples of 2 to 20 hands; got 21" in capsys.readouterr().err
