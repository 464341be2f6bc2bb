"""The command line `python -m cluster.train`: `metaart train` on many workers."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from cluster.config import ClusterConfig, override_both, parse_workers
from cluster.connection import WAIT_HELP, ray_connection
from cluster.driver import TrainingFailed, check_shares, engine_settings, fit
from cluster.mirror import Changes, bring
from cluster.storage import Storage
from cluster.zero import DeepSpeedConfig, from_file
from metaart.build import build_domain, build_models
from metaart.config import RunConfig, override, to_json
from metaart.errors import UserError
from metaart.files import only_writer
from metaart.options import described
from metaart.recipes import RECIPES, recipe_or_file
from metaart.training.context import Interrupted, stop_on_sigint
from metaart.training.journal import Progress, summary
from metaart.training.plan import plan_run
from metaart.training.run import prepare_run, take_over_pooled

HELP = """\
Every step's batch of tasks is shared out among the workers; the steps are those that `metaart train` takes in one
process, and a run directory of one goes on with the other. Ray is started on this machine and stopped at the end,
unless --address (or the environment's RAY_ADDRESS) names a cluster; there, the data must be on storage that all
machines share, and so must the run directory, unless --storage keeps it. With --workers 1..4 a run starts with what
there is and goes on from its last checkpoint with more or fewer workers as machines come and go.

  python -m cluster.train music --workers 2
  python -m cluster.train music --workers 2 --set deepspeed.zero_stage=3 --set meta.steps=500 --out runs/three
  python -m cluster.train music --workers 2 --resume             after Ctrl-C, which leaves a checkpoint, or a crash
  python -m cluster.train --recipe-file sweeps/music/best.json   what a sweep (`python -m tune.search`) found best
  python -m cluster.train music --workers 4 --set gpus_per_worker=1 --address auto
  python -m cluster.train music --workers 1..4 --address auto --storage s3://bucket/runs/music
  python -m cluster.train music --workers 2 --dry-run            how DeepSpeed would be configured

Keys of the cluster:
{keys}
All other keys are those of the run: `metaart train RECIPE --show` prints them.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Train; 0 if it was done, 1 if workers failed, 2 for bad input, 130 if it was interrupted."""
    options = parser().parse_args(arguments)
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


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    listed = "\n".join(f"  {name:10} {(make.__doc__ or '').splitlines()[0]}" for name, make in RECIPES.items())
    words = argparse.ArgumentParser(
        prog="python -m cluster.train",
        description="Meta-train a recipe with Ray Train workers and DeepSpeed.",
        epilog=f"Recipes:\n{listed}\n\n{HELP.format(keys=_keys())}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    words.add_argument("recipe", nargs="?", help="one of the recipes below")
    words.add_argument("--recipe-file", type=Path, metavar="JSON", help="a recipe as a file: a sweep's best.json")
    words.add_argument("--workers", default="2", help="processes that share every batch, or a range such as 1..4 (2)")
    words.add_argument("--address", help="a running Ray cluster; auto finds it; started on this machine if left out")
    words.add_argument("--wait-for-workers", type=float, default=0.0, metavar="SECONDS", help=WAIT_HELP)
    words.add_argument("--data", help="prepared folder, or its URL; the recipe's own (data/music) if left out")
    words.add_argument("--out", type=Path, help="run directory (runs/RECIPE)")
    words.add_argument(
        "--storage", metavar="URL", help="keep the run there instead: file:///shared/run, s3://bucket/run"
    )
    words.add_argument("--start-from", type=Path, metavar="RUN", help="take over the pooled weights of another run")
    words.add_argument("--resume", action="store_true", help="go on with the run that is there, from its checkpoint")
    words.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE", help="see below")
    words.add_argument("--deepspeed", type=Path, metavar="JSON", help="a DeepSpeed configuration of your own")
    words.add_argument("--dry-run", action="store_true", help="print how DeepSpeed would be configured and stop")
    words.add_argument("--show", action="store_true", help="print the configuration and stop")
    return words


def _keys() -> str:
    """What can be set of the cluster, a paragraph each."""
    parts = {"": ClusterConfig, "deepspeed.": DeepSpeedConfig}
    lines = [
        f"{prefix}{field.name} ({field.usual}): {field.expected}; {field.help}"
        for prefix, kind in parts.items()
        for field in described(kind).values()
        # Given by flags of their own.
        if field.name not in ("workers", "least_workers", "deepspeed", "own")
    ]
    wrapper = textwrap.TextWrapper(width=118, initial_indent="  ", subsequent_indent="    ")
    return "\n".join(wrapper.fill(line) for line in lines)


def configuration(options: argparse.Namespace) -> tuple[RunConfig, ClusterConfig]:
    """The run and the cluster that the options ask for.

    Raises:
        UserError: they ask for what cannot be.
    """
    settings = [*([f"data={options.data}"] if options.data else []), *options.settings]
    cluster = ClusterConfig()
    if options.deepspeed is not None:
        cluster = dataclasses.replace(cluster, deepspeed=from_file(options.deepspeed))
    asked = recipe_or_file(options.recipe, options.recipe_file)
    return override_both(asked, override(cluster, parse_workers(options.workers)), settings)


def _train(options: argparse.Namespace) -> int:
    config, cluster = configuration(options)
    if options.show:
        print(f"{to_json(config)}\n{to_json(cluster)}")
        return 0
    if options.dry_run:
        print(json.dumps(engine_settings(config, build_models(config, build_domain(config)), cluster), indent=2))
        return 0
    check_shares(config, cluster)
    storage, out = _where(options, config)
    home = storage.url if storage else str(out)
    progress = Progress({name: stage.steps for name, stage in config.stages.items()})
    with stop_on_sigint() as sigint, ExitStack() as stack:
        if storage is not None:
            out = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="metaart-")))
            bring(storage, out, [name for name in storage.files() if "/" not in name and not name.startswith(".")])
        plan = plan_run(config, out, start_from=options.start_from)
        engine_settings(config, plan.models, cluster)
        stack.enter_context(ray_connection(cluster, options.address, options.wait_for_workers))
        stack.enter_context(only_writer(out))
        changes = Changes(out, storage) if storage else None
        prepare_run(plan, resume=options.resume)
        take_over_pooled(plan)
        if changes is not None:
            changes.keep()
        number = f"{cluster.fewest} to {cluster.workers}" if cluster.least_workers else str(cluster.workers)
        who = f"{number} worker" if number == "1" else f"{number} workers"
        print(f"{home}: starting {who}, ZeRO stage {cluster.deepspeed.zero_stage}", file=sys.stderr)
        try:
            fit(config, cluster, out, storage=storage, report=progress, stop=sigint.is_set)
        except Interrupted as stop:
            print(f"cluster.train: {stop}. Go on with: the same command and --resume", file=sys.stderr)
            return 130
        finally:
            progress.close()
        print(f"{summary(out)}\n{home}: weights.safetensors, config.json, metrics.jsonl, curves.png")
    return 0


def _where(options: argparse.Namespace, config: RunConfig) -> tuple[Storage | None, Path]:
    if not options.storage:
        return None, options.out or Path("runs") / config.recipe
    if options.out:
        raise UserError(
            expected="--out or --storage", got="both", fix="`python -m cluster.jobs fetch URL` copies a run later."
        )
    storage = Storage(options.storage)
    if not storage.path.strip("/").partition("/")[2] and not storage.is_local:
        raise UserError(
            expected="a folder in a bucket",
            got=options.storage,
            fix=f"Use s3://BUCKET/runs/{config.recipe}.",
        )
    storage.check_writable()
    return storage, Path()


if __name__ == "__main__":
    sys.exit(main())
