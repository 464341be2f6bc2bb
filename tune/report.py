"""What a sweep leaves: a table, the best configuration as a recipe file, and the loss against what was searched."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from metaart.config import to_json
from metaart.files import save_text
from tune.config import Sweep
from tune.keys import settle
from tune.records import FINISHED, Trial, best_of
from tune.searchers import importances
from tune.space import Parameter, Range

BEST, RESULTS, PICTURE = "best.json", "results.json", "losses.png"
_NEAR = 0.2


def write_report(sweep: Sweep, trials: Sequence[Trial]) -> dict[str, Any]:
    """Write best.json, results.json and losses.png into the sweep's folder.

    Returns:
        What results.json holds: {"trials", "best", "regions", "importances", "steps", "units"}; without a trial that
        was judged there is no best, and no best.json.
    """
    best = best_of(list(trials))
    regions = {
        parameter.key: region
        for parameter in sweep.space
        if isinstance(parameter, Range) and (region := best_region(parameter.key, trials))
    }
    results = {
        "space": [str(parameter.key) for parameter in sweep.space],
        "trials": [trial.row() for trial in trials],
        "best": best.row() if best else None,
        "regions": regions,
        "importances": importances(sweep.space, trials),
        "steps": sum(trial.steps for trial in trials),
        "units": sum(trial.units for trial in trials),
    }
    save_text(sweep.folder / RESULTS, json.dumps(results, indent=1))
    if best is not None:
        save_text(sweep.folder / BEST, to_json(settle(sweep.config, best.point)))
        plot(sweep.space, trials, regions, sweep.folder / PICTURE)
    return results


def best_region(key: str, trials: Sequence[Trial]) -> tuple[float, float] | None:
    """The lowest and the highest value of a key among the trials that are nearly as good as the best.

    Nearly as good is a loss that lies at most a fifth of the way from the best to the median. Trials that were stopped
    count with what they had reached. Worse ones may lie between, where other keys are searched too. None with under
    three trials.
    """
    judged = [(float(trial.point[key]), trial.best) for trial in trials if trial.best is not None]
    if len(judged) < 3:
        return None
    losses = [loss for _, loss in judged]
    bound = min(losses) + _NEAR * (statistics.median(losses) - min(losses))
    good = [value for value, loss in judged if loss <= bound]
    return min(good), max(good)


def table(space: Sequence[Parameter], trials: Sequence[Trial]) -> str:
    """The trials, the best first, as lines of aligned columns."""
    return aligned([heading(space), *(cells(space, trial) for trial in ranked(trials))])


def ranked(trials: Sequence[Trial]) -> list[Trial]:
    """The best first; those without a loss last."""
    return sorted(trials, key=lambda trial: (trial.best is None, trial.best or 0.0, trial.number))


def heading(space: Sequence[Parameter]) -> list[str]:
    """The names of the columns."""
    return ["trial", *(short(parameter.key) for parameter in space), "validation", "steps", "outcome"]


def cells(space: Sequence[Parameter], trial: Trial) -> list[str]:
    """The columns of a trial."""
    loss = "-" if trial.best is None else f"{trial.best:.4f}"
    values = [trial.point[parameter.key] for parameter in space]
    return [str(trial.number), *values, loss, str(trial.steps), trial.outcome]


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of columns as text, each column as wide as its widest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def short(key: str) -> str:
    """A key's last word, and the stage's before it where both have the key: `alpha`, `meta.steps`."""
    return key.removeprefix("algorithm.")


def plot(
    space: Sequence[Parameter], trials: Sequence[Trial], regions: dict[str, tuple[float, float]], path: Path
) -> None:
    """Validation loss against each searched key as PNG, the best region shaded; trials that were stopped stand open.

    The axis ends a little above three quarters of the trials: what diverged slowly would flatten all that matters.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    judged = [trial for trial in trials if trial.best is not None]
    losses = [trial.best for trial in judged if trial.best is not None]
    figure = Figure(figsize=(1.2 + 5.2 * len(space), 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(space), squeeze=False, sharey=True)[0]
    top = _top(losses)
    for axis, parameter in zip(axes, space, strict=True):
        _panel(axis, parameter, judged, top, regions.get(parameter.key))
    axes[0].set_ylabel("validation loss, best so far")
    axes[0].legend(fontsize=8, loc="best")
    if hidden := sum(loss > top for loss in losses):
        figure.suptitle(f"{hidden} of {len(losses)} trials lie above the picture: at its upper edge", fontsize=9)
    figure.savefig(path, dpi=110)


def _panel(
    axis: Any, parameter: Parameter, trials: Sequence[Trial], top: float, region: tuple[float, float] | None
) -> None:
    best = best_of(list(trials))
    assert best is not None
    if isinstance(parameter, Range):
        positions = {trial.number: float(trial.point[parameter.key]) for trial in trials}
        if parameter.log:
            axis.set_xscale("log")
        axis.set_xlim(*_margins(parameter))
    else:
        positions = {trial.number: float(parameter.values.index(trial.point[parameter.key])) for trial in trials}
        axis.set_xticks(range(len(parameter.values)), parameter.values)
        axis.set_xlim(-0.5, len(parameter.values) - 0.5)
    if region is not None:
        label = f"best region, {region[0]:.4g} to {region[1]:.4g}"
        axis.axvspan(*_at_least_visible(parameter, region), color="#2ca02c", alpha=0.18, label=label, linewidth=0)
    for finished, label, style in (
        (True, "trained to the end", {"color": "#1f77b4"}),
        (False, "stopped early", {"facecolors": "none", "edgecolors": "#7f7f7f"}),
    ):
        chosen = [trial for trial in trials if (trial.outcome == FINISHED) is finished]
        points = [(positions[trial.number], min(trial.best or 0.0, top)) for trial in chosen]
        if points:
            axis.scatter(*zip(*points, strict=True), s=34, label=label, zorder=3, **style)
    axis.scatter(
        [positions[best.number]],
        [best.best],
        s=150,
        marker="*",
        color="#d62728",
        zorder=4,
        label=f"best, {best.best:.4f} at {best.point[parameter.key]}",
    )
    axis.set_xlabel(short(parameter.key))
    axis.grid(alpha=0.3)


def _top(losses: Sequence[float]) -> float:
    ordered = sorted(losses)
    quarter = ordered[min(len(ordered) - 1, (3 * len(ordered)) // 4)]
    return max(quarter + (quarter - ordered[0]) * 0.5, ordered[0] + 1e-9)


def _margins(parameter: Range) -> tuple[float, float]:
    if parameter.log:
        ratio = (parameter.high / parameter.low) ** 0.04
        return parameter.low / ratio, parameter.high * ratio
    margin = 0.04 * (parameter.high - parameter.low)
    return parameter.low - margin, parameter.high + margin


def _at_least_visible(parameter: Parameter, region: tuple[float, float]) -> tuple[float, float]:
    """A region of one value would have no width."""
    assert isinstance(parameter, Range)
    if parameter.log:
        ratio = (parameter.high / parameter.low) ** 0.006
        return region[0] / ratio, region[1] * ratio
    width = 0.006 * (parameter.high - parameter.low)
    return region[0] - width, region[1] + width
