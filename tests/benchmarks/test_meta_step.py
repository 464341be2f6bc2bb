import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks import meta_step
from benchmarks.meta_step import Case, compare, contenders, measure, music_case, sinusoid_case, table


@pytest.fixture(params=["sinusoid", "music"])
def case(request: pytest.FixtureRequest) -> Case:
    if request.param == "sinusoid":
        return sinusoid_case(tasks=3, points=4, steps=2)
    return music_case(tasks=2, works=2, tokens=16, steps=2, hidden_size=5)


def test_all_contenders_compute_the_same_gradient_and_are_timed(case: Case) -> None:
    differences = compare(case)
    seconds = measure(case, repeats=1)
    assert set(differences) == set(seconds) == set(contenders())
    assert {"plain loop", "metaart, loop", "metaart, vmap"} <= set(seconds)
    shown = table(case, differences, seconds)
    assert all(name in shown for name in seconds)


def test_a_wrong_gradient_is_not_timed(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_short(case: Case, dtype: torch.dtype) -> meta_step.MetaGradient:
        return meta_step.plain(replace(case, steps=1), dtype)

    monkeypatch.setitem(meta_step.PEERS, "json", too_short)  # stands for a library that is installed
    with pytest.raises(ArithmeticError, match="json differs from the plain loop"):
        compare(case)


def test_the_command_prints_and_writes_the_numbers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(meta_step.CASES, "sinusoid", lambda: sinusoid_case(tasks=2, points=3, steps=1))
    out = tmp_path / "meta-step.json"
    assert meta_step.main(["--case", "sinusoid", "--repeats", "1", "--json", str(out)]) == 0
    assert "metaart, vmap" in capsys.readouterr().out
    written = json.loads(out.read_text())["cases"]["sinusoid"]
    assert set(written["median_s"]) == set(written["difference"])
