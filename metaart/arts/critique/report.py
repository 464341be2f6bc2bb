"""An evaluation of critique as Markdown and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from metaart.evaluation.report import markdown

Result = dict[str, Any]


def attribution_text(result: Result) -> str:
    """The tables of an attribution."""
    parts = [
        f"{result['episodes']} episodes of {result['ways']} hands and a stranger, from {result['hands']['test']} test "
        f"hands ({result['works']['test']:,} works), {result['query']} works of each asked about, the same for every "
        f"method; mean ± 95 % interval over episodes, of answer sets over hands. Temperatures, bounds and the probe's "
        f"penalty come from {result['hands']['validation']} validation hands; bounds are made for a new hand, not only "
        "for a new work of those."
    ]
    for shots, methods in result["shots"].items():
        rows = [["method", "accuracy %", "ECE raw", "ECE", f"in the set % (of {result['coverage']:.0%})", "set size",
                 "strangers: AUROC by distance", "by 1 - probability", "found %", "own refused %"]]  # fmt: skip
        for name, row in methods.items():
            rows.append([
                name,
                f"{100 * row['accuracy']:.1f} ± {100 * row['interval']:.1f}",
                f"{row['ece_raw']:.3f}",
                f"{row['ece']:.3f}",
                f"{100 * row['covered']:.1f} ± {100 * row['covered_interval']:.1f}",
                f"{row['set_size']:.2f}",
                f"{row['auroc']['distance']:.3f}",
                f"{row['auroc']['1 - probability']:.3f}",
                f"{100 * row['called_strange']['strangers']:.0f}",
                f"{100 * row['called_strange']['own']:.1f}",
            ])  # fmt: skip
        parts += [f"**{shots} {'example' if shots == '1' else 'examples'} of each hand**", markdown(rows)]
    parts += ["**Among other numbers of hands**, with the run's calibration", sets_text(result)]
    for meta in dict.fromkeys(row["meta"] for row in result["paired"]):
        own = [row for row in result["paired"] if row["meta"] == meta]
        numbers = list(dict.fromkeys(row["shots"] for row in own))
        rows = [["points ahead of", *(f"{number} shots" if number > 1 else "1 shot" for number in numbers)]]
        for other in dict.fromkeys(row["other"] for row in own):
            cells = [f"{100 * row['ahead']:+.1f} ± {100 * row['interval']:.1f}" for row in own if row["other"] == other]
            rows.append([other, *cells])
        parts += [f"**{meta}: paired differences of accuracy**", markdown(rows)]
    if "maps" in result:
        parts.append(maps_text(result["maps"]))
    return "\n\n".join(parts) + "\n"


def sets_text(result: Result) -> str:
    """The table of answer sets by the number of hands."""
    rows = [["hands", "examples", f"in the set % (of {result['coverage']:.0%})", "set size",
             f"own refused % (of {result['wrongly_strange']:.0%})"]]  # fmt: skip
    for row in result["sets_by_hands"]:
        covered = f"{100 * row['covered']:.1f} ± {100 * row['interval']:.1f}"
        rows.append([str(row["ways"]), str(row["shots"]), covered, f"{row['set_size']:.2f}",
                     f"{100 * row['own_refused']:.1f}"])  # fmt: skip
    return markdown(rows)


def maps_text(judged: Result) -> str:
    """The table of the heat maps."""
    rows = [["map", "deletion (lower is better)", "insertion (higher is better)"]]
    rows += [
        [name, *(f"{kinds[kind]['mean']:.3f} ± {kinds[kind]['interval']:.3f}" for kind in ("deletion", "insertion"))]
        for name, kinds in judged["maps"].items()
    ]
    rows += [
        [f"occlusion ahead of {name}, paired",
         *(f"{kinds[kind]['mean']:+.3f} ± {kinds[kind]['interval']:.3f}" for kind in ("deletion", "insertion"))]
        for name, kinds in judged["ahead"].items()
    ]  # fmt: skip
    head = f"**Heat maps** of {judged['works']} works, {judged['shots']} examples of each hand: mean log-odds"
    return f"{head}\n\n{markdown(rows)}"


def plot_reliability(result: Result, path: Path) -> None:
    """Accuracy against confidence of every method, one panel for each number of examples, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    numbers = list(result["shots"])
    figure = Figure(figsize=(5.4 * len(numbers), 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(numbers), squeeze=False)[0]
    for axis, shots in zip(axes, numbers, strict=True):
        axis.plot([0, 1], [0, 1], color="grey", linewidth=1, label="as sure as right")
        for name, row in result["shots"][shots].items():
            # Bins of fewer than one answer in two hundred jump about and say nothing.
            filled = [index for index, share in enumerate(row["reliability"]["share"]) if share >= 0.005]
            sure, right = ([row["reliability"][key][index] for index in filled] for key in ("confidence", "accuracy"))
            style = "-" if name.startswith("meta") else "--"
            axis.plot(sure, right, style, marker="o", markersize=3.5, label=f"{name} (ECE {row['ece']:.3f})")
        axis.set(title=f"{shots} examples of each hand" if shots != "1" else "1 example of each hand",
                 xlabel="calibrated probability of the answer", ylabel="share that was right",
                 xlim=(0.15, 1), ylim=(0.15, 1))  # fmt: skip
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8, loc="upper left")
    figure.savefig(path, dpi=110)
