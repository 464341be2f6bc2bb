"""The commands `metaart data prepare|show|export`."""

from __future__ import annotations

import argparse
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaart.errors import UserError

if TYPE_CHECKING:
    from metaart.data.base import Source

_DEFAULT = Path("data/music")
_WHAT = ("music", "drawings", "pictures", "photographs")
_EXAMPLES = """\
A killed run goes on where it was; a second call does nothing.

  metaart data prepare music                                     the corpus of the music21 package
  metaart data prepare music --licence permissive --out data/free
  metaart data prepare music --source folder --path my/midi      my/midi/COMPOSER/*.mid
  metaart data prepare drawings --archive iconify-json-*.tgz     what `npm pack @iconify/json` wrote
  metaart data prepare pictures --source folder --path my/art    my/art/ARTIST/*.jpg
  metaart data prepare pictures --source parquet --path wikiart  image bytes and a column of labels
  metaart data prepare pictures --source gcompris --out data/paintings
  metaart data prepare photographs                               of Debian's gcompris-qt-data, or a folder of your own
"""


def add_data(data: argparse.ArgumentParser) -> None:
    """Add the actions to the parser of `metaart data`; each sets `run`, which takes the options and returns 0."""
    actions = data.add_subparsers(required=True, metavar="ACTION")
    _add_prepare(actions)
    about = "Print groups, works, what they measure, licences and splits of a prepared folder."
    show = actions.add_parser("show", help=about, description=about)
    show.add_argument("data", nargs="?", default=_DEFAULT, help="prepared folder, or its URL (data/music)")
    show.add_argument("--sheet", type=Path, metavar="FILE", help="also draw a few pictures of each group, as PNG")
    show.add_argument("--per-group", type=int, default=8, metavar="N", help="pictures of each group on the sheet (8)")
    show.set_defaults(run=_show, only_prints=True)
    about = "Write works of a group of a prepared folder as files again."
    export = actions.add_parser("export", help=about, description=about)
    export.add_argument("data", nargs="?", default=_DEFAULT, help="prepared folder, or its URL (data/music)")
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
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    prepare.add_argument("what", choices=_WHAT, help="music, drawings, pictures or photographs")
    prepare.add_argument("--source", help="where works come from (music: corpus or folder; see below)")
    prepare.add_argument("--path", "--archive", type=Path, help="folder, file or archive of the source")
    prepare.add_argument("--side", type=int, metavar="PX", help="longest side of pictures (512; drawings: 64)")
    prepare.add_argument("--out", type=Path, help="folder to write (data/WHAT)")
    prepare.add_argument(
        "--licence", default="any", choices=["any", "permissive"], help="permissive leaves out works with restrictions"
    )
    prepare.add_argument("--groups", nargs="+", metavar="NAME", help="only these groups; patterns such as 'China:*'")
    prepare.add_argument("--limit-per-group", type=int, metavar="N", help="at most N works of a group (drawings: 300)")
    prepare.add_argument("--min-works", type=int, metavar="N", help="leave out groups with fewer works")
    prepare.add_argument("--workers", type=int, help="processes (all cores)")
    prepare.set_defaults(run=_prepare)


def _prepare(options: argparse.Namespace) -> int:
    from metaart.data.prepare import prepare

    source = _source(options)
    named = options.what if options.licence == "any" else f"{options.what}-permissive"
    out = options.out or Path("data") / named
    done = prepare(
        source,
        out,
        licence=options.licence,
        workers=options.workers,
        limit_per_group=options.limit_per_group,
        groups=options.groups,
        min_works=options.min_works,
    )
    counts, total = done["counts"], source.medium.total
    print(
        f"{out}: {counts['works']:,} works in {counts['groups']} groups, {counts[total]:,} {total}; "
        f"{counts['rejected']:,} left out" + ("" if done["prepared"] else "; it was there already, nothing done")
    )
    return 0


def _source(options: argparse.Namespace) -> Source:
    """The source that was asked for, with those of the options that it takes."""
    from metaart.data import SOURCES

    known = SOURCES[options.what]
    name = options.source or next(iter(known))
    if name not in known:
        raise UserError(
            expected=f"--source {' or '.join(known)} for {options.what}",
            got=f"--source {name}",
            fix="Take one of them.",
        )
    takes = inspect.signature(known[name]).parameters
    given: dict[str, Any] = {"path": options.path, "side": options.side}
    for key, value in given.items():
        needed = key in takes and takes[key].default is inspect.Parameter.empty
        if (value is not None and key not in takes) or (value is None and needed):
            raise UserError(
                expected=f"{'a' if needed else 'no'} --{key} for {options.what} with --source {name}",
                got=f"--{key} {value}" if value is not None else "none",
                fix=_fix(options.what),
            )
    settings = {key: value for key, value in given.items() if value is not None}
    if "per_set" in takes and options.limit_per_group is not None:
        settings["per_set"] = options.limit_per_group
    return known[name](**settings)


def _fix(what: str) -> str:
    if what == "drawings":
        return "Get the archive with: npm pack @iconify/json, then: metaart data prepare drawings --archive FILE"
    return (
        f"See: metaart data prepare --help. For your own files: metaart data prepare {what} --source folder --path DIR"
    )


def _show(options: argparse.Namespace) -> int:
    from metaart.data.shards import Dataset
    from metaart.data.sheet import sheet
    from metaart.data.show import table
    from metaart.files import write_file

    dataset = Dataset.open(options.data)
    drawn = None if options.sheet is None else sheet(dataset, options.per_group)
    if drawn is not None:
        write_file(options.sheet, drawn)
    print(table(dataset))
    if drawn is not None:
        print(options.sheet)
    return 0


def _export(options: argparse.Namespace) -> int:
    from metaart.data.export import export
    from metaart.data.shards import Dataset

    if options.limit is not None and options.limit < 1:
        raise UserError(expected="--limit of 1 or more", got=str(options.limit), fix="Leave it out for all works.")
    paths = export(Dataset.open(options.data), options.group, options.out, limit=options.limit)
    print(f"{options.out}: {len(paths)} works of {options.group}")
    return 0
