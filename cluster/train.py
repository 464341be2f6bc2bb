"""The command line `python -m cluster.train`: `metaart train` on many workers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cluster.config import ClusterConfig, override_both
from cluster.driver import TrainingFailed, check, fit, ray_connection
from metaart.config import to_json
from metaart.errors import UserError
from metaart.recipes import RECIPES, recipe_or_file
from metaart.training.journal import Progress, summary
from metaart.training.loop import Interrupted, stop_on_sigint
from metaart.training.run import prepare_run, start_from

HELP = """\
Every step's batch of tasks is shared out among the workers; the steps are those that `metaart train` takes in one
process, and a run directory of one goes on with the other. Ray is started on this machine and stopped at the end,
unless --address (or the environment's RAY_ADDRESS) names a cluster; there, the run directory and the data must be on
storage that all machines share.

  python -m cluster.train music --workers 2
  python -m cluster.train music --workers 2 --set deepspeed.zero_stage=3 --set meta.steps=500 --out runs/three
  python -m cluster.train music --workers 2 --resume             after Ctrl-C, which leaves a checkpoint, or a crash
  python -m cluster.train --recipe-file sweeps/music/best.json   what a sweep (`python -m tune.search`) found best
  python -m cluster.train music --workers 4 --set gpus_per_worker=1 --address auto

Keys of the cluster: workers, cpus_per_worker (1), gpus_per_worker (0), max_failures (3: restarts from the last
checkpoint after a worker died), deepspeed.zero_stage (1; 0 shares out nothing, 1 the optimizer's state, 2 the
gradients too, 3 the weights too), deepspeed.persistence_threshold. All other keys are those of the run:
`metaart train RECIPE --show` prints them.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Train; 0 if it was done, 1 if workers failed, 2 for bad input, 130 if it was interrupted."""
    options = _parser().parse_args(arguments)
    try:
        return _train(options)
    except UserError as error:
        print(f"cluster.train: {error}", file=sys.stderr)
        return 2
    except TrainingFailed as error:
        print(f"cluster.train: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("cluster.train: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:10} {(make.__doc__ or '').splitlines()[0]}" for name, make in RECIPES.items())
    parser = argparse.ArgumentParser(
        prog="python -m cluster.train",
        description="Meta-train a recipe with Ray Train workers and DeepSpeed.",
        epilog=f"Recipes:\n{listed}\n\n{HELP}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("recipe", nargs="?", help="one of the recipes below")
    parser.add_argument("--recipe-file", type=Path, metavar="JSON", help="a recipe as a file: a sweep's best.json")
    parser.add_argument("--workers", type=int, default=2, help="processes that share every batch (2)")
    parser.add_argument("--address", help="a running Ray cluster; auto finds it; started on this machine if left out")
    parser.add_argument("--data", help="prepared folder; the recipe's own (data/music) if left out")
    parser.add_argument("--out", type=Path, help="run directory (runs/RECIPE)")
    parser.add_argument("--start-from", type=Path, metavar="RUN", help="take over the pooled weights of another run")
    parser.add_argument("--resume", action="store_true", help="go on with the run that is there, from its checkpoint")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE", help="see below")
    parser.add_argument("--show", action="store_true", help="print the configuration and stop")
    return parser


def _train(options: argparse.Namespace) -> int:
    settings = [f"workers={options.workers}", *([f"data={options.data}"] if options.data else []), *options.settings]
    config, cluster = override_both(recipe_or_file(options.recipe, options.recipe_file), ClusterConfig(), settings)
    if options.show:
        print(f"{to_json(config)}\n{to_json(cluster)}")
        return 0
    out = options.out or Path("runs") / config.recipe
    progress = Progress({"pretrain": config.pretrain.steps, "meta": config.meta.steps})
    check(config, cluster)
    print(f"{out}: starting {cluster.workers} workers, ZeRO stage {cluster.deepspeed.zero_stage}", file=sys.stderr)
    with stop_on_sigint() as sigint, ray_connection(cluster, options.address):
        prepare_run(config, out, resume=options.resume)
        if options.start_from is not None:
            start_from(config, out, options.start_from)
        try:
            fit(config, cluster, out, report=progress, stop=sigint.is_set)
        except Interrupted as stop:
            print(f"cluster.train: {stop}. Go on with: the same command and --resume", file=sys.stderr)
            return 130
        finally:
            progress.close()
    print(f"{summary(out)}\n{out}: weights.safetensors, config.json, metrics.jsonl, curves.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
