"""From docs/results/alpha.json to docs/results-alpha.md and its picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from metaart.evaluation.report import markdown
from metaart.evaluation.statistics import standing
from metaart.files import save_text

Results = dict[str, Any]
WITHIN, AT_A_COST_OF = 0.05, 1 / 3
SPACES = (
    ("alpha, Adam inside", "grid", "asha"),
    ("alpha and inner steps, Adam inside", "joint-grid", "joint"),
    ("alpha, SGD inside", "sgd-grid", "sgd"),
)
"""What is searched, with the names of the two sweeps that search it."""


def write(results: Results, docs: Path) -> list[Path]:
    """Write the document and its picture; the files written."""
    document, picture = docs / "results-alpha.md", docs / "img/alpha.png"
    plot(results["sweeps"]["grid"], results["sweeps"]["asha"], picture)
    save_text(document, "\n\n".join(_parts(results)) + "\n")
    return [document, picture]


def _parts(results: Results) -> list[str]:
    sweeps, base = results["sweeps"], results["base"]
    grid, asha = sweeps["grid"], sweeps["asha"]
    return [
        "# Alpha on music: what a sweep finds, and what it costs",
        "Written by `scripts/bench alpha-study` from `docs/results/alpha.json`. All runs begin with the same pooled "
        f"model ({base['hidden_size']} units, {base['steps']:,} steps) and take 60 outer steps of 4 tasks, first "
        "order, with one alpha that is not learned (the recipe learns a rate for each weight, from where alpha starts, "
        "which hides where it started). Sweeps judge trials on 16 tasks of validation traditions; the numbers below "
        f"are of {results['episodes']} test episodes of traditions that no sweep and no training has seen, the same "
        "for all. Losses are nats per token; intervals are 95 %.",
        "## 1. The alpha that was found against the default",
        markdown(_pairs(results)),
        "\n".join(_verdicts(results)),
        markdown(_runs(results)),
        "## 2. The same for less: ASHA against a grid",
        markdown(_costs(sweeps)),
        "\n".join(_cost_verdict(space, sweeps[whole], sweeps[less]) for space, whole, less in SPACES),
        "The first pair was planned; the grids of the other two were laid when its result was known. "
        + _to_the_end(asha),
        "A grid grows by a factor with every further setting, a sweep hardly. Alpha and the number of inner steps are "
        "what `python -m tune.search music` searches where no --space is given. The bar on the loss is a low one: the "
        f"worst point of the first grid lies {_spread(grid):.0%} above its best.",
        "![Validation loss against alpha: every point of the grid, and the trials of the sweep](img/alpha.png)",
        "Best region of alpha (where the trials lie whose loss is at most a fifth of the way from the best to the "
        f"median): {_region(grid)} by the grid, {_region(asha)} by the sweep.",
        "## 3. Commands",
        "```text\n" + "\n".join(results["commands"].values()) + "\n```",
    ]


def _pairs(results: Results) -> list[list[str]]:
    rows = [["found by", "alpha, steps", "default", "alpha, steps", "nats per token ahead", "hands as clusters"]]
    for pair in results["paired"]:
        found, default = results["runs"][pair["found"]], results["runs"][pair["default"]]
        rows.append(
            [
                pair["found"],
                f"{found['alpha']:g}, {found['steps']}",
                pair["default"],
                f"{default['alpha']:g}, {default['steps']}",
                f"{pair['ahead']:+.4f} ± {pair['interval']:.4f}",
                f"± {pair['interval_by_hand']:.4f}",
            ]
        )
    return rows


def _verdicts(results: Results) -> list[str]:
    """In words, which alpha that was found beats its default."""
    lines = []
    for pair in results["paired"]:
        low, high = pair["ahead"] - pair["interval"], pair["ahead"] + pair["interval"]
        where = standing(pair["ahead"], pair["interval"])
        lines.append(f"- {pair['found']} is {where} its default: {low:+.4f} to {high:+.4f} nats per token ahead.")
    return lines


def _runs(results: Results) -> list[list[str]]:
    rows = [["run", "inside", "alpha", "inner steps", "test loss"]]
    for name, run in results["runs"].items():
        loss = f"{run['test']:.4f} ± {run['interval']:.4f}"
        rows.append([name, run["inner"], f"{run['alpha']:g}", str(run["steps"]), loss])
    return rows


def _costs(sweeps: Results) -> list[list[str]]:
    rows = [["sweep", "trials", "outer steps", "tokens passed in training", "validations", "best point", "best loss"]]
    for space, whole, less in SPACES:
        for name, sweep in ((f"{space}: grid", sweeps[whole]), (f"{space}: TPE and ASHA", sweeps[less])):
            best = sweep["best"]
            validations = sum(len(trial["validations"]) for trial in sweep["trials"])
            point = ", ".join(best["point"].values())
            cost = [f"{sweep['steps']:,}", f"{_tokens(sweep):,}", str(validations)]
            rows.append([name, str(len(sweep["trials"])), *cost, point, f"{best['best']:.4f}"])
    return rows


def _tokens(sweep: Results) -> int:
    return sum(int(trial["units"]) for trial in sweep["trials"])


def _cost_verdict(space: str, grid: Results, asha: Results) -> str:
    share, of_tokens = asha["steps"] / grid["steps"], _tokens(asha) / _tokens(grid)
    worse = asha["best"]["best"] / grid["best"]["best"] - 1
    held = "held" if worse <= WITHIN and max(share, of_tokens) <= AT_A_COST_OF else "missed"
    return (
        f"- {space}: the sweep's best loss lies {worse:+.2%} from the grid's, for {share:.0%} of its outer steps and "
        f"{of_tokens:.0%} of its tokens. The bar (within 5 % at a third of the cost) is {held}."
    )


def _to_the_end(asha: Results) -> str:
    """What a sweep spends most on."""
    finished = [trial for trial in asha["trials"] if trial["outcome"] == "finished"]
    share = sum(trial["steps"] for trial in finished) / asha["steps"]
    return (
        "What a sweep spends goes to the trials that it trains to the end: of alpha with Adam inside "
        f"{len(finished)} of {len(asha['trials'])}, and {share:.0%} of its steps. Of a few trials that come one after "
        "the other nearly each is the best so far, or close to it where alpha matters little."
    )


def _spread(grid: Results) -> float:
    return float(max(trial["best"] for trial in grid["trials"]) / grid["best"]["best"] - 1)


def _region(sweep: Results) -> str:
    region = sweep["regions"].get("algorithm.alpha")
    return f"{region[0]:.3g} to {region[1]:.3g}" if region else "none"


def plot(grid: Results, asha: Results, path: Path) -> None:
    """The best validation loss of each trial against alpha, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    region = grid["regions"].get("algorithm.alpha")
    if region:
        axis.axvspan(*region, color="#2ca02c", alpha=0.15, linewidth=0, label="best region of the grid")
    axis.axvline(0.002, color="#7f7f7f", linestyle=":", label="the recipe's default, 0.002")
    points = sorted((float(trial["point"]["algorithm.alpha"]), trial["best"]) for trial in grid["trials"])
    axis.plot(*zip(*points, strict=True), marker="o", label=f"grid, {grid['steps']:,} outer steps")
    for finished, label, filled in ((True, "sweep, trained to the end", "#d62728"), (False, "sweep, stopped", "none")):
        chosen = [trial for trial in asha["trials"] if (trial["outcome"] == "finished") is finished]
        where = [(float(trial["point"]["algorithm.alpha"]), trial["best"]) for trial in chosen if trial["best"]]
        if where:
            x, y = zip(*where, strict=True)
            axis.scatter(x, y, s=44, facecolors=filled, edgecolors="#d62728", zorder=3, label=label)
    best = grid["best"]["best"]
    losses = sorted(loss for _, loss in points)
    axis.set_ylim(best - 0.02 * best, min(losses[-1], losses[3 * len(losses) // 4] * 1.15))
    axis.set(xscale="log", xlabel="alpha", ylabel="validation loss, nats per token")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
