"""A sweep as one HTML file that needs nothing beside it: no script, no font, no picture from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from metaart.files import save_text
from tune.config import Sweep
from tune.records import Trial
from tune.report import BEST, PICTURE, cells, heading, ranked, short

PAGE = "index.html"
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
img { max-width: 100%; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .2rem .9rem .2rem 0; border-bottom: 1px solid #ddd; }
.bar { background: #1f77b4; height: .8rem; } pre { background: #f4f4f4; padding: .7rem; overflow-x: auto; }
tr.best td { font-weight: bold; }
"""


def write_page(sweep: Sweep, trials: Sequence[Trial], results: dict[str, Any]) -> Path:
    """Write index.html into the sweep's folder.

    Args:
        sweep: what was searched.
        trials: all of them.
        results: what `write_report` gave.
    """
    recipe, best = sweep.config.recipe, results["best"]
    parts = [f"<h1>Sweep of {escape(recipe)}</h1>", f"<p>{escape(_about(sweep, trials, results))}</p>"]
    if best is not None:
        found = ", ".join(f"{short(key)} = {value}" for key, value in best["point"].items())
        parts.append(f"<p>Best: trial {best['number']}, {escape(found)}, validation loss {best['best']:.4f}.</p>")
        picture = base64.b64encode((sweep.folder / PICTURE).read_bytes()).decode()
        parts.append(f'<img alt="Validation loss against what was searched" src="data:image/png;base64,{picture}">')
        parts += [f"<p>{escape(sentence)}</p>" for sentence in _regions(results["regions"])]
        command = f"metaart train --recipe-file {_best(sweep)} --out runs/{recipe}-best"
        parts.append(f"<h2>Train it</h2><pre>{escape(command)}\n{escape(_on_many(sweep))}</pre>")
    if results["importances"]:
        parts += ["<h2>What matters</h2>", _bars(results["importances"])]
    parts += ["<h2>Trials</h2>", _table(sweep, trials, best["number"] if best else None)]
    title = f"<title>Sweep of {escape(recipe)}</title>"
    head = f'<head><meta charset="utf-8">{title}<style>{_STYLE}</style></head>'
    path = sweep.folder / PAGE
    save_text(path, f'<!doctype html>\n<html lang="en">{head}<body>\n' + "\n".join(parts) + "\n</body></html>\n")
    return path


def _about(sweep: Sweep, trials: Sequence[Trial], results: dict[str, Any]) -> str:
    stopped = sum(trial.outcome == "stopped" for trial in trials)
    early = f", {stopped} stopped early" if sweep.how.scheduler == "asha" else ""
    return (
        f"{len(trials)} trials{early}; {results['steps']:,} outer steps in all. Searcher {sweep.how.searcher}, "
        f"scheduler {sweep.how.scheduler}. All are judged on the same {sweep.config.meta.validation_tasks} tasks "
        "of validation hands; test hands were not opened."
    )


def _regions(regions: dict[str, tuple[float, float]]) -> list[str]:
    return [
        f"Best region of {short(key)}: {low:.4g} to {high:.4g}, where the trials lie whose loss is at most a fifth of "
        "the way from the best to the median."
        for key, (low, high) in regions.items()
    ]


def _on_many(sweep: Sweep) -> str:
    return f"python -m cluster.train --recipe-file {_best(sweep)} --workers 2"


def _best(sweep: Sweep) -> Path:
    return Path(BEST) if sweep.storage else sweep.folder / BEST


def _bars(importances: dict[str, float]) -> str:
    rows = [
        f'<tr><td>{escape(short(key))}</td><td>{share:.0%}</td><td><div class="bar" style="width:{20 * share:.2f}rem">'
        "</div></td></tr>"
        for key, share in importances.items()
    ]
    return f"<table>{''.join(rows)}</table>"


def _table(sweep: Sweep, trials: Sequence[Trial], best: int | None) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heading(sweep.space))
    rows = [
        ("<tr class='best'>" if trial.number == best else "<tr>")
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells(sweep.space, trial))
        + "</tr>"
        for trial in ranked(trials)
    ]
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"
