"""A study: commands of which each is run once, and a results file and a document made of what they leave."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from metaart.files import save_text
from metaart.training.checkpoint import load_json
from metaart.training.journal import read_metrics


class Command(NamedTuple):
    """One command of a study.

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


def results_file(name: str) -> Path:
    """Where the numbers of a study are kept."""
    return Path(f"docs/results/{name}.json")


def study_parser(name: str, takes: str) -> argparse.ArgumentParser:
    """The options that every study has; `takes` says how long it takes."""
    document = f"docs/results-{name}.md"
    parser = argparse.ArgumentParser(
        prog=f"scripts/bench {name}-study",
        description=f"Runs every command of the study of {document} that is not done yet ({takes}), collects "
        f"{results_file(name)}, and writes {document} with its pictures from it.",
        epilog=f"example: scripts/bench {name}-study --write-only",
    )
    parser.add_argument("--write-only", action="store_true", help=f"write the document from {results_file(name)}")
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help="run these alone, and write nothing")
    return parser


def carry_out(
    name: str,
    commands: Sequence[Command],
    options: argparse.Namespace,
    collect: Callable[[], dict[str, Any]],
    write: Callable[[dict[str, Any], Path], list[Path]],
) -> int:
    """Run what is not done yet, keep the results, write the document; the exit code.

    Args:
        name: of the study.
        commands: in order.
        options: of `study_parser`.
        collect: the results, out of what the commands left.
        write: the document and its pictures into a folder, from the results alone; the files written.
    """
    results = results_file(name)
    if not options.write_only:
        _run_commands(commands, options.only)
        if options.only:
            return 0
        results.parent.mkdir(parents=True, exist_ok=True)
        save_text(results, json.dumps(collect(), indent=1) + "\n")
    for path in write(load_json(results), Path("docs")):
        print(f"written: {path}")
    return 0


def _run_commands(commands: Sequence[Command], only: Sequence[str]) -> None:
    """Run what is not done yet, on one core; a run that was stopped goes on."""
    for command in commands:
        if only and command.name not in only:
            continue
        if Path(command.makes).exists():
            print(f"{command.name}: {command.makes} is there")
            continue
        resume = ["--resume"] if command.line.startswith("train") and Path(f"runs/{command.name}").exists() else []
        call(" ".join(["metaart.cli", command.line, *resume]))


def call(line: str) -> None:
    """Run `python -m LINE` on one core.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    print(f"python -m {line}", flush=True)
    subprocess.run([sys.executable, "-m", *shlex.split(line)], env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True)


def collect_runs(commands: Sequence[Command]) -> dict[str, Any]:
    """Steps, units passed and validation curve of every run, by stage."""
    return {command.name: _run(command) for command in commands if command.about}


def collect_evaluations(commands: Sequence[Command]) -> dict[str, Any]:
    """What every evaluation wrote."""
    return {
        command.name: {"command": f"metaart {command.line}", **load_json(Path(command.makes))}
        for command in commands
        if command.line.startswith("evaluate")
    }


def _run(command: Command) -> dict[str, Any]:
    stages = {}
    for stage, lines in read_metrics(Path("runs") / command.name).items():
        curve = [[step, round(line["validation"], 5)] for step, line in lines.items() if "validation" in line]
        units = max((line["units"] for line in lines.values() if "units" in line), default=0)
        stages[stage] = {"steps": max(lines), "units": units, "validation": curve}
    return {"command": f"metaart {command.line}", "about": command.about, "stages": stages}
