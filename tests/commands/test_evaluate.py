"""What `metaart evaluate` takes, by art."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from metaart.arts.evaluate_command import EVALUATIONS, MOST, add_evaluate, named_runs, settle
from metaart.cli import main
from metaart.domains import DOMAINS
from metaart.errors import UserError
from metaart.evaluation.rivals import judged_runs

GIVEN = {
    "validation_episodes": ["--validation-episodes", "120"],
    "steps": ["--steps", "0", "1"],
    "rival": ["--rival", "a=runs/a"],
    "tuning_only": ["--tuning-only"],
    "judge_hands": ["--judge-hands", "0"],
    "ways": ["--ways", "5"],
    "photographs": ["--photographs", "2"],
    "size": ["--size", "96"],
    "gatys": ["--gatys", "50"],
}


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_evaluate(parser)
    return parser.parse_args(["runs/x", *arguments])


@pytest.mark.parametrize("art", DOMAINS)
@pytest.mark.parametrize("option", GIVEN)
def test_an_option_is_taken_or_refused_with_the_arts_that_take_it(art: str, option: str) -> None:
    takers = {name for name in DOMAINS if option in EVALUATIONS.get(name, MOST).takes}
    options = parsed(*GIVEN[option])
    if art in takers:
        settle(options, art)
        assert getattr(options, option) not in (None, [])
        return
    with pytest.raises(UserError) as caught:
        settle(options, art)
    assert caught.value.got.startswith(GIVEN[option][0])
    assert all(name in caught.value.got for name in takers)
    assert art not in caught.value.got


def test_every_option_that_some_arts_take_is_tried_above_and_has_a_value_of_its_own() -> None:
    for art in DOMAINS:
        takes, options = EVALUATIONS.get(art, MOST).takes, parsed()
        assert set(takes) <= set(GIVEN)
        assert all(getattr(options, name) is None for name in GIVEN)
        settle(options, art)
        assert {name: getattr(options, name) for name in takes} == takes


def test_a_run_that_is_refused_an_option_is_left_alone(
    critique_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(critique_run), "--rival", "a=runs/a", "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "the evaluation of critique takes; got --rival, which is for music and sinusoid. Leave it out." in said
    assert not (tmp_path / "out").exists()


def test_every_run_has_a_name_of_its_own() -> None:
    assert named_runs(["a=runs/a", "b=runs/a"]) == {"a": Path("runs/a"), "b": Path("runs/a")}
    with pytest.raises(UserError, match="two called a"):
        named_runs(["a=runs/a", "a=runs/b"])
    assert list(judged_runs("music", Path("runs/x"), {"other": Path("runs/y")})) == ["music", "other"]
    with pytest.raises(UserError, match="beside music, which is runs/x; got music=runs/y"):
        judged_runs("music", Path("runs/x"), {"music": Path("runs/y")})


def test_the_command_refuses_the_name_of_the_run_itself(tiny_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(tiny_run), "--also", f"music={tiny_run}", "--episodes", "4"]) == 2
    assert "names of their own" in capsys.readouterr().err
