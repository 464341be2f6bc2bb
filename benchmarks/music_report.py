"""docs/results-music.md and its pictures, written from docs/results/music.json alone; every number comes from there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from metaart.arts.music.report import judgement_table
from metaart.evaluation.report import markdown, plot

Results = dict[str, Any]
JUDGED_BY = "interval_by_hand"
"""Of a paired difference: episodes of one hand are alike, and there are many of each."""

PLAIN_BAR = 0.06
"""How far the whole system shall be ahead of the plain one, in nats per token."""


def write(results: Results, docs: Path) -> list[Path]:
    """Write the document and its pictures; the files written."""
    (docs / "img").mkdir(parents=True, exist_ok=True)
    document = docs / "results-music.md"
    document.write_text(text(results), encoding="utf-8")
    plot(results["evaluations"]["against-pooled"], docs / "img" / "evaluation.png")
    plot_tries(results["runs"], docs / "img" / "tries.png")
    return [document, docs / "img" / "evaluation.png", docs / "img" / "tries.png"]


def text(results: Results) -> str:
    """The document as Markdown."""
    return "\n\n".join(part.strip() for part in _parts(results)) + "\n"


def _parts(results: Results) -> Iterator[str]:
    evaluations, counts = results["evaluations"], results["data"]["counts"]
    plain, pooled = evaluations["against-plain"], evaluations["against-pooled"]
    yield "# Music: what meta-learning gains"
    yield (
        "Written by `scripts/bench music-study` from `docs/results/music.json`; commands stand beside their numbers. "
        "A task is a hand (a composer, a region, a dance); the loss is the mean negative log-likelihood of the next "
        f"token, in nats. Data: `{results['data']['command']}`: {counts['works']:,} works, {counts['groups']} groups; "
        f"the test traditions ({', '.join(results['data']['traditions']['test'])}) are trained on by nobody, and rates "
        f"are chosen on the validation traditions ({', '.join(results['data']['traditions']['validation'])}). "
        f"{pooled['episodes']} test episodes of {pooled['support']} support and {pooled['query']} query works, "
        "the same for every method; intervals are 95 %. Those of differences, by which leads are judged, take "
        f"the {len(pooled['hands'])} hands for clusters (cluster-robust), since episodes of one hand are alike; those "
        "of losses take episodes for independent."
    )
    yield "## 1. The whole system against the plain one"
    yield (
        "The plain system is ordinary: an LSTM pretrained with random transpositions, then fine-tuned on the support "
        "set by SGD or Adam at the best rate for each number of steps. Its schedule is shorter than the other runs', "
        "and its weights are those that validated best: its curve is below."
    )
    yield _ahead(plain, "plain")
    yield _leads(plain)
    yield f"```text\n{plain['command']}\n```"
    yield "## 2. Meta-learning alone"
    yield (
        "The rival has everything but meta-learning: the same works, the same augmentation, and a longer schedule of "
        "its own that makes up for what meta-training costs; then it is fine-tuned by SGD or Adam at the best rates. "
        f"Tokens passed forward and backward in all stages: {_tokens(pooled)}."
    )
    yield _ahead(pooled, "pooled")
    yield _verdict(pooled)
    yield (
        "`music` is trained for one step, `five` for five; used for more steps than that, each keeps the rates that it "
        "learned."
    )
    yield f"```text\n{pooled['command']}\n```"
    yield "![Loss against adaptation steps](img/evaluation.png)"
    for view in pooled["views"]:
        yield f"Nats per token, {view}:"
        yield _losses(pooled, view)
    yield _rates(pooled)
    yield "## 3. Every run, and its curve"
    yield _runs(results["runs"])
    yield "![Validation loss of every run](img/tries.png)"
    yield "## 4. What it creates"
    yield judgement_table(pooled["created"])
    yield (
        "A piece that copies is not created: compare the share of copied 8-grams with that of the hand's own held-out "
        "works, which also share turns of phrase with the examples."
    )


def _ahead(evaluation: Results, rival: str) -> str:
    """How far each meta-learner is ahead of fine-tuning, by number of steps."""
    steps = [step for step in evaluation["steps"] if step]
    rows = [["nats per token ahead of", *(f"{step} step{'s' if step > 1 else ''}" for step in steps)]]
    for series in _series(evaluation, f"fine-tuning {rival}"):
        meta, other, view = series[0]["meta"], series[0]["other"], series[0]["view"]
        cells = {row["steps"]: f"{row['ahead']:+.4f} ± {row[JUDGED_BY]:.4f}" for row in series}
        name = f"{meta.removeprefix('meta: ')} over {other} ({view})"
        rows.append([name, *(cells[step] for step in steps)])
    return markdown(rows)


def _leads(evaluation: Results) -> str:
    """Per number of steps, how far the better meta-learner is ahead of the better optimizer, on whole pieces."""
    leads: dict[int, tuple[float, float]] = {}
    for step in (step for step in evaluation["steps"] if step):
        by_meta: dict[str, list[tuple[float, float]]] = {}
        for series in _series(evaluation, "fine-tuning"):
            for row in series:
                if (row["view"], row["steps"]) == ("whole", step):
                    by_meta.setdefault(row["meta"], []).append((row["ahead"], row[JUDGED_BY]))
        leads[step] = max(min(ahead) for ahead in by_meta.values())
    by_steps = ", ".join(f"{ahead:.3f} ± {interval:.3f} after {step}" for step, (ahead, interval) in leads.items())
    held = "held" if min(ahead for ahead, _ in leads.values()) >= PLAIN_BAR else "missed"
    sure = min(ahead - interval for ahead, interval in leads.values()) >= PLAIN_BAR
    but = "" if sure or held == "missed" else " by the means; the intervals reach below it"
    return (
        f"On whole pieces the better of the two meta-learners is ahead of the better optimizer by {by_steps} steps. "
        f"The bar of {PLAIN_BAR} is {held}{but}."
    )


def _series(evaluation: Results, rival: str) -> Iterator[list[dict[str, Any]]]:
    """The rows of one meta-learner, one rival and one view."""
    rows = [row for row in evaluation["paired"] if row["other"].startswith(rival)]
    for key in dict.fromkeys((row["meta"], row["other"], row["view"]) for row in rows):
        yield [row for row in rows if (row["meta"], row["other"], row["view"]) == key]


def _verdict(evaluation: Results) -> str:
    """In words, where each meta-learner is ahead of both fine-tuners, where behind, and where the interval has zero."""
    sentences = []
    for meta in dict.fromkeys(row["meta"] for row in evaluation["paired"]):
        for view in evaluation["views"]:
            ahead: list[str] = []
            behind: list[str] = []
            level: list[str] = []
            for steps in (step for step in evaluation["steps"] if step):
                rows = [
                    row
                    for series in _series(evaluation, "fine-tuning")
                    for row in series
                    if (row["meta"], row["view"], row["steps"]) == (meta, view, steps)
                ]
                lowest = min(row["ahead"] - row[JUDGED_BY] for row in rows)
                highest = min(row["ahead"] + row[JUDGED_BY] for row in rows)
                (ahead if lowest > 0 else behind if highest < 0 else level).append(str(steps))
            clauses = [
                f"{words} {', '.join(steps)}"
                for words, steps in (("ahead of both at step", ahead), ("level at", level), ("behind at", behind))
                if steps
            ]
            sentences.append(f"- {meta.removeprefix('meta: ')}, {view}: {'; '.join(clauses)}.")
    return "\n".join(sentences)


def _losses(evaluation: Results, view: str) -> str:
    rows = [["method", "tokens passed", *(str(steps) for steps in evaluation["steps"])]]
    for name, method in evaluation["methods"].items():
        cells = [method["views"][view][str(steps)] for steps in evaluation["steps"]]
        units = f"{method['units'] / 1e6:.0f} M" if method["units"] else "-"
        rows.append([name, units, *(f"{cell['mean']:.4f} ± {cell['interval']:.4f}" for cell in cells)])
    return markdown(rows)


def _rates(evaluation: Results) -> str:
    rows = [["rates chosen on validation", *(str(steps) for steps in evaluation["steps"])]]
    for name, method in evaluation["methods"].items():
        for view in evaluation["views"]:
            chosen = [method["views"][view][str(steps)]["rate"] for steps in evaluation["steps"]]
            if any(chosen):
                rows.append([f"{name} ({view})", *("-" if rate is None else f"{rate:g}" for rate in chosen)])
    return markdown(rows)


def _tokens(*evaluations: Results) -> str:
    counts = {
        name.removeprefix("meta: ").split(",")[0]: method["units"]
        for evaluation in evaluations
        for name, method in evaluation["methods"].items()
        if method["units"]
    }
    return ", ".join(f"{name} {count / 1e6:.1f} M" for name, count in counts.items())


def _runs(runs: Results) -> str:
    rows = [["run", "what", "steps", "tokens passed", "best validation"]]
    for name, run in runs.items():
        stages = run["stages"]
        steps = " + ".join(f"{stage['steps']:,}" for stage in stages.values())
        units = sum(stage["units"] for stage in stages.values())
        last = list(stages.values())[-1]
        best = min(loss for _, loss in last["validation"])
        rows.append([name, run["about"], steps, f"{units / 1e6:.0f} M", f"{best:.4f}"])
    commands = "\n".join(run["command"] for run in runs.values())
    note = (
        "The validation loss of a pooled model is that of its works without adaptation, that of a meta-learner is "
        "after its own number of steps; compare them within a kind."
    )
    return f"{markdown(rows)}\n\n{note}\n\n```text\n{commands}\n```"


def plot_tries(runs: Results, path: Path) -> None:
    """Validation loss of every run by stage, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = dict(zip(("pretrain", "meta"), figure.subplots(1, 2), strict=True))
    drawn = set()
    for name, run in runs.items():
        for stage, curve in run["stages"].items():
            points = tuple((step, loss) for step, loss in curve["validation"])
            if points and (stage, points) not in drawn:
                drawn.add((stage, points))
                axes[stage].plot(*zip(*points, strict=True), marker="o", markersize=3, label=name)
    axes["pretrain"].set(title="pooled stage", xlabel="outer step", ylabel="validation loss, nats per token")
    axes["meta"].set(title="meta-training, after adaptation", xlabel="outer step")
    for axis in axes.values():
        axis.grid(alpha=0.3)
        if axis.lines:
            axis.legend(fontsize=8)
    figure.savefig(path, dpi=110)
