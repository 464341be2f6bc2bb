"""The sine waves of Finn et al. 2017: trains the recipe `sinusoid`, then measures it on unseen waves."""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from pathlib import Path

import torch

from metaart.algorithms import MetaAlgorithm
from metaart.config import RunConfig, override
from metaart.data.sampler import EpisodeConfig, TaskSampler
from metaart.domains import Domain
from metaart.recipes import recipe
from metaart.tasks import Examples
from metaart.training.context import TrainContext
from metaart.training.journal import Journal
from metaart.training.plan import plan_run
from metaart.training.run import load_algorithm, prepare_run, train_run

BARS = {1: 0.67, 5: 0.44, 10: 0.40}
"""Mean squared error that must be reached after so many inner steps on five points."""
QUERY_POINTS = 100


def main(arguments: list[str] | None = None) -> int:
    """Train, measure, print; 0 where every bar is held."""
    options = _options(arguments)
    torch.set_num_threads(1)
    config = override(recipe("sinusoid"), ["batching.mode=vmap", *options.set])
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.run or Path(scratch) / "run"
        if options.run is None or not (folder / "weights.safetensors").exists():
            train(config, folder)
        trained_s = time.monotonic() - started
        _, domain, algorithm = load_algorithm(folder)
    errors = measure(algorithm, domain, waves=options.waves)
    print(f"{options.waves} unseen waves, 5 points each, after {config.meta.steps:,} outer steps ({trained_s:.0f} s)\n")
    print("inner steps   query MSE (95 %)      bar")
    held = True
    for step, (mean, half_width) in errors.items():
        bar = BARS.get(step)
        held &= bar is None or mean <= bar
        verdict = "" if bar is None else f"{bar:.2f}  {'held' if mean <= bar else 'MISSED'}"
        print(f"{step:11d}   {mean:.3f} +- {half_width:.3f}       {verdict}".rstrip())
    if options.json:
        options.json.write_text(json.dumps({str(step): list(value) for step, value in errors.items()}, indent=2))
    return 0 if held else 1


def train(config: RunConfig, folder: Path) -> None:
    """Train a run from nothing, its curves in the run's folder."""
    plan = plan_run(config, folder)
    prepare_run(plan, resume=True)
    with Journal(folder, {"meta": config.meta.steps}) as journal:
        train_run(plan, TrainContext.of(config, report=journal))


@torch.no_grad()
def measure(algorithm: MetaAlgorithm, domain: Domain, waves: int, support: int = 5) -> dict[int, tuple[float, float]]:
    """Mean squared error on unseen waves by inner steps, with half the width of its 95 % interval."""
    episode = EpisodeConfig(support=support, query=QUERY_POINTS)
    sampler = TaskSampler(domain.hands(None, "test", varied=False), episode, seed=2)
    tasks = sampler.batch(0, range(waves))

    def losses(support: Examples, query: Examples) -> torch.Tensor:
        walked = [algorithm.theta(), *algorithm.path(support, max(BARS))]
        return torch.stack([algorithm.query_loss(walked[step], query) for step in (0, *BARS)])

    table = torch.func.vmap(losses)(*tasks.sides).double()
    half_widths = 1.96 * table.std(0) / math.sqrt(waves)
    return {step: (float(table[:, i].mean()), float(half_widths[i])) for i, step in enumerate((0, *BARS))}


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench sinusoid",
        description="Trains the recipe `sinusoid` (Finn et al. 2017, section 5.1) on one thread and measures the query "
        "error on unseen waves after 0, 1, 5 and 10 inner steps on five points. Exits with 1 where a bar is missed.",
        epilog="example: scripts/bench sinusoid --set meta.steps=2000",
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change the recipe")
    parser.add_argument("--waves", type=int, default=2000, help="unseen waves to measure on (default 2000)")
    parser.add_argument("--run", type=Path, help="keep the run here; a finished one is measured without training")
    parser.add_argument("--json", type=Path, help="also write {steps: [mean, half width]} here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
