"""Critique beside frozen features: runs every command of the study, then writes docs/results-critique.md."""

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

from benchmarks.critique_report import write
from benchmarks.music_study import Command
from metaart.evaluation.tunes import TunesConfig, evaluate_tunes
from metaart.training.checkpoint import load_json, save_text
from metaart.training.journal import read_metrics

RESULTS = Path("docs/results/critique.json")
TUNES_FILE = Path("runs/critique-tunes.json")
TUNES = TunesConfig(episodes=60, validation_episodes=30)
MAML = (
    "--set algorithm=maml --set algorithm.steps=5 --set algorithm.alpha=0.00003 "
    "--set algorithm.learn_alpha=layer_step --set algorithm.head_start=means"
)
PICTURES = (
    "--set domain.sees=pictures --set domain.most_works=0 --set meta.episode.ways=10 "
    "--set meta.episode.shared_variation=true --set meta.steps=800 --set meta.outer_lr=0.002 "
    "--set meta.validation_tasks=16 --set meta.validate_every=200"
)

STUDY = (
    Command("data", "data prepare drawings --out data/drawings", "data/drawings/metadata.json"),
    Command(
        "critique",
        "train critique --out runs/critique",
        "runs/critique/weights.safetensors",
        "the recipe: ANIL from the class means, a map of frozen features, second order, a rate per layer and step",
    ),
    Command(
        "critique-protonet",
        "train critique --out runs/critique-protonet --set algorithm=protonet",
        "runs/critique-protonet/weights.safetensors",
        "ProtoNet on the same",
    ),
    Command(
        "critique-maml",
        f"train critique --out runs/critique-maml {MAML}",
        "runs/critique-maml/weights.safetensors",
        "MAML from the class means on the same: five steps on all weights, second order",
    ),
    Command(
        "convolution-protonet",
        f"train critique --out runs/convolution-protonet --set algorithm=protonet {PICTURES}",
        "runs/convolution-protonet/weights.safetensors",
        "ProtoNet on convolutions that learn to read pictures, with new hands; ten hands a task",
    ),
    Command(
        "convolution-anil",
        f"train critique --out runs/convolution-anil {PICTURES}",
        "runs/convolution-anil/weights.safetensors",
        "ANIL on the same convolutions",
    ),
    Command(
        "rating",
        "train rating --out runs/rating --set meta.tasks=4 --set meta.steps=500 --set meta.validation_tasks=16 "
        "--set meta.validate_every=100 --set batching.mode=loop --set meta.clip_norm=1.0",
        "runs/rating/weights.safetensors",
        "ANIL: eight steps on the last layer, second order, a rate per layer and step",
    ),
    Command(
        "attribution",
        "evaluate runs/critique --also critique-protonet=runs/critique-protonet "
        "--also critique-maml=runs/critique-maml --also convolution-protonet=runs/convolution-protonet "
        "--also convolution-anil=runs/convolution-anil",
        "runs/critique/evaluation.json",
    ),
    Command("rated", "evaluate runs/rating --episodes 200 --validation-episodes 80", "runs/rating/evaluation.json"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is not done yet, collect the results, write the document."""
    options = _options(arguments)
    if not options.write_only:
        for command in STUDY:
            if Path(command.makes).exists():
                print(f"{command.name}: {command.makes} is there")
                continue
            print(f"{command.name}: metaart {command.line}", flush=True)
            resume = ["--resume"] if command.line.startswith("train") and Path(f"runs/{command.name}").exists() else []
            subprocess.run([sys.executable, "-m", "metaart.cli", *shlex.split(command.line), *resume], check=True)
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        save_text(RESULTS, json.dumps(collect(options.music), indent=1) + "\n")
        for name in ("reliability.png", "heat-maps.png"):
            shutil.copyfile(Path("runs/critique") / name, Path("docs/img") / f"critique-{name}")
    for path in write(load_json(RESULTS), Path("docs")):
        print(f"written: {path}")
    return 0


def collect(music: Path) -> dict[str, Any]:
    """What the document is made of: the files of the runs, and how well a run of music tells composers apart."""
    data = load_json(Path("data/drawings/metadata.json"))
    return {
        "data": {
            "command": f"metaart {STUDY[0].line}",
            "counts": data["counts"],
            "groups": {split: len(groups) for split, groups in data["splits"].items()},
        },
        "runs": {command.name: _run(command) for command in STUDY if command.about},
        "evaluations": {
            command.name: {"command": f"metaart {command.line}", **load_json(Path(command.makes))}
            for command in STUDY
            if command.line.startswith("evaluate")
        },
        "tunes": tunes(music),
    }


def tunes(music: Path) -> dict[str, Any]:
    """How well a run of music tells composers apart: what is kept of it, or judged now and kept."""
    if not TUNES_FILE.exists():
        judged = {"run": str(music), **evaluate_tunes(music, TUNES, data=Path("data/music"))}
        TUNES_FILE.parent.mkdir(parents=True, exist_ok=True)
        save_text(TUNES_FILE, json.dumps(judged, indent=1))
    return load_json(TUNES_FILE)


def _run(command: Command) -> dict[str, Any]:
    lines = read_metrics(Path("runs") / command.name)["meta"]
    return {
        "command": f"metaart {command.line}",
        "about": command.about,
        "steps": max(lines),
        "works": max(line["units"] for line in lines.values() if "units" in line),
        "validation": [[step, round(line["validation"], 4)] for step, line in lines.items() if "validation" in line],
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench critique-study",
        description="Runs every command of the study of docs/results-critique.md that is not done yet (an hour on a "
        "core), collects docs/results/critique.json, and writes docs/results-critique.md with its pictures from it.",
        epilog="example: scripts/bench critique-study --write-only",
    )
    parser.add_argument("--write-only", action="store_true", help="write the document from docs/results/critique.json")
    parser.add_argument("--music", type=Path, default=Path("metaart/models/music"), help="run of music to judge")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
