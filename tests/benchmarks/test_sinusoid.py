import json
from pathlib import Path

import pytest

from benchmarks import sinusoid

FEW = ["--set", "meta.steps=2", "--set", "meta.tasks=2", "--set", "meta.validation_tasks=2", "--waves", "5"]


def test_it_trains_measures_and_says_which_bars_were_missed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "sinusoid.json"
    assert sinusoid.main([*FEW, "--json", str(out)]) == 1
    assert capsys.readouterr().out.count("MISSED") == 3
    assert set(json.loads(out.read_text())) == {"0", "1", "5", "10"}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_bars_of_the_paper_are_held() -> None:
    assert sinusoid.main([]) == 0
