"""How works are given on the command line: files by one hand, a folder of hands, a table of scores."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from metaart.artists.works import Work, WorksInput, rated_works, works_of_files, works_of_hands
from metaart.errors import UserError


class WorksFlag(NamedTuple):
    """A way to give works.

    Attributes:
        name: where the parser puts it.
        flag: as it is written.
        metavar: what it takes.
    """

    name: str
    flag: str
    metavar: str


_FLAGS = {
    "hands": WorksFlag("examples_from", "--examples-from", "DIR"),
    "scores": WorksFlag("ratings", "--ratings", "CSV"),
}


def flag_of(works: WorksInput) -> WorksFlag:
    """How works of a kind are given."""
    return _FLAGS.get(works.labels, WorksFlag("examples", "--examples", works.format.metavar))


def add_works(command: argparse.ArgumentParser, kinds: Sequence[WorksInput], *, blends: bool) -> None:
    """A flag for each way to give works; which one is needed is seen when the run is known."""
    helps = {"hands": "one sub-folder of works for each hand", "scores": "a curator's scores from 1 to 10: file,score"}
    ways = {flag_of(works): works for works in kinds}
    group = command.add_mutually_exclusive_group()
    for flag, works in ways.items():
        if works.labels == "none":
            group.add_argument(flag.flag, dest=flag.name, type=Path, nargs="+", metavar=flag.metavar, help=works.help)
        else:
            about = helps[works.labels]
            group.add_argument(flag.flag, dest=flag.name, type=Path, metavar=flag.metavar, help=about)
    plain = next((works for works in kinds if works.labels == "none"), None)
    if blends and plain is not None:
        command.add_argument("--blend", type=Path, nargs="+", action="append", default=[], metavar=plain.format.metavar,
                             help="by one more hand, mixed with the first in equal parts; may be repeated")  # fmt: skip


def groups_of_works(parsed: argparse.Namespace, wanted: WorksInput) -> list[list[Work]]:
    """The works that were given: one group, or one for each hand that is to be blended.

    Raises:
        UserError: none were given, or one cannot be read.
    """
    flag = flag_of(wanted)
    brought = getattr(parsed, flag.name)
    if brought is None:
        raise UserError(expected=f"{flag.flag} {flag.metavar}", got="none", fix=f"Give {flag.flag}: {wanted.help}.")
    if wanted.labels == "hands":
        return [works_of_hands(brought, wanted)]
    if wanted.labels == "scores":
        return [rated_works(brought, wanted)]
    return [works_of_files(paths, wanted.format) for paths in (brought, *getattr(parsed, "blend", []))]
