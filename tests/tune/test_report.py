"""What a sweep leaves: table, recipe file, picture, page, logs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from cluster.config import ClusterConfig
from metaart.config import override
from metaart.recipes import recipe, recipe_or_file
from tune.config import Sweep, SweepConfig
from tune.keys import read_space
from tune.page import write_page
from tune.records import DIVERGED, FINISHED, STOPPED, Trial
from tune.report import best_region, table, write_report
from tune.trackers import log_trial

BOWL = (0.001, 0.004, 0.01, 0.03, 0.1, 0.3, 1.0)


def bowl(alpha: float) -> float:
    """A loss that is lowest, 1, at 0.03, and 1 higher a decade away."""
    return 1.0 + float(np.log10(alpha / 0.03)) ** 2


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    config = override(recipe("sinusoid"), ["meta.steps=9", "meta.validate_every=3"])
    space = tuple(read_space(["alpha=loguniform(1e-3,1)", "steps=choice(1,3)"], config))
    return Sweep(config, ClusterConfig(workers=1), space, SweepConfig(), tmp_path)


def trials_of_bowl() -> list[Trial]:
    trials = [
        Trial(
            number,
            {"algorithm.alpha": str(alpha), "algorithm.steps": "13"[number % 2]},
            FINISHED if number % 3 else STOPPED,
            [(3, bowl(alpha) + 0.1), (6, bowl(alpha))],
            6,
            60,
        )
        for number, alpha in enumerate(BOWL)
    ]
    return [*trials, Trial(7, {"algorithm.alpha": "0.9", "algorithm.steps": "1"}, DIVERGED, why="the loss was nan")]


def test_the_best_region_holds_the_trials_that_are_nearly_as_good() -> None:
    """Of the losses 9, 1, 1.2, 5, 1.3, 7, 9 the median is 5: nearly as good are those up to 1 + 0.2 * 4 = 1.8."""
    losses = (9, 1, 1.2, 5, 1.3, 7, 9)
    trials = [Trial(number, {"x": str(number)}, FINISHED, [(1, loss)]) for number, loss in enumerate(losses)]
    assert best_region("x", trials) == (1.0, 4.0)
    assert best_region("x", [*trials, Trial(7, {"x": "6.5"}, DIVERGED)]) == (1.0, 4.0)
    # With two poor ones more the median is 6, the bound 2: one that reached that before it got worse is in.
    poor = [Trial(8, {"x": "8"}, FINISHED, [(1, 9.0)]), Trial(9, {"x": "0.5"}, STOPPED, [(1, 2.0), (2, 8.0)])]
    assert best_region("x", [*trials, *poor, Trial(10, {"x": "9"}, FINISHED, [(1, 9.0)])]) == (0.5, 4.0)
    assert best_region("x", trials[:2]) is None


def test_best_json_is_a_recipe_file_with_the_best_settings_and_all_of_the_rest(sweep: Sweep) -> None:
    results = write_report(sweep, trials_of_bowl())
    config = recipe_or_file(None, sweep.folder / "best.json")
    assert config == override(sweep.config, ["algorithm.alpha=0.03", "algorithm.steps=3"])
    assert json.loads((sweep.folder / "results.json").read_text(encoding="utf-8")) == json.loads(json.dumps(results))
    assert results["best"]["number"] == 3
    assert results["steps"] == 42
    assert sum(results["importances"].values()) == pytest.approx(1.0)


def test_the_table_has_the_best_first_and_those_without_a_loss_last(sweep: Sweep) -> None:
    lines = table(sweep.space, trials_of_bowl()).splitlines()
    assert lines[0].split() == ["trial", "alpha", "steps", "validation", "steps", "outcome"]
    assert lines[1].split() == ["3", "0.03", "3", "1.0000", "6", "stopped"]
    assert lines[-1].split() == ["7", "0.9", "1", "-", "0", "diverged"]


def test_the_picture_shades_the_best_region_where_it_lies(sweep: Sweep) -> None:
    """The green of the region stands in the left panel only, around the decade and a half at which 0.03 lies."""
    write_report(sweep, trials_of_bowl())
    pixels = np.asarray(Image.open(sweep.folder / "losses.png").convert("RGB")).astype(int)
    green = (pixels[..., 1] - pixels[..., 0] > 20) & (pixels[..., 1] - pixels[..., 2] > 20)
    columns = np.flatnonzero(green[: int(0.5 * len(green))].sum(0) > 30)
    assert len(columns)
    assert columns.min() > 0.2 * pixels.shape[1]
    assert columns.max() < 0.4 * pixels.shape[1]


def test_without_a_judged_trial_there_is_no_best(sweep: Sweep) -> None:
    trials = trials_of_bowl()[-1:]
    results = write_report(sweep, trials)
    assert results["best"] is None
    assert not (sweep.folder / "best.json").exists()
    text = write_page(sweep, trials, results).read_text(encoding="utf-8")
    assert "diverged" in text
    assert "<img" not in text


def test_the_page_needs_nothing_beside_it_and_executes_nothing_that_was_searched(sweep: Sweep) -> None:
    trials = trials_of_bowl()
    trials[0].point["algorithm.steps"] = "<script>alert(1)</script>"
    results = write_report(sweep, trials[1:])
    text = write_page(sweep, trials, results).read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert 'src="data:image/png;base64,' in text
    assert "http" not in text
    assert f"--recipe-file {sweep.folder / 'best.json'}" in text
    assert text.count("<tr") == 1 + len(trials) + len(results["importances"])


def test_tensorboard_gets_settings_and_loss_of_each_trial(sweep: Sweep) -> None:
    trial = trials_of_bowl()[3]
    log_trial(sweep.folder, "sinusoid", sweep.space, trial)
    events = EventAccumulator(str(sweep.folder / "trials" / "0003" / "tensorboard" / "hparams"))
    events.Reload()
    assert events.Scalars("hparam/validation")[0].value == pytest.approx(1.0)
    assert b"algorithm.alpha" in events.PluginTagToContent("hparams")["_hparams_/session_start_info"]
    log_trial(sweep.folder, "sinusoid", sweep.space, trials_of_bowl()[-1])  # without a loss there is nothing to log
    assert not (sweep.folder / "trials" / "0007").exists()


def test_mlflow_gets_the_same_where_it_is_installed(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in with the client's methods; what it is called with is what MLflow would store."""
    called: list[tuple[Any, ...]] = []

    class Client:
        def __init__(self, tracking_uri: str) -> None:
            called.append(("store", tracking_uri))

        def get_experiment_by_name(self, name: str) -> None:
            return None

        def create_experiment(self, name: str) -> str:
            called.append(("experiment", name))
            return "1"

        def create_run(self, experiment: str, run_name: str, tags: dict[str, str]) -> Any:
            called.append(("run", experiment, run_name, tags))
            return type("Run", (), {"info": type("Info", (), {"run_id": "r"})})

        def log_param(self, run: str, key: str, value: str) -> None:
            called.append(("param", key, value))

        def log_metric(self, run: str, key: str, value: float, step: int | None = None) -> None:
            called.append(("metric", key, value, step))

        def set_terminated(self, run: str) -> None:
            called.append(("end", run))

    module = ModuleType("mlflow")
    module.__spec__ = type("Spec", (), {})()  # type: ignore[assignment]
    module.tracking = type("Tracking", (), {"MlflowClient": Client})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mlflow", module)
    log_trial(sweep.folder, "sinusoid", sweep.space, trials_of_bowl()[3])
    assert called == [
        ("store", f"sqlite:///{sweep.folder / 'mlflow.db'}"),
        ("experiment", "sinusoid"),
        ("run", "1", "trial 3", {"outcome": STOPPED}),
        ("param", "algorithm.alpha", "0.03"),
        ("param", "algorithm.steps", "3"),
        ("metric", "validation", 1.1, 3),
        ("metric", "validation", 1.0, 6),
        ("metric", "best validation", 1.0, None),
        ("end", "r"),
    ]


def test_an_mlflow_that_does_not_load_costs_its_log_alone(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mlflow.py").write_text("from google.protobuf import nothing_of_that_name\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    log_trial(sweep.folder, "sinusoid", sweep.space, trials_of_bowl()[3])
    output = capsys.readouterr().err
    assert "trial 3 is not logged in MLflow" in output
    assert "nothing_of_that_name" in output
    assert (sweep.folder / "trials" / "0003" / "tensorboard" / "hparams").exists()
