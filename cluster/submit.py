"""The command line `python -m cluster.submit`: train, tune or evaluate as a job on a cluster."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import metaart
from cluster.client import DEFAULT, connect
from cluster.jobs import follow, wait
from cluster.mirror import FOLDER, download_failed
from cluster.storage import Storage
from metaart.config import settings_between
from metaart.errors import UserError
from metaart.recipes import recipe, recipe_or_file

if TYPE_CHECKING:
    from ray.dashboard.modules.job.pydantic_models import JobDetails

ROOT = Path(__file__).resolve().parents[1]
EXCLUDED = ["/data/", "/runs/", "/demo/", "/tests/", "/dist/", "/build/", ".git", ".venv", "__pycache__", ".*_cache",
            ".hypothesis", "*.egg-info"]  # fmt: skip
"""What is not sent with a job, as in a .gitignore; what the repository's own .gitignore names is left out too."""
ENVIRONMENT = {
    # `cluster.jobs stop` is then what Ctrl-C is: training leaves a checkpoint first, which may take a while.
    "RAY_JOB_STOP_SIGNAL": "SIGINT",
    "RAY_JOB_STOP_WAIT_TIME_S": "120",
    "PYTHONUNBUFFERED": "1",
}

HELP = """\
  python -m cluster.submit train music --address http://HEAD:8265 --storage s3://bucket/runs --data /shared/music \\
      --workers 4 --set meta.steps=500 --follow
  python -m cluster.submit tune music --address http://HEAD:8265 --storage s3://bucket/sweeps --trials 32
  python -m cluster.submit train sweeps/music/best.json --storage s3://bucket/runs --name music-best --workers 4
  python -m cluster.submit evaluate s3://bucket/runs/music-20261125-101500 --address http://HEAD:8265 --episodes 100

Options that are not listed above go to the command itself: `python -m cluster.train`, `python -m tune.search` or
`metaart evaluate`. This repository is sent along, without data, runs, tests and caches; its version and git commit are
kept with the job. The run is kept at STORAGE/NAME, from where `python -m cluster.jobs fetch JOB` brings it.
Data must be where the cluster's machines can read it, under an absolute path. The cluster's token is sent
(RAY_AUTH_TOKEN_PATH, or ~/.ray/auth_token).
"""


class Refused(Exception):
    """A command would not take its options; in its own words."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Submit; 0 if it was (with --wait or --follow: if the job succeeded), 1 if the job failed, 2 for bad input."""
    options, rest = _parser().parse_known_args(arguments)
    try:
        name = options.name or f"{Path(options.what).stem}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        run = _run(options, name)
        entrypoint = command(options.command, options.what, run, rest)
        client = connect(options.address)
        jobs = client.list_jobs()
        _refuse_busy(run, jobs)
        job = client.submit_job(
            entrypoint=entrypoint,
            submission_id=_unused(name, [str(job.submission_id) for job in jobs]),
            runtime_env={"working_dir": str(ROOT), "excludes": EXCLUDED, "env_vars": ENVIRONMENT},
            metadata={"command": options.command, "what": options.what, "run": run, **provenance()},
        )
        print(job)
        print(f"{job}: submitted; its run is kept at {run}", file=sys.stderr)
        if options.follow:
            return follow(client, job)
        return wait(client, job) if options.wait else 0
    except Refused as error:
        print(str(error).rstrip(), file=sys.stderr)
        return 2
    except UserError as error:
        print(f"cluster.submit: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("cluster.submit: interrupted; a job that was submitted goes on", file=sys.stderr)
        return 130


def command(kind: str, what: str, run: str, rest: Sequence[str]) -> str:
    """The line that the head's shell runs.

    Args:
        kind: train, tune or evaluate.
        what: recipe; for `evaluate` the run's URL, which is `run` too.
        run: URL of where the run is kept.
        rest: options of the command itself.

    Raises:
        UserError: the command would not take them.
        Refused: the same, in the words of the command.
    """
    decided = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("--out", "--storage", "--address", "--recipe-file", "--show", "--dry-run"):
        decided.add_argument(name, nargs="?", const=True)
    clashing = [name for name, value in vars(decided.parse_known_args(rest)[0]).items() if value]
    if clashing:
        raise UserError(
            expected="options that leave to the job where its run is kept, and what of",
            got=", ".join(f"--{name.replace('_', '-')}" for name in clashing),
            fix="Leave them out; a recipe file is given in RECIPE's place.",
        )
    if kind == "evaluate":
        from metaart.commands.evaluate import add_evaluate

        evaluate = argparse.ArgumentParser(prog="metaart evaluate")
        add_evaluate(evaluate)
        evaluate.parse_args([FOLDER, *rest])
        mirrored = ["python", "-m", "cluster.mirror", run, "--", "python", "-m", "metaart.cli"]
        return shlex.join([*mirrored, "evaluate", FOLDER, *rest])
    options = [*_recipe(what), *rest]
    if kind == "train":
        from cluster.driver import check_shares, engine_settings
        from cluster.train import configuration, parser
        from metaart.build import build_domain, build_models

        config, cluster = configuration(parser().parse_args(options))
        check_shares(config, cluster)
        engine_settings(config, build_models(config, build_domain(config)), cluster)
        return shlex.join(["python", "-m", "cluster.train", *options, "--storage", run])
    words = [sys.executable, "-m", "tune.search", *options, "--dry-run"]
    tried = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if tried.returncode:
        raise Refused(tried.stderr)
    return shlex.join(["python", "-m", "tune.search", *options, "--storage", run])


def _recipe(what: str) -> list[str]:
    """A recipe as the job names it: a file of this machine is the recipe that it came from, and settings."""
    if not what.endswith(".json"):
        return [what]
    config = recipe_or_file(None, Path(what))
    return [config.recipe, *(f"--set={setting}" for setting in settings_between(recipe(config.recipe), config))]


def provenance(root: Path = ROOT) -> dict[str, str]:
    """Version, git commit, and whether files differ from it ("dirty": true or false); no commit outside git."""

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        return done.stdout.strip()

    found: dict[str, str] = {"version": metaart.__version__}
    if commit := git("rev-parse", "HEAD"):
        found |= {"commit": commit, "dirty": "true" if git("status", "--porcelain") else "false"}
    return found


def _run(options: argparse.Namespace, name: str) -> str:
    if options.command == "evaluate":
        storage = Storage(options.what)
        try:
            there = storage.exists("config.json")
        except OSError as error:
            raise download_failed(storage, "config.json", error) from error
        if not there:
            raise UserError(
                expected="the URL of a run, with config.json",
                got=options.what,
                fix="`python -m cluster.jobs list` shows where runs are kept.",
            )
        return storage.url
    if "/" in name or name.startswith("."):
        raise UserError(expected="a name without / that begins with no dot", got=repr(name), fix="Use --name music-1.")
    if not options.storage:
        raise UserError(
            expected="--storage, where the run is kept and `fetch` finds it",
            got="none",
            fix="Give --storage file:///FOLDER that all machines share, or --storage s3://BUCKET/FOLDER.",
        )
    return Storage(options.storage).child(name).url


def _refuse_busy(run: str, jobs: Sequence[JobDetails]) -> None:
    for job in jobs:
        if (job.metadata or {}).get("run") == run and not job.status.is_terminal():
            raise UserError(
                expected="a run that no other job is at work on",
                got=f"{run}, which {job.submission_id} writes",
                fix=f"Wait for `python -m cluster.jobs stop {job.submission_id}` to end it, or give another --name.",
            )


def _unused(name: str, taken: Sequence[str]) -> str:
    number, job = 1, name
    while job in taken:  # a run that goes on under its name is another job
        number += 1
        job = f"{name}-{number}"
    return job


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cluster.submit",
        description="Train, tune or evaluate as a job on a cluster.",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands: Any = parser.add_subparsers(dest="command", required=True, metavar="train|tune|evaluate")
    for name, what in (("train", "RECIPE"), ("tune", "RECIPE"), ("evaluate", "URL")):
        kind = commands.add_parser(name, help=f"{name} {what}", allow_abbrev=False)
        about = "a recipe, or a recipe file: a sweep's best.json" if what == "RECIPE" else "of a run on a storage"
        kind.add_argument("what", metavar=what, help=about)
        kind.add_argument("--address", help=f"of the head's job server ({DEFAULT})")
        if what == "RECIPE":
            kind.add_argument("--storage", help="URL of the folder that runs are kept in")
        kind.add_argument("--name", help="of the job, and of its run (RECIPE-DATE-TIME)")
        kind.add_argument("--wait", action="store_true", help="until the job is over")
        kind.add_argument("--follow", action="store_true", help="print its log until it is over")
    return parser


if __name__ == "__main__":
    sys.exit(main())
