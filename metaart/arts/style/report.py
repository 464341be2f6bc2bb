"""An evaluation of style as text and as pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metaart.arts.style.trials import GATYS, META, TUNED, Subject, Trials
from metaart.evaluation.report import markdown
from metaart.evaluation.statistics import half_width
from metaart.files import write_file
from metaart.formats.pictures.read import Pixels, write_png
from metaart.formats.pictures.sheet import contact_sheet

Values = NDArray[np.float64]
Rows = dict[tuple[str, int], Values]
"""Totals by method and steps, one for each style, in the order of the styles."""

YARDSTICK = (GATYS, 100)
TARGET_STEPS, TARGET_SPEED = 20, 50
"""The target: a loss no higher than the yardstick's after so many steps, so many times faster for a photograph."""

PHOTOGRAPHS_SEEN = (
    " The photographs are not new to the run: it has no folder of them (domain.photographs), so it was trained on the "
    "same that it is judged on."
)
"""Said of a run that was trained on the photographs that ship."""

WORST = 4
"""How many failures are shown."""


def text(result: dict[str, Any]) -> str:
    """Tables in Markdown: every method, then how it stands to the yardstick, then the worst styles."""
    totals = by_method(result, "total")
    shown = shown_methods(result)
    parts = [
        f"{len(result['styles'])} styles that the run has never met, {result['photographs']} photographs each, squares "
        f"of {result['size']} px, the same for every method; means over styles ± 95 % interval; lower is better. "
        "Seconds are of one thread of the processor." + (PHOTOGRAPHS_SEEN if result.get("photographs_seen") else ""),
        markdown(_table(result, shown)),
        f"**Total loss less that of {YARDSTICK[0]} after {YARDSTICK[1]} steps, style by style** (below zero is better)",
        markdown(_paired(totals, shown)),
        "**Total loss of the fine-tuned pooled network less that of a meta-learner, after as many steps** (above zero: "
        "meta-learning is ahead)",
        markdown(_ahead(totals, shown)),
    ]
    if (META, TARGET_STEPS) in totals and YARDSTICK in totals:
        parts += [_verdict(result, totals), _failures(result, totals, shown)]
    return "\n\n".join(parts) + "\n"


def by_method(result: dict[str, Any], measure: str) -> Rows:
    """One measure of every method and number of steps, an entry per style."""
    found: dict[tuple[str, int], list[float]] = defaultdict(list)
    for row in result["rows"]:
        found[row["method"], row["steps"]].append(row[measure])
    return {key: np.array(values) for key, values in found.items()}


def shown_methods(result: dict[str, Any]) -> list[str]:
    """The methods, of those that were tried at several rates the best one: best on the test styles, in its favour."""
    totals = by_method(result, "total")
    best: dict[str, str] = {}
    for method in dict.fromkeys(row["method"] for row in result["rows"]):
        label = method.split(" at ")[0]
        if label not in best or _last(totals, method) < _last(totals, best[label]):
            best[label] = method
    return list(best.values())


def plot(result: dict[str, Any], path: Path) -> None:
    """Total loss against steps, and against seconds for one photograph of a new style, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    totals = by_method(result, "total")
    adapt, each = by_method(result, "seconds_to_adapt"), by_method(result, "seconds_a_photograph")
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    by_steps, by_seconds = figure.subplots(1, 2, sharey=True)
    for method in shown_methods(result):
        steps = sorted(count for name, count in totals if name == method)
        mean = np.array([totals[method, count].mean() for count in steps])
        wide = np.array([half_width(totals[method, count]) for count in steps])
        seconds = [float((adapt[method, count] + each[method, count]).mean()) for count in steps]
        style = {"linewidth": 2.2} if method == META else {"linewidth": 1.2, "linestyle": "--"}
        # Both axes are logarithmic: a network before its first step, or a method that takes no time, would have no
        # place there.
        for axis, x in ((by_steps, [count + 1 for count in steps]), (by_seconds, [max(s, 1e-3) for s in seconds])):
            (line,) = axis.plot(x, mean, marker="o", markersize=4, label=method, **style)
            axis.fill_between(x, mean - wide, mean + wide, alpha=0.12, color=line.get_color())
    by_steps.set(xlabel="steps + 1", ylabel="total loss on other photographs", xscale="log")
    by_seconds.set(xlabel="seconds to the first photograph of a new style", xscale="log")
    for axis in (by_steps, by_seconds):
        axis.grid(alpha=0.3)
    by_steps.legend(fontsize=8)
    figure.savefig(path, dpi=120)


def draw(
    result: dict[str, Any], subjects: Sequence[Subject], photographs: Sequence[Pixels], trials: Sequence[Trials],
    folder: Path,
) -> list[str]:  # fmt: skip
    """Sheets of what was redrawn, every style, and of the worst, as PNG; the names of the files."""
    totals = by_method(result, "total")
    columns = _columns(totals, shown_methods(result))

    def rows(indices: Sequence[int]) -> list[tuple[str, Sequence[Pixels]]]:
        listed: list[tuple[str, Sequence[Pixels]]] = []
        for index in indices:
            drawn = [trials[index][method][steps].pictures[0] for method, steps in columns]
            listed.append((subjects[index].name, [subjects[index].style, photographs[0], *drawn]))
        return listed

    worst = worst_styles(totals) if YARDSTICK in totals else list(range(min(WORST, len(subjects))))
    for name, indices in (("stylised.png", list(range(len(subjects)))), ("failures.png", worst)):
        write_file(folder / name, write_png(contact_sheet(rows(indices), cell=max(result["size"], 96))))
    return ["stylised.png", "failures.png"]


def _columns(totals: Rows, shown: Sequence[str]) -> list[tuple[str, int]]:
    """Whose pictures are shown, from left to right: each method after its last step."""
    last = {method: max(steps for name, steps in totals if name == method) for method in shown}
    # What matters most stands beside the photograph.
    columns = [(META, last[META]), YARDSTICK, *((m, last[m]) for m in shown if m not in (META, GATYS))]
    return [column for column in columns if column in totals]


def worst_styles(totals: Rows) -> list[int]:
    """The styles in which the meta-learner is farthest above the yardstick, the worst first."""
    last = max(steps for name, steps in totals if name == META)
    return [int(index) for index in np.argsort(totals[YARDSTICK] - totals[META, last])[:WORST]]


def _table(result: dict[str, Any], shown: Sequence[str]) -> list[list[str]]:
    measures = {name: by_method(result, name) for name in ("total", "content", "style", "colour", "structure")}
    adapt, each = by_method(result, "seconds_to_adapt"), by_method(result, "seconds_a_photograph")
    rows = [["method", "steps", "total loss", "content", "style", "colour distance", "structure distance",
             "s to adapt", "s a photograph"]]  # fmt: skip
    for method in shown:
        for steps in sorted(count for name, count in measures["total"] if name == method):
            cells = [_cell(values[method, steps]) for values in measures.values()]
            seconds = [f"{values[method, steps].mean():.3g}" for values in (adapt, each)]
            rows.append([method, str(steps) if steps or method.startswith(META) else "-", *cells, *seconds])
    return rows


def _paired(totals: Rows, shown: Sequence[str]) -> list[list[str]]:
    rows = [["method", "steps", "difference", "styles in which it is better"]]
    if YARDSTICK not in totals:
        return rows
    for method, steps in sorted(totals, key=lambda key: (shown.index(key[0]) if key[0] in shown else 99, key[1])):
        if method in shown and (method, steps) != YARDSTICK:
            ahead = totals[method, steps] - totals[YARDSTICK]
            rows.append([method, str(steps), f"{ahead.mean():+.3f} ± {half_width(ahead):.3f}", f"{(ahead < 0).sum()}"])
    return rows


def _ahead(totals: Rows, shown: Sequence[str]) -> list[list[str]]:
    steps = sorted(count for name, count in totals if name == META)
    rows = [["meta-learner", *map(str, steps)]]
    tuned = next((method for method in shown if method.startswith(TUNED)), None)
    for method in shown:
        if tuned is not None and method.startswith(META):
            ahead = [totals[tuned, count] - totals[method, count] for count in steps]
            rows.append([method, *(f"{values.mean():+.3f} ± {half_width(values):.3f}" for values in ahead)])
    return rows


def _verdict(result: dict[str, Any], totals: Rows) -> str:
    # Style by style: styles differ far more from each other than methods do.
    apart = totals[META, TARGET_STEPS] - totals[YARDSTICK]
    each = by_method(result, "seconds_a_photograph")
    faster = each[YARDSTICK].mean() / each[META, TARGET_STEPS].mean()
    loss = "is met" if apart.mean() <= 0 else f"is missed by {apart.mean():.3f} ± {half_width(apart):.3f}"
    speed = "is met" if faster >= TARGET_SPEED else "is missed"
    return (
        f"The target of a total loss no higher than that of {YARDSTICK[0]} after {YARDSTICK[1]} steps, after at most "
        f"{TARGET_STEPS} adaptation steps, {loss}. The target of {TARGET_SPEED} times its speed for each further "
        f"photograph {speed}: {faster:.0f} times."
    )


def _failures(result: dict[str, Any], totals: Rows, shown: Sequence[str]) -> str:
    last = max(steps for name, steps in totals if name == META)
    listed = [
        f"{result['styles'][index]} ({totals[META, last][index]:.2f} against {totals[YARDSTICK][index]:.2f})"
        for index in worst_styles(totals)
    ]
    columns = [f"{method} ({steps})" if steps else method for method, steps in _columns(totals, shown)]
    return (
        f"Farthest above the yardstick, and shown in failures.png: {', '.join(listed)}. From left to right there, and "
        f"in stylised.png: the style, a photograph, {', '.join(columns)}."
    )


def _cell(values: Values) -> str:
    return f"{values.mean():.3f} ± {half_width(values):.3f}"


def _last(totals: Rows, method: str) -> float:
    return float(totals[method, max(steps for name, steps in totals if name == method)].mean())
