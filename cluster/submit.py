"""The command line `python -m cluster.submit`: train, tune or evaluate as a job on a cluster."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import metaart
from cluster.client import DEFAULT, connect
from cluster.jobs import follow, wait
from cluster.kept import FOLDER
from cluster.storage import Storage
from metaart.errors import UserError

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
  python -m cluster.submit evaluate s3://bucket/runs/music-20261125-101500 --address http://HEAD:8265 --episodes 100

Options that are not listed above go to the command itself: `python -m cluster.train`, `python -m tune.search` or
`metaart evaluate`. This repository is sent along, without data, runs, tests and caches; its version and git commit are
kept with the job. The run is kept at STORAGE/NAME, from where `python -m cluster.jobs fetch JOB` brings it.
Data must be where the cluster's machines can read it, under an absolute path. The cluster's token is sent
(RAY_AUTH_TOKEN_PATH, or ~/.ray/auth_token).
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Submit; 0 if it was (with --wait or --follow: if the job succeeded), 1 if the job failed, 2 for bad input."""
    options, rest = _parser().parse_known_args(arguments)
    try:
        name = options.name or f"{Path(options.what).name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        run = _run(options, name)
        entrypoint = command(options.command, options.what, run, rest)
        client = connect(options.address)
        job = client.submit_job(
            entrypoint=entrypoint,
            submission_id=_unused(name, [str(job.submission_id) for job in client.list_jobs()]),
            runtime_env={"working_dir": str(ROOT), "excludes": EXCLUDED, "env_vars": ENVIRONMENT},
            metadata={"command": options.command, "what": options.what, "run": run, **provenance()},
        )
        print(job)
        print(f"{job}: submitted; its run is kept at {run}", file=sys.stderr)
        if options.follow:
            return follow(client, job)
        return wait(client, job) if options.wait else 0
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
        UserError: `train` would not take them, or there is no such recipe.
    """
    if kind == "train":
        from cluster.train import configuration, parser

        configuration(parser().parse_args([what, *rest]))
        return shlex.join(["python", "-m", "cluster.train", what, "--storage", run, *rest])
    kept = ["python", "-m", "cluster.kept", run, "--", "python", "-m"]
    if kind == "tune":
        from metaart.recipes import recipe

        recipe(what)
        return shlex.join([*kept, "tune.search", what, "--out", FOLDER, *rest])
    return shlex.join([*kept, "metaart.cli", "evaluate", FOLDER, *rest])


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
        if not storage.exists("config.json"):
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
        kind.add_argument("what", metavar=what, help="a recipe" if what == "RECIPE" else "of a run on a storage")
        kind.add_argument("--address", help=f"of the head's job server ({DEFAULT})")
        if what == "RECIPE":
            kind.add_argument("--storage", help="URL of the folder that runs are kept in")
        kind.add_argument("--name", help="of the job, and of its run (RECIPE-DATE-TIME)")
        kind.add_argument("--wait", action="store_true", help="until the job is over")
        kind.add_argument("--follow", action="store_true", help="print its log until it is over")
    return parser


if __name__ == "__main__":
    sys.exit(main())
