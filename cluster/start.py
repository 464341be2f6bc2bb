"""The command line `python -m cluster.start`: a Ray head or node that demands a token, until it is stopped."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from cluster.access import PATH, check_token, is_loopback, make_token, send_token, token_path
from metaart.errors import UserError

HELP = f"""\
  python -m cluster.start token                               make the token, once; copy it to every machine
  python -m cluster.start head                                a head whose job server only this machine reaches
  python -m cluster.start head --host 10.0.0.5                one for a network; refused without a token
  python -m cluster.start node --head 10.0.0.5:6379           one more machine

The token is the file that {PATH} names (~/.ray/auth_token), mode 600. A head or node runs until SIGINT or SIGTERM,
which end all that it started; options that are not listed go to `ray start`. Ray's own ports listen on every interface
whatever --host says: the token is what keeps others out, and a firewall should, too. docs/cluster.md says more.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make a token, or become `ray start`; 2 for bad input."""
    options, rest = _parser().parse_known_args(arguments)
    try:
        if options.what == "token":
            return _make_token(options.path or token_path())
        _become(ray_start(options, rest))
    except UserError as error:
        print(f"cluster.start: {error}", file=sys.stderr)
        return 2


def ray_start(options: argparse.Namespace, rest: Sequence[str] = ()) -> list[str]:
    """The arguments of `ray` for a head or node; `rest` goes to it, and ours win.

    Raises:
        UserError: there is no token; a head that only this machine uses has one made.
    """
    path = token_path()
    if options.what == "head" and is_loopback(options.host) and make_token(path):
        print(f"cluster.start: made a token, {path}", file=sys.stderr)
    try:
        check_token(path, tighten=options.what == "head" and is_loopback(options.host))
    except UserError as error:
        raise UserError(
            expected=f"{error.expected}, without which anybody on the network could run code here",
            got=error.got,
            fix=error.fix,
        ) from error
    words = ["start", *rest, "--block", "--disable-usage-stats"]
    if options.what == "head":
        words += ["--head", f"--port={options.port}", f"--dashboard-host={options.host}"]
        words += [f"--dashboard-port={options.dashboard_port}"]
        words += [] if is_loopback(options.host) or options.host == "0.0.0.0" else [f"--node-ip-address={options.host}"]
    else:
        words += [f"--address={options.head}"]
    words += [f"--num-cpus={options.cpus}"] if options.cpus is not None else []
    words += [f"--num-gpus={options.gpus}"] if options.gpus is not None else []
    return words


def _make_token(path: Path) -> int:
    made = make_token(path)
    check_token(path)
    print(f"{path}: {'a new token' if made else 'a token was there already'}")
    return 0


def _become(words: list[str]) -> NoReturn:
    environment = dict(os.environ)
    send_token(environment)
    # Jobs call `python`, and it must be this one.
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"
    environment.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if "--head" in words:  # at its end Ray would wait half a minute for work to move elsewhere; a cluster ends with it
        environment.setdefault("RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S", "0")
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, "-m", "ray.scripts.scripts", *words], environment)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cluster.start",
        description="Start a Ray head or node that demands a token.",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="what", required=True, metavar="token|head|node")
    token = commands.add_parser("token", help="make a token where there is none")
    token.add_argument("path", type=Path, nargs="?", help=f"file ({PATH}, or ~/.ray/auth_token)")
    head = commands.add_parser("head", help="the first machine: it takes jobs")
    head.add_argument("--host", default="127.0.0.1", help="address that the job server listens on (127.0.0.1)")
    head.add_argument("--port", type=int, default=6379, help="for nodes and drivers (6379)")
    head.add_argument("--dashboard-port", type=int, default=8265, help="for jobs (8265)")
    node = commands.add_parser("node", help="one more machine")
    node.add_argument("--head", required=True, metavar="HOST:PORT", help="of the head, for example 10.0.0.5:6379")
    for command in (head, node):
        command.add_argument("--cpus", type=int, help="cores to offer (all)")
        command.add_argument("--gpus", type=int, help="GPUs to offer (all)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
