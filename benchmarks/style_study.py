"""Style on held-out paintings: runs every command of the study, then writes docs/results-style.md."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.music_study import Command
from benchmarks.style_pictures import compare_networks, draw_sheet, draw_strengths
from benchmarks.style_report import write
from metaart.training.checkpoint import load_json, save_text
from metaart.training.journal import read_metrics

RESULTS, IMAGES, PAINTINGS = Path("docs/results/style.json"), Path("docs/img"), Path("data/paintings")
EVALUATION = Path("runs/style-evaluation")

STUDY = (
    Command("drawings", "data prepare drawings --out data/drawings", "data/drawings/metadata.json"),
    Command(
        "paintings", "data prepare pictures --source gcompris --out data/paintings", "data/paintings/metadata.json"
    ),
    Command("photographs", "data prepare photographs --out data/photographs", "data/photographs/metadata.json"),
    Command(
        "style-pooled",
        "train style --out runs/style-pooled --set meta.steps=0",
        "runs/style-pooled/pooled.safetensors",
        "one network for all styles, told of the style",
    ),
    Command(
        "style",
        "train style --out runs/style --start-from runs/style-pooled",
        "runs/style/weights.safetensors",
        "the recipe: first-order MAML from there, ten steps of Adam inside, a learned rate per weight",
    ),
    Command(
        "evaluation",
        "evaluate runs/style --data data/paintings --out runs/style-evaluation",
        "runs/style-evaluation/evaluation.json",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is not done yet, collect the results, draw the pictures, write the document."""
    options = _options(arguments)
    if not options.write_only:
        torch.set_num_threads(1)
        for command in STUDY:
            if Path(command.makes).exists():
                print(f"{command.name}: {command.makes} is there")
                continue
            print(f"{command.name}: metaart {command.line}", flush=True)
            resume = ["--resume"] if command.line.startswith("train") and Path(f"runs/{command.name}").exists() else []
            subprocess.run([sys.executable, "-m", "metaart.cli", *shlex.split(command.line), *resume], check=True)
        networks = compare_networks(PAINTINGS, IMAGES / "style-loss-networks.png")
        draw_sheet(Path("runs/style"), PAINTINGS, IMAGES / "style-sheet.png")
        draw_strengths(Path("runs/style"), PAINTINGS, IMAGES / "style-strengths.png")
        for name in ("evaluation.png", "failures.png", "stylised.png"):
            shutil.copyfile(EVALUATION / name, IMAGES / f"style-{name}")
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        save_text(RESULTS, json.dumps(collect(networks), indent=1) + "\n")
    print(f"written: {write(load_json(RESULTS), Path('docs'))}")
    return 0


def collect(networks: list[dict[str, Any]]) -> dict[str, Any]:
    """What the document is made of, out of the files of the runs."""
    evaluation = load_json(EVALUATION / "evaluation.json")
    return {
        "data": {
            command.name: {"command": f"metaart {command.line}", "counts": load_json(Path(command.makes))["counts"]}
            for command in STUDY
            if command.line.startswith("data")
        },
        "runs": {command.name: _run(command) for command in STUDY if command.about},
        "evaluation": {"command": f"metaart {STUDY[-1].line}", **evaluation},
        "networks": networks,
    }


def _run(command: Command) -> dict[str, Any]:
    stages = {}
    for stage, lines in read_metrics(Path("runs") / command.name).items():
        curve = [[step, round(line["validation"], 4)] for step, line in lines.items() if "validation" in line]
        units = max((line["units"] for line in lines.values() if "units" in line), default=0)
        stages[stage] = {"steps": max(lines), "units": units, "validation": curve}
    return {"command": f"metaart {command.line}", "about": command.about, "stages": stages}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench style-study",
        description="Runs every command of the study of docs/results-style.md that is not done yet (two hours on a "
        "core), draws its pictures, collects docs/results/style.json, and writes docs/results-style.md from it.",
        epilog="example: scripts/bench style-study --write-only",
    )
    parser.add_argument("--write-only", action="store_true", help="write the document from docs/results/style.json")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
