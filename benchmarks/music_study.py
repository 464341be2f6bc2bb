"""Meta-learning against fine-tuning on music: runs every command of the study, then writes docs/results-music.md."""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.music_report import write
from metaart.training.checkpoint import load_json, save_text
from metaart.training.journal import read_metrics

RESULTS = Path("docs/results/music.json")
PLAIN = " ".join(f"--set domain.new_hands.{part}=false" for part in ("mode", "invert", "time", "durations"))


class Command(NamedTuple):
    """One command of the study.

    Attributes:
        name: of the run directory below `runs/`, or of what is made.
        line: what follows `metaart`.
        makes: the file that says it is done.
        about: for the table of runs; empty where it is not a run.
    """

    name: str
    line: str
    makes: str
    about: str = ""


STUDY = (
    Command("data", "data prepare music --out data/music", "data/music/metadata.json"),
    Command(
        "base",
        "train music --out runs/base --set meta.steps=0",
        "runs/base/pooled.safetensors",
        "pooled model with new hands, where every meta-learner below starts",
    ),
    Command(
        "pooled",
        "train music --out runs/pooled --set meta.steps=0 --set pretrain.steps=13000",
        "runs/pooled/pooled.safetensors",
        "the rival: the same with the compute of the meta-learner, on one schedule of its own",
    ),
    Command(
        "plain",
        f"train music --out runs/plain --set meta.steps=0 --set pretrain.steps=6000 {PLAIN}",
        "runs/plain/pooled.safetensors",
        "the plain system: no new hands but transposition",
    ),
    Command(
        "music",
        "train music --out runs/music --start-from runs/base",
        "runs/music/weights.safetensors",
        "the recipe: one step of Adam inside, a learned rate per weight, first order",
    ),
    Command(
        "five",
        "train music --out runs/five --start-from runs/base --set algorithm.steps=5 "
        "--set algorithm.query_loss_at=[1,3,5] --set meta.steps=400",
        "runs/five/weights.safetensors",
        "the same for more steps: the query loss after 1, 3 and 5",
    ),
    Command(
        "against-plain",
        "evaluate runs/music --also five=runs/five --rival plain=runs/plain --out runs/against-plain "
        "--steps 0 1 3 5 --tuning-only --judge-hands 0",
        "runs/against-plain/evaluation.json",
    ),
    Command(
        "against-pooled",
        "evaluate runs/music --rival pooled=runs/pooled --out runs/against-pooled --judge-hands 24",
        "runs/against-pooled/evaluation.json",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is not done yet, collect the results, write the document."""
    options = _options(arguments)
    if not options.write_only:
        for command in STUDY:
            if options.only and command.name not in options.only:
                continue
            if Path(command.makes).exists():
                print(f"{command.name}: {command.makes} is there")
                continue
            print(f"{command.name}: metaart {command.line}", flush=True)
            resume = ["--resume"] if command.line.startswith("train") and Path(f"runs/{command.name}").exists() else []
            subprocess.run([sys.executable, "-m", "metaart.cli", *shlex.split(command.line), *resume], check=True)
        if options.only:
            return 0
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        save_text(RESULTS, json.dumps(collect(), indent=1) + "\n")
    for path in write(load_json(RESULTS), Path("docs")):
        print(f"written: {path}")
    return 0


def collect() -> dict[str, Any]:
    """What the document is made of, out of the files of the runs."""
    runs = {command.name: _run(command) for command in STUDY if command.about}
    evaluations = {
        command.name: {"command": f"metaart {command.line}", **load_json(Path(command.makes))}
        for command in STUDY
        if command.line.startswith("evaluate")
    }
    data = load_json(Path("data/music/metadata.json"))
    return {
        "data": {"command": f"metaart {STUDY[0].line}", "counts": data["counts"], "traditions": data["traditions"]},
        "runs": runs,
        "evaluations": evaluations,
    }


def _run(command: Command) -> dict[str, Any]:
    folder = Path("runs") / command.name
    stages = {}
    for stage, lines in read_metrics(folder).items():
        curve = [[step, round(line["validation"], 5)] for step, line in lines.items() if "validation" in line]
        stages[stage] = {
            "steps": max(lines),
            "units": max((line["units"] for line in lines.values() if "units" in line), default=0),
            "validation": curve,
        }
    return {"command": f"metaart {command.line}", "about": command.about, "stages": stages}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench music-study",
        description="Runs every command of the study of docs/results-music.md that is not done yet (hours on a core), "
        "collects docs/results/music.json, and writes docs/results-music.md with its pictures from it.",
        epilog="example: scripts/bench music-study --write-only",
    )
    parser.add_argument("--write-only", action="store_true", help="write the document from docs/results/music.json")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="run these alone, and write nothing")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
