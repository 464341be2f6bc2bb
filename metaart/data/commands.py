"""The commands `metaart data prepare|show|export`."""

from __future__ import annotations

import argparse
from pathlib import Path

from metaart.errors import UserError

_DEFAULT = Path("data/music")


def add_data(data: argparse.ArgumentParser) -> None:
    """Add the actions to the parser of `metaart data`; each sets `run`, which takes the options and returns 0."""
    actions = data.add_subparsers(required=True, metavar="ACTION")
    _add_prepare(actions)
    about = "Print groups, works, tokens, licences and splits of a prepared folder."
    show = actions.add_parser("show", help=about, description=about)
    show.add_argument("data", type=Path, nargs="?", default=_DEFAULT, help="prepared folder (data/music)")
    show.set_defaults(run=_show)
    about = "Write works of a group of a prepared folder as files again."
    export = actions.add_parser("export", help=about, description=about)
    export.add_argument("data", type=Path, nargs="?", default=_DEFAULT, help="prepared folder (data/music)")
    export.add_argument("--group", required=True, metavar="NAME", help="whose works; metaart data show lists groups")
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    export.add_argument("--limit", type=int, metavar="N", help="at most N works (all)")
    export.set_defaults(run=_export)


def _add_prepare(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    about = "Turn works into Parquet shards of groups (hands), split by tradition into train, validation and test."
    prepare = actions.add_parser(
        "prepare",
        help=about,
        description=about,
        epilog="A killed run goes on where it was; a second call does nothing.\n\n"
        "  metaart data prepare music                                   the corpus of the music21 package\n"
        "  metaart data prepare music --licence permissive --out data/free\n"
        "  metaart data prepare music --source folder --path my/midi    my/midi/COMPOSER/*.mid",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    prepare.add_argument("domain", choices=["music"], help="the art form")
    prepare.add_argument("--source", default="corpus", choices=["corpus", "folder"], help="where works come from")
    prepare.add_argument("--path", type=Path, help="the folder of --source folder: one sub-folder per composer")
    prepare.add_argument("--out", type=Path, help="folder to write (data/music)")
    prepare.add_argument(
        "--licence", default="any", choices=["any", "permissive"], help="permissive leaves out works with restrictions"
    )
    prepare.add_argument("--groups", nargs="+", metavar="NAME", help="only these groups; patterns such as 'China:*'")
    prepare.add_argument("--limit-per-group", type=int, metavar="N", help="at most N works of a group")
    prepare.add_argument("--min-works", type=int, metavar="N", help="leave out groups with fewer works")
    prepare.add_argument("--workers", type=int, help="processes (all cores)")
    prepare.set_defaults(run=_prepare)


def _prepare(options: argparse.Namespace) -> int:
    from metaart.data import SOURCES
    from metaart.data.prepare import prepare

    if (options.source == "folder") != (options.path is not None):
        raise UserError(
            expected="--path DIR with --source folder, and only there",
            got=f"--source {options.source} --path {options.path}",
            fix="For your own files: metaart data prepare music --source folder --path DIR",
        )
    source = SOURCES["music"][options.source](*([options.path] if options.path else []))
    out = options.out or (_DEFAULT if options.licence == "any" else Path("data/music-permissive"))
    done = prepare(
        source,
        out,
        licence=options.licence,
        workers=options.workers,
        limit_per_group=options.limit_per_group,
        groups=options.groups,
        min_works=options.min_works,
    )
    counts = done["counts"]
    print(
        f"{out}: {counts['works']:,} works in {counts['groups']} groups, {counts['tokens']:,} tokens; "
        f"{counts['rejected']:,} left out" + ("" if done["prepared"] else "; it was there already, nothing done")
    )
    return 0


def _show(options: argparse.Namespace) -> int:
    from metaart.data.shards import Dataset
    from metaart.data.show import table

    print(table(Dataset.open(options.data)))
    return 0


def _export(options: argparse.Namespace) -> int:
    from metaart.data.export import export
    from metaart.data.shards import Dataset

    if options.limit is not None and options.limit < 1:
        raise UserError(expected="--limit of 1 or more", got=str(options.limit), fix="Leave it out for all works.")
    paths = export(Dataset.open(options.data), options.group, options.out, limit=options.limit)
    print(f"{options.out}: {len(paths)} works of {options.group}")
    return 0
