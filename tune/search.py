"""The command line `python -m tune.search`: the settings of a recipe that validate best, found on Ray Tune."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from cluster.config import ClusterConfig, override_both
from cluster.connection import WAIT_HELP, named_cluster, ray_connection
from cluster.driver import TrainingFailed, check_shares, engine_settings
from cluster.storage import PATIENCE_S, Storage
from metaart.build import build_domain, build_models
from metaart.commands.flags import add_flags, values_of
from metaart.config import RunConfig
from metaart.errors import UserError
from metaart.files import only_writer
from metaart.options import described
from metaart.recipes import RECIPES, recipe_or_file
from metaart.training.context import Interrupted, stop_on_sigint
from metaart.training.journal import Progress
from metaart.training.plan import RunPlan, plan_run
from tune.config import SWEEP, Sweep, SweepConfig, check_sweep, plain, prepare_sweep
from tune.keys import changes_pooled, read_space
from tune.page import PAGE, write_page
from tune.records import ENDED, Trial
from tune.report import BEST, PICTURE, short, table, write_report
from tune.shelf import POOLED_FOLDER, Shelf
from tune.space import grid
from tune.trackers import log_trial
from tune.trial import Job, take_pooled, train_pooled

INTERRUPTED = "tune.search: interrupted. Go on with: the same command and --resume"
HELP = """\
Each trial is a run like any other, in OUT/trials/NNNN, judged by its validation loss: the test hands are not opened.
The pooled stage is trained once for all trials, or taken from another run by --start-from. With one worker a trial
trains in its own Ray process, with several it is a Ray Train run; as many trials run at a time as there is room for.

  python -m tune.search music --start-from runs/music --trials 16 --out sweeps/music
  python -m tune.search music --space 'alpha=loguniform(1e-4,0.1)' --space 'steps=choice(1,3,5)' --set meta.steps=150
  python -m tune.search music --searcher grid --scheduler none --trials 9
  python -m tune.search music --resume --trials 32      the same command after Ctrl-C or a crash, or for more trials
  metaart train --recipe-file sweeps/music/best.json    or python -m cluster.train --recipe-file ...

Spaces: uniform(low,high), loguniform(low,high), quniform(low,high,step), randint(low,high), lograndint(low,high) with
both ends included, and choice(value,value,...). A name is a full key of --set (meta.outer_lr), or a short one: alpha
stands for algorithm.alpha. Without --space, what the algorithm names as worth searching: alpha first.
In OUT: results.json, best.json, losses.png, index.html, and the trials, whose curves `tensorboard --logdir OUT` shows.
On a cluster OUT must be a folder that all machines share; with --storage s3://... each trial takes what it needs from
there and keeps its run there, and `python -m cluster.jobs fetch URL` brings the sweep.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Search; 0 if it was done, 1 if no trial could be judged, 2 for bad input, 130 if it was interrupted."""
    options = _parser().parse_args(arguments)
    try:
        return _search(options)
    except UserError as error:
        print(f"tune.search: {error}", file=sys.stderr)
        return 2
    except TrainingFailed as error:
        print(f"tune.search: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(INTERRUPTED, file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:10} {(make.__doc__ or '').splitlines()[0]}" for name, make in RECIPES.items())
    parser = argparse.ArgumentParser(
        prog="python -m tune.search",
        description="Search the settings of a recipe, alpha first, with Ray Tune.",
        epilog=f"Recipes:\n{listed}\n\n{HELP}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("recipe", nargs="?", help="one of the recipes below")
    add("--recipe-file", type=Path, metavar="JSON", help="a recipe as a file")
    add("--space", dest="spaces", action="append", default=[], metavar="NAME=KIND(..)", help="see below")
    add_flags(parser, described(SweepConfig))
    add("--workers", type=int, default=1, help="processes that share a trial's batches (1)")
    add("--address", help="a running Ray cluster; auto finds it; started on this machine if left out")
    add("--data", help="prepared folder, or its URL; the recipe's own if left out")
    add("--wait-for-workers", type=float, default=0.0, metavar="SECONDS", help=WAIT_HELP)
    add("--out", type=Path, help="directory of the sweep, that all machines share (sweeps/RECIPE)")
    add("--storage", metavar="URL", help="keep the sweep there instead: file:///shared/sweep, s3://bucket/sweep")
    add("--start-from", type=Path, metavar="RUN", help="take over the pooled weights of another run")
    add("--resume", action="store_true", help="go on with the sweep that is there; no trial that ended is repeated")
    add("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE", help="fixed for all trials")
    add("--dry-run", action="store_true", help="print what would be searched and stop; the data are not looked at")
    return parser


def _search(options: argparse.Namespace) -> int:
    sweep = _sweep(options)
    if options.dry_run:
        print(json.dumps(plain(sweep), indent=2))
        return 0
    with ExitStack() as stack:
        if not sweep.storage:
            return _search_in(sweep, Shelf(sweep.folder), options)
        storage = Storage(sweep.storage, PATIENCE_S)
        storage.check_writable()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="metaart-")))
        shelf = Shelf(folder, storage)
        shelf.bring()
        try:
            return _search_in(dataclasses.replace(sweep, folder=folder), shelf, options)
        finally:
            shelf.keep()


def _search_in(sweep: Sweep, shelf: Shelf, options: argparse.Namespace) -> int:
    shared = bool(sweep.config.pretrain.steps or options.start_from) and not changes_pooled(
        [parameter.key for parameter in sweep.space]
    )
    if options.start_from is not None and not shared:
        raise UserError(
            expected="a search that leaves the pooled model as it is",
            got=f"--start-from {options.start_from} and a space over pretrain or domain",
            fix="Leave --start-from out: each trial then trains a pooled model of its own.",
        )
    plan = plan_run(sweep.config, sweep.folder, start_from=options.start_from)
    check_sweep(sweep, resume=options.resume)
    _tell_tune()
    connection = ray_connection(sweep.cluster, options.address, options.wait_for_workers)
    with stop_on_sigint() as sigint, connection, only_writer(sweep.folder):
        prepare_sweep(sweep, resume=options.resume)
        pooled = sweep.folder / POOLED_FOLDER if shared else None
        if pooled is not None and options.start_from is not None:
            take_pooled(plan, pooled)
        shelf.keep()
        trials = _run(sweep, plan, shelf, pooled, away=named_cluster(options.address) is not None, stop=sigint.is_set)
    results = write_report(sweep, trials)
    print(table(sweep.space, trials))
    write_page(sweep, trials, results)
    left = [trial for trial in trials if trial.outcome not in ENDED]
    for trial in left:
        if trial.why:
            print(f"tune.search: trial {trial.number} failed: {trial.why.strip().splitlines()[-1]}", file=sys.stderr)
    if any(not trial.why for trial in left):
        print(INTERRUPTED, file=sys.stderr)
        return 130
    if results["best"] is None:
        print("tune.search: no trial could be judged: all diverged or failed", file=sys.stderr)
        return 1
    print(f"{sweep.home}: {BEST}, results.json, {PICTURE}, {PAGE}, trials/")
    return 0


def _sweep(options: argparse.Namespace) -> Sweep:
    """What is asked for, refused here where it cannot work, before anything is written or started."""
    settings = [f"workers={options.workers}", *([f"data={options.data}"] if options.data else []), *options.settings]
    config, cluster = override_both(
        recipe_or_file(options.recipe, options.recipe_file), ClusterConfig(workers=1), settings
    )
    how = SweepConfig(**values_of(options, SweepConfig))
    _refuse_unjudged(config)
    space = read_space(options.spaces, config)
    if how.searcher == "grid":
        grid(space, how.trials)
    check_shares(config, cluster)
    engine_settings(config, build_models(config, build_domain(config)), cluster)
    if options.storage and options.out:
        raise UserError(expected="--out or --storage", got="both", fix="`cluster.jobs fetch URL` copies a sweep later.")
    folder, url = options.out or Path("sweeps") / config.recipe, options.storage or ""
    if url and (storage := Storage(url)).is_local:  # all machines share it, so it needs no copies
        folder, url = Path(storage.path), ""
    return Sweep(config, cluster, tuple(space), how, folder, url)


def _refuse_unjudged(config: RunConfig) -> None:
    if not config.meta.steps or not config.meta.validate_every:
        raise UserError(
            expected="a meta stage with validations, on which trials are judged",
            got=f"meta.steps={config.meta.steps}, meta.validate_every={config.meta.validate_every}",
            fix="Use --set meta.steps=150 --set meta.validate_every=25.",
        )


def _run(
    sweep: Sweep, plan: RunPlan, shelf: Shelf, pooled: Path | None, *, away: bool, stop: Callable[[], bool]
) -> list[Trial]:
    """Train the pooled stage if it has not been, then search; `away` says that Ray is no process of ours."""
    # Imports Ray, which reads the token when it is first imported: `ray_connection` has set it.
    from tune.sweep import search

    print(
        f"{sweep.home}: {SWEEP} says what is searched: " + ", ".join(short(parameter.key) for parameter in sweep.space),
        file=sys.stderr,
    )

    def announce(trial: Trial) -> None:
        found = ", ".join(f"{short(key)}={value}" for key, value in trial.point.items())
        loss = "no validation" if trial.best is None else f"validation {trial.best:.4f}"
        print(f"trial {trial.number}: {found}: {loss}, {trial.outcome} after {trial.steps} steps", file=sys.stderr)
        log_trial(sweep.folder, sweep.config.recipe, sweep.space, trial)

    if pooled is not None:
        progress = Progress({"pretrain": sweep.config.pretrain.steps})
        try:
            job = Job(sweep.config, sweep.cluster, sweep.folder, pooled, sweep.storage)
            train_pooled(job, plan, progress, stop, away=away)
        except Interrupted:
            raise KeyboardInterrupt from None
        finally:
            progress.close()
    return search(sweep, pooled, shelf=shelf, announce=announce, stop=stop)


def _tell_tune() -> None:
    """Tell Ray Tune, before it is started, what it reads from the environment: write no logs, leave SIGINT to us."""
    os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
    os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")
    os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
    os.environ.setdefault("RAY_CHDIR_TO_TRIAL_DIR", "0")
    # A stopped trial leaves a checkpoint first; where its process is wanted before, the next trial is an error.
    os.environ.setdefault("TUNE_FUNCTION_THREAD_TIMEOUT_S", "600")


if __name__ == "__main__":
    sys.exit(main())
