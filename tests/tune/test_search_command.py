"""`python -m tune.search`: bad input is refused in one paragraph, with 2, before anything starts or is written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from metaart.files import only_writer
from tune import search

ROOT = Path(__file__).resolve().parents[2]

REFUSED = {
    ("opera",): "a recipe",
    (): "a recipe or a recipe file",
    ("sinusoid", "--space", "alpha"): "NAME=KIND",
    ("sinusoid", "--space", "alpha=loguniform(1,1e-3)"): "lower to a higher end",
    ("sinusoid", "--space", "alpa=uniform(0,1)"): "Did you mean 'alpha'",
    ("sinusoid", "--space", "seed=randint(0,9)"): "judged on",
    ("sinusoid", "--trials", "0"): "trials to be a whole number from 1 to 9999",
    ("sinusoid", "--searcher", "oracle"): "tpe or random or grid",
    ("sinusoid", "--scheduler", "fifo"): "asha or none",
    ("sinusoid", "--searcher", "grid", "--space", "steps=choice(1,2,3)", "--trials", "2"): "--trials 3",
    ("sinusoid", "--workers", "0"): "workers",
    ("sinusoid", "--workers", "26"): "a task for every worker",
    ("sinusoid", "--set", "meta.validate_every=0"): "with validations",
    ("sinusoid", "--set", "meta.steps=0"): "with validations",
    ("sinusoid", "--start-from", "nowhere"): "nowhere",
    ("sinusoid", "--start-from", "nowhere", "--space", "hidden_size=choice(4,8)"): "leaves the pooled model",
    ("sinusoid", "--resume"): "a sweep to go on with",
    ("sinusoid", "--recipe-file", "best.json"): "both",
    ("music", "--data", "nowhere"): "nowhere",
    ("sinusoid", "--workers", "1000", "--set", "meta.tasks=1000"): "CPUs that are there",
}


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_bad_input_is_refused_before_anything_is_written(
    arguments: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert search.main([*arguments, "--out", str(tmp_path / "sweep")]) == 2
    words = capsys.readouterr().err
    assert REFUSED[arguments] in words
    assert "\n" not in words.strip()
    assert not (tmp_path / "sweep").exists()


@pytest.mark.ray
def test_a_sweep_that_is_written_is_left_alone(
    ray_session: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with only_writer(tmp_path / "sweep"):
        before = list((tmp_path / "sweep").iterdir())
        assert search.main(["sinusoid", "--trials", "1", "--out", str(tmp_path / "sweep")]) == 2
    assert "which one is writing now" in capsys.readouterr().err
    assert list((tmp_path / "sweep").iterdir()) == before


def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        search.main(["--help"])
    assert end.value.code == 0
    words = capsys.readouterr().out
    assert all(part in words for part in ("loguniform", "choice", "--resume", "best.json", "sinusoid"))


def test_ray_is_imported_no_sooner_than_its_token_is_set() -> None:
    """It looks for the token when it is imported, and `ray_connection` has it look; bad input ends before that."""
    program = "import sys; from tune.search import main; code = main(['opera']); print(code, 'ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "2 False\n"
    assert done.stderr.startswith("tune.search: expected a recipe")
