"""Sweeps over alpha on music: what they find, what they cost, and whether it holds on test hands."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.alpha_report import write
from benchmarks.study import Command, call, carry_out, study_parser
from metaart.build import build_sampler
from metaart.evaluation.statistics import half_width, half_width_by_hand
from metaart.training.checkpoint import load_json
from metaart.training.run import load_algorithm

BASE = Path("runs/alpha-base")
STUDY = (
    Command(
        BASE.name,
        f"train music --out {BASE} --set meta.steps=0 --set pretrain.steps=4000",
        f"{BASE}/pooled.safetensors",
        "the pooled model where all begin: a third of the recipe's schedule, so that the study fits an afternoon",
    ),
)

SHORT = (
    "--set algorithm.learn_alpha=no --set meta.steps=60 --set meta.tasks=4 --set meta.validate_every=3 "
    "--set meta.validation_tasks=16 --set batching.mode=vmap --set log_every=1000 --set checkpoint_every=1000"
)
"""Short runs with one alpha that stays what it is: what is compared is alpha, not how well it is learned."""

ADAM, SGD = "loguniform(1e-4,0.1)", "loguniform(1e-3,10)"
SWEEPS = {
    "grid": f"--space 'alpha={ADAM}' --searcher grid --scheduler none --trials 10",
    "asha": f"--space 'alpha={ADAM}' --first-rung 3 --trials 12",
    "sgd-grid": f"--set algorithm.inner=sgd --space 'alpha={SGD}' --searcher grid --scheduler none --trials 12",
    "sgd": f"--set algorithm.inner=sgd --space 'alpha={SGD}' --first-rung 3 --trials 12",
    "joint-grid": f"--space 'alpha={ADAM}' --space 'steps=choice(1,3,5)' --searcher grid --scheduler none --trials 30",
    "joint": f"--space 'alpha={ADAM}' --space 'steps=choice(1,3,5)' --first-rung 3 --trials 12",
}
"""Sweeps by name: what follows `python -m tune.search music --start-from BASE`."""

RUNS = {
    "default": ("", "the recipe's own alpha, 0.002, with Adam inside"),
    "sgd-default": ("--set algorithm.inner=sgd --set algorithm.alpha=0.01", "MAML's own alpha, 0.01, with SGD inside"),
}
"""Runs without a sweep: settings, and what they are."""

PAIRS = (
    ("grid", "default"),
    ("asha", "default"),
    ("sgd-grid", "sgd-default"),
    ("sgd", "sgd-default"),
    ("joint-grid", "default"),
    ("joint", "default"),
)
"""Which sweep's best is held against which run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what has not been run, judge it on test episodes, and write the results."""
    parser = study_parser("alpha", "three hours on a core")
    parser.add_argument("--sweeps", type=Path, default=Path("sweeps/alpha"), help="where to (sweeps/alpha)")
    parser.add_argument("--episodes", type=int, default=300, help="test episodes, the same for all (300)")
    options = parser.parse_args(arguments)
    return carry_out("alpha", STUDY, options, lambda: collect(options.sweeps, options.episodes), write)


def collect(folder: Path, episodes: int) -> dict[str, Any]:
    """Run the sweeps and the runs, then judge every run on the same test episodes."""
    commands = {command.name: f"metaart.cli {command.line}" for command in STUDY}
    for name, (settings, _) in RUNS.items():
        commands[name] = f"metaart.cli train music --start-from {BASE} {SHORT} {settings}".strip()
        _train(commands[name], folder / "runs" / name)
    for name, what in SWEEPS.items():
        commands[f"sweep {name}"] = f"tune.search music --start-from {BASE} --concurrent 1 {SHORT} {what}"
        _sweep(commands[f"sweep {name}"], folder / name)
        commands[name] = f"metaart.cli train --recipe-file {folder / name / 'best.json'} --start-from {BASE}"
        _train(commands[name], folder / "runs" / name)
    names = [*RUNS, *SWEEPS]
    losses, hands = judge({name: folder / "runs" / name for name in names}, episodes)
    return {
        "base": _schedule(BASE),
        "episodes": episodes,
        "commands": {name: f"python -m {line}" for name, line in commands.items()},
        "runs": {name: _run(folder / "runs" / name, losses[name]) for name in names},
        "sweeps": {name: load_json(folder / name / "results.json") for name in SWEEPS},
        "paired": [_paired(one, other, losses, hands) for one, other in PAIRS],
    }


def judge(runs: dict[str, Path], episodes: int) -> tuple[dict[str, NDArray[np.float64]], list[str]]:
    """Query losses of each run on the same test episodes, after its own number of inner steps; and their hands."""
    losses, hands = {}, []
    for name, folder in runs.items():
        config, domain, algorithm = load_algorithm(folder)
        sampler = build_sampler(dataclasses.replace(config, seed=7), config.meta, domain, "test")
        batches = [range(first, min(first + 10, episodes)) for first in range(0, episodes, 10)]
        with torch.no_grad():
            found = [algorithm.losses(sampler.batch(0, batch)) for batch in tqdm(batches, desc=name)]
        losses[name] = torch.cat(found).double().numpy()
        hands = [sampler.hand(0, index).name for index in range(episodes)]
    return losses, hands


def _schedule(base: Path) -> dict[str, Any]:
    config = load_json(base / "config.json")
    return {"steps": config["pretrain"]["steps"], "hidden_size": config["domain"]["hidden_size"]}


def _run(folder: Path, losses: NDArray[np.float64]) -> dict[str, Any]:
    algorithm = load_json(folder / "config.json")["algorithm"]
    settings = {key: algorithm[key] for key in ("inner", "alpha", "steps")}
    return {**settings, "test": float(losses.mean()), "interval": half_width(losses)}


def _paired(one: str, other: str, losses: dict[str, NDArray[np.float64]], hands: list[str]) -> dict[str, Any]:
    ahead = losses[other] - losses[one]
    return {
        "found": one,
        "default": other,
        "ahead": float(ahead.mean()),
        "interval": half_width(ahead),
        "interval_by_hand": half_width_by_hand(ahead, hands),
    }


def _train(line: str, out: Path) -> None:
    if not (out / "weights.safetensors").exists():
        call(f"{line} --out {out}" + (" --resume" if (out / "config.json").exists() else ""))


def is_over(out: Path, trials: int) -> bool:
    """Whether a sweep has ended all its trials; one that was interrupted has written its report too."""
    if not (out / "results.json").exists():
        return False
    found = load_json(out / "results.json")["trials"]
    return len([trial for trial in found if trial["outcome"] != "running"]) == trials


def _sweep(line: str, out: Path) -> None:
    if not is_over(out, int(line.rpartition("--trials ")[2])):
        call(f"{line} --out {out}" + (" --resume" if (out / "sweep.json").exists() else ""))


if __name__ == "__main__":
    sys.exit(main())
