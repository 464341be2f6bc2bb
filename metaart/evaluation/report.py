"""An evaluation as text and as a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from metaart.files import save_text


def keep(result: dict[str, Any], words: str, command: str, out: Path) -> list[str]:
    """Write an evaluation with the command that made it, and the same as Markdown; the names of the files."""
    save_text(out / "evaluation.json", json.dumps({"command": command, **result}, indent=1))
    save_text(out / "evaluation.md", words)
    return ["evaluation.json", "evaluation.md"]


def text(result: dict[str, Any]) -> str:
    """Tables in Markdown: losses by method and number of steps, then what the meta-learner is ahead by."""
    head = (
        f"{result['episodes']} episodes of {len(result['hands'])} test hands, {result['support']} support and "
        f"{result['query']} query works each, the same for every method; {result['unit']}, mean ± 95 % interval."
    )
    parts = [head]
    for view in result["views"]:
        rows = [["method", "units passed", *(_steps(steps) for steps in result["steps"])]]
        for name, method in result["methods"].items():
            cells = [method["views"][view][str(steps)] for steps in result["steps"]]
            rows.append([name, _count(method["units"]), *(_cell(cell) for cell in cells)])
        parts += [f"**{view}**", markdown(rows)]
    for meta in dict.fromkeys(row["meta"] for row in result["paired"]):
        for view in result["views"]:
            rows = [[f"ahead of ({view})", *(_steps(steps) for steps in result["steps"])]]
            for other in dict.fromkeys(row["other"] for row in result["paired"]):
                cells = [
                    _ahead(row)
                    for row in result["paired"]
                    if (row["meta"], row["other"], row["view"]) == (meta, other, view)
                ]
                rows.append([other, *cells])
            title = f"**{meta}, {view}: paired differences, above zero is ahead**"
            note = "The interval takes episodes for independent; in brackets, hands (cluster-robust)."
            parts += [f"{title}. {note}", markdown(rows)]
    rates = [["rates chosen on validation", *(_steps(steps) for steps in result["steps"]), "tried"]]
    for name, method in result["methods"].items():
        for view in result["views"]:
            chosen = [method["views"][view][str(steps)]["rate"] for steps in result["steps"]]
            if method["tried"]:
                cells = ["-" if rate is None else f"{rate:g}" for rate in chosen]
                rates.append([f"{name} ({view})", *cells, ", ".join(f"{rate:g}" for rate in method["tried"])])
    if len(rates) > 1:
        parts.append(markdown(rates))
    return "\n\n".join(parts) + "\n"


def plot(result: dict[str, Any], path: Path) -> None:
    """Loss against adaptation steps, one panel per view, bands for the 95 % intervals, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    views = result["views"]
    figure = Figure(figsize=(6.4 * len(views), 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(views), squeeze=False)[0]
    columns = range(len(result["steps"]))
    shown = _worth_showing(result)
    for axis, view in zip(axes, views, strict=True):
        for name in shown:
            cells = [result["methods"][name]["views"][view][str(steps)] for steps in result["steps"]]
            mean = [cell["mean"] for cell in cells]
            style = {"linewidth": 2.2} if name.startswith("meta") else {"linewidth": 1.2, "linestyle": "--"}
            (line,) = axis.plot(columns, mean, marker="o", markersize=3.5, label=name, **style)
            low = [cell["mean"] - cell["interval"] for cell in cells]
            high = [cell["mean"] + cell["interval"] for cell in cells]
            axis.fill_between(columns, low, high, alpha=0.1, color=line.get_color())
        axis.set(title=view, xlabel="adaptation steps", ylabel=result["unit"])
        axis.set_xticks(columns, [str(steps) for steps in result["steps"]])
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    left_out = [name for name in result["methods"] if name not in shown]
    if left_out:
        figure.supxlabel(f"far above the picture: {', '.join(left_out)}", fontsize=8)
    figure.savefig(path, dpi=120)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table whose columns also line up as plain text."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _worth_showing(result: dict[str, Any]) -> list[str]:
    """Methods whose last loss is not so far off that it would flatten the rest."""
    view, last = result["views"][0], str(result["steps"][-1])
    ends = {name: method["views"][view][last]["mean"] for name, method in result["methods"].items()}
    best = min(ends.values())
    return [name for name, end in ends.items() if end < 1.6 * best]


def _steps(steps: int) -> str:
    return f"{steps} step" if steps == 1 else f"{steps} steps"


def _cell(cell: dict[str, float]) -> str:
    return f"{cell['mean']:.4f} ± {cell['interval']:.4f}"


def _ahead(row: dict[str, Any]) -> str:
    by_hand = row["interval_by_hand"]
    return f"{row['ahead']:+.4f} ± {row['interval']:.4f}" + (f" ({by_hand:.4f})" if by_hand is not None else "")


def _count(units: int) -> str:
    return f"{units / 1e6:.1f} M" if units >= 1e5 else (f"{units:,}" if units else "-")
