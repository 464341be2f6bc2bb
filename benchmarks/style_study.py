"""Style on held-out paintings: runs every command of the study, then writes docs/results-style.md."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.study import Command, call, carry_out, collect_evaluations, collect_runs, study_parser
from benchmarks.style_ceiling import MADE as CEILING
from benchmarks.style_pictures import compare_networks, draw_sheet, draw_strengths, photographs_of
from benchmarks.style_report import write
from metaart.arts import load
from metaart.training.checkpoint import load_json

IMAGES, PAINTINGS, RUN = Path("docs/img"), Path("data/paintings"), Path("runs/style")

DRAWINGS, PHOTOGRAPHS = "data/drawings-permissive", "data/photographs-permissive"
"""Works that are free to use, since the model of this study ships."""
FREE = f"--data {DRAWINGS} --set domain.photographs={PHOTOGRAPHS}"

CLIPPED = "trained when colours beyond the range were clipped channel by channel"

STUDY = (
    Command("drawings", f"data prepare drawings --licence permissive --out {DRAWINGS}", f"{DRAWINGS}/metadata.json"),
    Command("paintings", f"data prepare pictures --source gcompris --out {PAINTINGS}", f"{PAINTINGS}/metadata.json"),
    Command(
        "photographs",
        f"data prepare photographs --licence permissive --out {PHOTOGRAPHS}",
        f"{PHOTOGRAPHS}/metadata.json",
    ),
    Command(
        "style-pooled",
        f"train style --out runs/style-pooled {FREE} --set meta.steps=0",
        "runs/style-pooled/pooled.safetensors",
        f"one network for all styles, told of the style; {CLIPPED}",
    ),
    Command(
        "style",
        f"train style --out {RUN} {FREE} --start-from runs/style-pooled",
        f"{RUN}/weights.safetensors",
        "the recipe: first-order MAML from there, ten steps of Adam inside, a learned rate per weight, judged after 1, "
        "5 and 10 steps",
    ),
    Command(
        "style-late",
        f"train style --out runs/style-late {FREE} --start-from runs/style-pooled --set algorithm.alpha=0.001 "
        "--set algorithm.query_loss_at=[]",
        "runs/style-late/weights.safetensors",
        f"a try: rates that begin at half of that, judged after 10 steps alone; {CLIPPED}",
    ),
    Command(
        "style-fast",
        f"train style --out runs/style-fast {FREE} --start-from runs/style-pooled --set algorithm.query_loss_at=[]",
        "runs/style-fast/weights.safetensors",
        f"a try: judged after 10 steps alone; {CLIPPED}",
    ),
    Command(
        "evaluation",
        f"evaluate {RUN} --also late=runs/style-late --also fast=runs/style-fast --data {PAINTINGS} --size 64",
        f"{RUN}/evaluation.json",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is not done yet, collect the results, draw the pictures, write the document."""
    options = study_parser("style", "five hours on a core").parse_args(arguments)
    return carry_out("style", STUDY, options, collect, write)


def collect() -> dict[str, Any]:
    """What the document is made of, out of the files of the runs; its pictures are drawn or taken from there."""
    torch.set_num_threads(1)
    if not CEILING.exists():
        call("benchmarks.style_ceiling")
    run = load(RUN)
    networks = compare_networks(PAINTINGS, photographs_of(run)[0], IMAGES / "style-loss-networks.png")
    draw_sheet(run, PAINTINGS, IMAGES / "style-sheet.png")
    draw_strengths(run, PAINTINGS, IMAGES / "style-strengths.png")
    for name in ("evaluation.png", "failures.png", "stylised.png"):
        shutil.copyfile(RUN / name, IMAGES / f"style-{name}")
    return {
        "data": {
            command.name: {"command": f"metaart {command.line}", "counts": load_json(Path(command.makes))["counts"]}
            for command in STUDY
            if command.line.startswith("data")
        },
        "runs": collect_runs(STUDY),
        "evaluation": collect_evaluations(STUDY)["evaluation"],
        "ceiling": load_json(CEILING),
        "networks": networks,
    }


if __name__ == "__main__":
    sys.exit(main())
