"""What was judged of created pieces, as text and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from metaart.evaluation.report import markdown

CREATED, UNADAPTED, REAL = "created", "created without adaptation", "real, held out"
KINDS = (CREATED, UNADAPTED, REAL)
"""Of pieces: what a run creates after adaptation and before, and works of the hand that it has not seen."""


def judgement_table(judged: dict[str, Any]) -> str:
    """The totals as Markdown."""
    totals, chance = judged["totals"], judged["chance"]
    head = (
        f"**What it creates**: {judged['pieces']} pieces of {judged['bars']} bars for each of {judged['hands']} test "
        f"hands, from {judged['support']} examples each; mean ± 95 % interval over hands. " + " ".join(judged["notes"])
    )
    feature_names = [name for name in totals["distance"][CREATED] if name.endswith(" own")]
    near = [["distance of the features (1: between hands)", "own hand", "other hands", "own is nearer"]]
    near += [
        [kind, *(_cell(row[key]) for key in ("own", "other", "nearer"))] for kind, row in totals["distance"].items()
    ]
    near += [
        [f"{CREATED}: {name[:-4]}", _cell(totals["distance"][CREATED][name]),
         _cell(totals["distance"][CREATED][f"{name[:-4]} other"]), ""]
        for name in feature_names
    ]  # fmt: skip
    likely = [["likelier under its own hand's model", "pairs won", "first of all", "mean rank", "nats ahead"]]
    likely += [
        [kind, *(_cell(row[key]) for key in ("pairs", "first", "rank", "ahead"))]
        for kind, row in totals["likelihood"].items()
    ]
    likely.append(["chance", f"{chance['pairs']:.3f}", f"{chance['first']:.3f}", f"{chance['rank']:.3f}", "0.000"])
    copied = [["8-grams of (interval, duration) that stand in the examples", "share", "largest of a hand"]]
    copied += [[kind, *(_cell(row[key]) for key in ("share", "largest"))] for kind, row in totals["copy"].items()]
    return "\n\n".join([head.strip(), markdown(near), markdown(likely), markdown(copied)]) + "\n"


def plot_created(created: dict[str, Any], path: Path) -> None:
    """How far what was created for each hand is from that hand and from the others, beside real works, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.add_subplot()
    for kind, marker in zip(created["totals"]["distance"], "o^x", strict=True):
        rows = [row["distance"][kind] for row in created["rows"]]
        axis.scatter([row["own"] for row in rows], [row["other"] for row in rows], marker=marker, s=28, label=kind)
    axis.axline((1, 1), slope=1, color="grey", linewidth=1, label="as near to others as to its own")
    axis.set(xlabel="distance to the hand's own works", ylabel="distance to other hands' works")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    figure.savefig(path, dpi=120)


def _cell(total: dict[str, float | None]) -> str:
    if total["mean"] is None:
        return "-"
    return f"{total['mean']:.3f}" + (f" ± {total['interval']:.3f}" if total["interval"] is not None else "")
