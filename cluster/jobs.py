"""The command line `python -m cluster.jobs`: list, logs, stop and fetch for what `cluster.submit` started."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from cluster.client import DEFAULT, connect
from cluster.mirror import bring
from cluster.storage import Storage
from metaart.errors import UserError

if TYPE_CHECKING:
    from ray.dashboard.modules.job.pydantic_models import JobDetails
    from ray.job_submission import JobSubmissionClient

LOST = (OSError, RuntimeError, aiohttp.ClientError)
"""What Ray's client raises where the job server does not answer, as behind a tunnel that broke."""
SILENT_S = 60.0

HELP = """\
  python -m cluster.jobs list
  python -m cluster.jobs logs music-20261125-101500 --follow
  python -m cluster.jobs stop music-20261125-101500         leaves a checkpoint; submit again with --name and --resume
  python -m cluster.jobs fetch music-20261125-101500 --out runs/music

fetch copies the run from the storage that the job was submitted with (its URL is in the job's metadata), so this
machine must reach that storage too; the job server itself keeps no results.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one of them; 0 if it was done, 1 if the job that was followed failed, 2 for bad input."""
    options = _parser().parse_args(arguments)
    try:
        if options.what == "fetch" and "://" in options.job:
            return _fetch(options.job, options.out or Path("runs") / Path(urlsplit(options.job).path).name)
        client = connect(options.address)
        if options.what == "list":
            print(table(client.list_jobs()))
            return 0
        job = find(client, options.job)
        if options.what == "logs":
            if options.follow:
                return follow(client, options.job)
            print(client.get_job_logs(options.job), end="")
            return 0
        if options.what == "stop":
            stopped = client.stop_job(options.job)
            print(f"{options.job}: {'is being stopped' if stopped else f'was over, {job.status.lower()}'}")
            return 0
        return _fetch(_home(job), options.out or Path("runs") / options.job)
    except UserError as error:
        print(f"cluster.jobs: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("cluster.jobs: interrupted; the job goes on", file=sys.stderr)
        return 130


def find(client: JobSubmissionClient, name: str) -> JobDetails:
    """What is known of a job.

    Raises:
        UserError: there is no such job.
    """
    jobs = [job for job in client.list_jobs() if job.submission_id]
    for job in jobs:
        if job.submission_id == name:
            return job
    newest = sorted(jobs, key=lambda job: job.start_time or 0)[-5:]
    raise UserError(
        expected="the name of a job",
        got=repr(name),
        fix=f"Take one of {', '.join(str(job.submission_id) for job in newest)}." if newest else "There are none yet.",
    )


def table(jobs: Sequence[JobDetails]) -> str:
    """Submitted jobs, the newest last, one a line under a heading."""
    rows = [("JOB", "STATUS", "STARTED (UTC)", "COMMAND", "VERSION", "COMMIT", "RUN")]
    for job in sorted(jobs, key=lambda job: job.start_time or 0):
        if not job.submission_id:  # a driver that connected by itself
            continue
        metadata = job.metadata or {}
        commit = metadata.get("commit", "")[:10] + (" dirty" if metadata.get("dirty") == "true" else "")
        began = datetime.fromtimestamp(job.start_time / 1000, UTC).strftime("%Y-%m-%d %H:%M") if job.start_time else ""
        command = f"{metadata.get('command', '')} {metadata.get('what', '')}".strip()
        rows.append(
            (job.submission_id, str(job.status.value), began, command, metadata.get("version", ""), commit,
             metadata.get("run", ""))
        )  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def follow(client: JobSubmissionClient, name: str) -> int:
    """Print a job's log until the job is over; 0 if it succeeded, otherwise 1."""

    async def show() -> None:
        async for text in client.tail_job_logs(name):
            print(text, end="", flush=True)

    try:
        asyncio.run(show())
    except LOST as error:
        print(f"{name}: the log breaks off: {error}; `logs` shows it whole", file=sys.stderr)
    return wait(client, name)


def wait(client: JobSubmissionClient, name: str) -> int:
    """Wait until a job is over; 0 if it succeeded, otherwise 1, and why is on stderr."""
    while not (job := _info(client, name)).status.is_terminal():
        time.sleep(1)
    status = job.status.value
    print(f"{name}: {status.lower()}{'' if status == 'SUCCEEDED' else f': {job.message or str()}'}", file=sys.stderr)
    return 0 if status == "SUCCEEDED" else 1


def _info(client: JobSubmissionClient, name: str) -> JobDetails:
    deadline = time.monotonic() + SILENT_S
    while True:
        try:
            return client.get_job_info(name)
        except LOST as error:
            if time.monotonic() > deadline:
                raise UserError(
                    expected="the head's job server to answer",
                    got=f"nothing for {SILENT_S:.0f} s: {str(error)[:300]}",
                    fix=f"The job goes on; look again with `python -m cluster.jobs logs {name} --follow`.",
                ) from error
        time.sleep(2)


def _home(job: JobDetails) -> str:
    url = (job.metadata or {}).get("run")
    if not url:
        raise UserError(
            expected="a job of `cluster.submit`, which says where its run is kept",
            got=f"{job.submission_id} without that",
            fix="Copy what it wrote by hand.",
        )
    return url


def _fetch(url: str, out: Path) -> int:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(expected="a new or empty folder", got=str(out), fix="Give another: --out DIR")
    partial = out.with_name(f".{out.name}.partial-{os.getpid()}")
    try:
        names = bring(Storage(url), partial)
        if not names:
            raise UserError(expected=f"the run at {url}", got="nothing there yet", fix="Look at the job's logs.")
        partial.replace(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    print(f"{out}: {len(names)} files of {url}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cluster.jobs",
        description="See to the jobs of a cluster.",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="what", required=True, metavar="list|logs|stop|fetch")
    for name, about in (
        ("list", "jobs with their state, version and commit"),
        ("logs", "what a job has printed"),
        ("stop", "end a job; training leaves a checkpoint"),
        ("fetch", "copy a job's run from its storage"),
    ):
        command = commands.add_parser(name, help=about, description=about)
        command.add_argument("--address", help=f"of the head's job server ({DEFAULT})")
        if name != "list":
            what = "its name, as `list` shows it" + (", or the URL of a run" if name == "fetch" else "")
            command.add_argument("job", metavar="JOB", help=what)
        if name == "logs":
            command.add_argument("--follow", action="store_true", help="until the job is over")
        if name == "fetch":
            command.add_argument("--out", type=Path, help="folder (runs/JOB)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
