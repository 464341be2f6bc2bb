"""The command `metaart adapt ART`: a run adapted to works, kept in a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from metaart.arts import ARTS, load
from metaart.commands.works_flags import add_works, groups_of_works
from metaart.errors import UserError

ADAPT_HELP = """\
  metaart adapt music --examples shanxi/*.mid --out shanxi.artist
  metaart create music --artist shanxi.artist --seed 7
  metaart adapt critique --examples-from hands --out judge.artist
"""


def add_adapt(adapt: argparse.ArgumentParser) -> None:
    """Add a command for each art that learns from files; each sets `run`, which takes the options and returns 0."""
    arts = adapt.add_subparsers(required=True, metavar="ART")
    for name, art in ARTS.items():
        if art.works is None:
            continue
        about = f"Adapt a run of {name} to {art.works.help}, and keep what came of it as an artist."
        command = arts.add_parser(name, help=about, description=about)
        command.add_argument("--run", dest="model", type=Path, metavar="RUN",
                             help="run directory (the model that ships with metaart)")  # fmt: skip
        add_works(command, [art.works], blends=False)
        command.add_argument("--steps", type=int, metavar="N", help="adaptation steps, 0 to 100 (as trained)")
        command.add_argument("--name", help="of the artist (that of the file)")
        command.add_argument("--strict", action="store_true", help="refuse all where one work cannot be used")
        command.add_argument("--out", type=Path, default=Path("new.artist"), metavar="FILE",
                             help="file to write (new.artist)")  # fmt: skip
        command.set_defaults(run=_adapt, adapt_art=name)


def _adapt(parsed: argparse.Namespace) -> int:
    art = ARTS[parsed.adapt_art]
    assert art.works is not None
    (works,) = groups_of_works(parsed, art.works)
    run = load(parsed.model, art.name)
    if run.art.name != art.name:
        raise UserError(
            expected=f"a run of {art.name}",
            got=f"{run.folder}, a run of {run.config.recipe}",
            fix=f"Give --run of `metaart train {art.name}`, or leave it out.",
        )
    name = parsed.name or parsed.out.stem
    artist = run.adapt_works(works, steps=parsed.steps, name=name, strict=parsed.strict, losses=True)
    artist.save(parsed.out)
    print(f"{parsed.out}: {artist.num_works} of {len(works)} works, {artist.steps} steps in {artist.seconds:.1f} s")
    print(artist.table())
    return 0
