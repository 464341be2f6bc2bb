"""The commands `metaart data prepare|show|export`; what `prepare` takes follows from the sources."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from metaart.commands.flags import add_flags, values_of
from metaart.data import SOURCES, RegisteredSource
from metaart.errors import UserError
from metaart.options import Described, described, option, options

if TYPE_CHECKING:
    from metaart.data.base import Source

_DEFAULT = Path("data/music")
_NEEDED = "needed"


@options()
class PrepareOptions:
    """What may be set whatever the source."""

    licence: Literal["any", "permissive"] = option(default="any", help="permissive leaves out works with restrictions")
    limit_per_group: int | None = option(default=None, ge=1, usual="all", help="at most so many works of a group")
    min_works: int | None = option(
        default=None, ge=0, usual="as the source has it", help="leave out groups with fewer works"
    )
    workers: int | None = option(default=None, ge=1, usual="all cores", help="processes that read")


@options()
class ShowOptions:
    """What may be set of a sheet of pictures."""

    per_group: int = option(default=8, ge=1, help="pictures of each group on the sheet")


@options()
class ExportOptions:
    """What may be set of an export."""

    limit: int | None = option(default=None, ge=1, usual="all", help="at most so many works")


def add_data(data: argparse.ArgumentParser) -> None:
    """Add the actions to the parser of `metaart data`; each sets `run`, which takes the options and returns 0."""
    actions = data.add_subparsers(required=True, metavar="ACTION")
    _add_prepare(actions)
    about = "Print groups, works, what they measure, licences and splits of a prepared folder."
    show = actions.add_parser("show", help=about, description=about)
    show.add_argument("data", nargs="?", default=_DEFAULT, help="prepared folder, or its URL (data/music)")
    show.add_argument("--sheet", type=Path, metavar="FILE", help="also draw a few pictures of each group, as PNG")
    add_flags(show, described(ShowOptions))
    show.set_defaults(run=_show, only_prints=True)
    about = "Write works of a group of a prepared folder as files again."
    export = actions.add_parser("export", help=about, description=about)
    export.add_argument("data", nargs="?", default=_DEFAULT, help="prepared folder, or its URL (data/music)")
    export.add_argument("--group", required=True, metavar="NAME", help="whose works; metaart data show lists groups")
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    add_flags(export, described(ExportOptions))
    export.set_defaults(run=_export)


def _add_prepare(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    about = "Turn works into Parquet shards of groups (hands), split by tradition into train, validation and test."
    prepare = actions.add_parser(
        "prepare",
        help=about,
        description=about,
        epilog=_sources(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    prepare.add_argument("what", choices=list(SOURCES), help="what the works are")
    prepare.add_argument("--source", help="where they come from, one of those below (the first)")
    prepare.add_argument("--archive", type=Path, dest="path", metavar="PATH", help="another name of --path")
    prepare.add_argument("--out", type=Path, help="folder to write (data/WHAT)")
    prepare.add_argument("--groups", nargs="+", metavar="NAME", help="only these groups; patterns such as 'China:*'")
    add_flags(prepare, all_fields())
    prepare.set_defaults(run=_prepare)


def _sources() -> str:
    """How each source is asked for, with what must be given, and what it reads."""
    lines = []
    for what, sources in SOURCES.items():
        for name, source in sources.items():
            flags = f" --source {name}" if name != next(iter(sources)) else ""
            needed = [field for field in described(source.options).values() if field.default is ...]
            flags += "".join(f" {field.flag} {field.name.upper()}" for field in needed)
            lines.append((f"  metaart data prepare {what}{flags}", source.about))
    width = max(len(command) for command, _ in lines)
    listed = [f"{command:{width}}  {about}" for command, about in lines]
    free = f"  metaart data prepare {next(iter(SOURCES))} --licence permissive --out data/free"
    return "\n".join(["A killed run goes on where it was; a second call does nothing.", "", *listed, free])


def all_fields() -> dict[str, Described]:
    """What the command takes for all sources, and what any source takes; where defaults differ, they say whose."""
    takers: dict[str, list[tuple[str, Described]]] = {}
    for name, field in described(PrepareOptions).items():
        takers[name] = [("", field)]
    for what, sources in SOURCES.items():
        for source in sources.values():
            for name, field in described(source.options).items():
                takers.setdefault(name, []).append((what, field))
    return {name: fields[0][1]._replace(usual=_usual(fields)) for name, fields in takers.items()}


def _usual(takers: list[tuple[str, Described]]) -> str:
    """The default of a field in words, by kind of works where there are several: "drawings: 64; pictures: 512"."""
    by_kind: dict[str, dict[str, None]] = {}
    for what, field in takers:
        by_kind.setdefault(what, {})[_NEEDED if field.default is ... else field.usual] = None
    by_words: dict[str, list[str]] = {}
    for what, words in by_kind.items():
        by_words.setdefault(" or ".join(sorted(words, key=lambda word: word != _NEEDED)), []).append(what)
    if len(by_words) == 1:
        return next(iter(by_words))
    return "; ".join(f"{', '.join(kinds)}: {words}" if kinds != [""] else words for words, kinds in by_words.items())


def _prepare(parsed: argparse.Namespace) -> int:
    from metaart.data.prepare import prepare

    source, asked = _source(parsed), PrepareOptions(**values_of(parsed, PrepareOptions))
    folder = parsed.what if asked.licence == "any" else f"{parsed.what}-permissive"
    out = parsed.out or Path("data") / folder
    done = prepare(
        source,
        out,
        licence=asked.licence,
        workers=asked.workers,
        limit_per_group=asked.limit_per_group,
        groups=parsed.groups,
        min_works=asked.min_works,
    )
    counts, total = done["counts"], source.medium.total
    print(
        f"{out}: {counts['works']:,} works in {counts['groups']} groups, {counts[total]:,} {total}; "
        f"{counts['rejected']:,} left out" + ("" if done["prepared"] else "; it was there already, nothing done")
    )
    return 0


def _source(parsed: argparse.Namespace) -> Source:
    """The source that was asked for, with what was given of its options.

    Raises:
        UserError: there is none of that name, or it takes no such option, or needs one that was not given.
    """
    sources = SOURCES[parsed.what]
    name = parsed.source or next(iter(sources))
    if name not in sources:
        raise UserError(
            expected=f"--source {' or '.join(sources)} for {parsed.what}",
            got=f"--source {name}",
            fix="Take one of them.",
        )
    source = sources[name]
    takes = described(source.options)
    for field in all_fields().values():
        value = getattr(parsed, field.name)
        needed = field.name in takes and takes[field.name].default is ...
        foreign = field.name not in takes and field.name not in described(PrepareOptions)
        if (value is not None and foreign) or (value is None and needed):
            raise UserError(
                expected=f"{'a' if needed else 'no'} {field.flag} for {parsed.what} with --source {name}",
                got=f"{field.flag} {value}" if value is not None else "none",
                fix=source.advice or _advice(parsed.what, sources),
            )
    built: Source = source.build(source.options(**values_of(parsed, source.options)))
    return built


def _advice(what: str, sources: dict[str, RegisteredSource]) -> str:
    own = f" For your own files: metaart data prepare {what} --source folder --path DIR" * ("folder" in sources)
    return f"See: metaart data prepare --help.{own}"


def _show(parsed: argparse.Namespace) -> int:
    from metaart.data.shards import Dataset
    from metaart.data.sheet import sheet
    from metaart.data.show import table
    from metaart.files import write_file

    asked = ShowOptions(**values_of(parsed, ShowOptions))
    dataset = Dataset.open(parsed.data)
    drawn = None if parsed.sheet is None else sheet(dataset, asked.per_group)
    if drawn is not None:
        write_file(parsed.sheet, drawn)
    print(table(dataset))
    if drawn is not None:
        print(parsed.sheet)
    return 0


def _export(parsed: argparse.Namespace) -> int:
    from metaart.data.export import export
    from metaart.data.shards import Dataset

    asked = ExportOptions(**values_of(parsed, ExportOptions))
    paths = export(Dataset.open(parsed.data), parsed.group, parsed.out, limit=asked.limit)
    print(f"{parsed.out}: {len(paths)} works of {parsed.group}")
    return 0
