"""What `metaart evaluate` takes, by art."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from metaart.arts import ARTS
from metaart.cli import main
from metaart.commands.evaluate import add_evaluate, all_fields, asked_of, refuse_others
from metaart.commands.flags import values_of
from metaart.errors import UserError
from metaart.options import described

WORDS = {
    "data": ["--data", "data/x"],
    "also": ["--also", "a=runs/a"],
    "episodes": ["--episodes", "4"],
    "validation_episodes": ["--validation-episodes", "120"],
    "steps": ["--steps", "0", "1"],
    "rival": ["--rival", "a=runs/a", "--rival", "b=runs/b"],
    "tuning_only": ["--tuning-only"],
    "judge_hands": ["--judge-hands", "0"],
    "ways": ["--ways", "5"],
    "photographs": ["--photographs", "2"],
    "size": ["--size", "96"],
    "gatys": ["--gatys", "50"],
}
MEANT = {
    "data": "data/x", "also": ("a=runs/a",), "episodes": 4, "validation_episodes": 120, "steps": (0, 1),
    "rival": ("a=runs/a", "b=runs/b"), "tuning_only": True, "judge_hands": 0, "ways": 5, "photographs": 2, "size": 96,
    "gatys": (50,),
}  # fmt: skip


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_evaluate(parser)
    return parser.parse_args(["runs/x", *arguments])


@pytest.mark.parametrize("art", ARTS)
@pytest.mark.parametrize("option", WORDS)
def test_an_option_is_taken_or_refused_with_the_arts_that_take_it(art: str, option: str) -> None:
    takers = {name for name in ARTS if option in described(asked_of(name))}
    options = parsed(*WORDS[option])
    if art in takers:
        refuse_others(options, art)
        asked = asked_of(art)(**values_of(options, asked_of(art)))
        assert getattr(asked, option) == MEANT[option]
        return
    with pytest.raises(UserError) as caught:
        refuse_others(options, art)
    assert caught.value.got.startswith(WORDS[option][0])
    assert all(name in caught.value.got for name in takers)
    assert art not in caught.value.got


def test_every_option_of_every_art_is_tried_above_and_nothing_is_given_by_itself() -> None:
    assert set(all_fields()) == set(WORDS) == set(MEANT)
    for art in ARTS:
        kind = asked_of(art)
        assert values_of(parsed(), kind) == {}
        assert kind(**values_of(parsed(), kind)) == kind()


def test_the_help_says_whose_an_option_is_what_it_may_be_and_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    help_text = " ".join(capsys.readouterr().out.split())
    for words in ("of style: side of what is redrawn; from 16 up px (96)", "(0 1 3 5 10 20)", "(50 100 500)",
                  "of music: hands to create for and judge", "(that of the run)"):  # fmt: skip
        assert words in help_text


def test_a_run_that_is_refused_an_option_is_left_alone(
    critique_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(critique_run), "--rival", "a=runs/a", "--out", str(tmp_path / "out")]) == 2
    output = capsys.readouterr().err
    assert "the evaluation of critique takes; got --rival, which is for music" in output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--also", "music={run}", "--episodes", "4"], "names of their own"),
        (["--also", "runs/a"], "NAME=RUN"),
        (["--episodes", "few"], "episodes to be a whole number from 2 up; got 'few'"),
        (["--episodes", "1"], "episodes to be a whole number from 2 up; got 1"),
        (["--steps", "0", "x"], "steps to be a list of whole numbers"),
        (["--steps", "-1"], "numbers of steps from 0"),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: list[str], reason: str, tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(tiny_run), *(word.format(run=tiny_run) for word in words)]) == 2
    assert reason in capsys.readouterr().err


def test_a_run_is_loaded_once(tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so is every run that it is compared with, however often an evaluation comes back to it."""
    from metaart.training import run as runs

    loaded: list[Path] = []
    genuine = runs.load_algorithm

    def counted(folder: Path) -> object:
        loaded.append(folder)
        return genuine(folder)

    monkeypatch.setattr(runs, "load_algorithm", counted)
    few = ["--episodes", "4", "--validation-episodes", "2", "--steps", "0", "1", "--judge-hands", "2"]
    others = ["--also", f"other={tiny_run}", "--rival", f"pooled={tiny_run}"]
    assert main(["evaluate", str(tiny_run), *few, *others, "--out", str(tmp_path)]) == 0
    assert loaded == [tiny_run] * 3
