"""The command `metaart create ART`: one for every art, made from the description of its use."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from metaart.artists.art import Art, Use
from metaart.artists.works import Work, work_of
from metaart.arts import ARTS, load
from metaart.commands.flags import add_flags, values_of
from metaart.commands.works_flags import add_works, flag_of, groups_of_works
from metaart.errors import UserError
from metaart.files import write_file
from metaart.options import described

if TYPE_CHECKING:
    from metaart.artists.art import Made
    from metaart.artists.artist import Artist
    from metaart.artists.run import Run


class Offer(NamedTuple):
    """An art and one use of it."""

    art: Art
    use: Use


def add_create(create: argparse.ArgumentParser) -> None:
    """Add a command for each name that a use has; each sets `run`, which takes the options and returns 0."""
    arts = create.add_subparsers(required=True, metavar="ART")
    for name in dict.fromkeys(name for art in ARTS.values() for use in art.uses for name in use.commands):
        offers = offers_of(name)
        about = offers[0].use.about
        examples = "\n".join(f"  {line}" for offer in offers for line in offer.use.examples)
        command = arts.add_parser(
            name, help=about, description=about, epilog=examples, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        _add_use(command, offers)
        command.set_defaults(run=_create, create_command=name)


def offers_of(command: str) -> list[Offer]:
    """The uses that a command leads to, its own first: the run that is given decides."""
    offers = [Offer(art, use) for art in ARTS.values() for use in art.uses if command in use.commands]
    return sorted(offers, key=lambda offer: offer.use.commands[0] != command or offer.art.name != command)


def _add_use(command: argparse.ArgumentParser, offers: Sequence[Offer]) -> None:
    uses = [offer.use for offer in offers]
    command.add_argument("--run", dest="model", type=Path, metavar="RUN",
                         help="run directory (the model that ships with metaart)")  # fmt: skip
    add_works(command, [use.works for use in uses], blends=any(offer.art.blends for offer in offers))
    command.add_argument("--artist", type=Path, nargs="+", metavar="FILE",
                         help="in place of works: from `metaart adapt`; several are mixed, or compared")  # fmt: skip
    for entry in {entry.name: entry for use in uses for entry in use.inputs}.values():
        count: dict[str, Any] = {"nargs": "+"} if entry.each else {}
        flag = "--" + (entry.flag or entry.name).replace("_", "-")
        command.add_argument(flag, dest=entry.name, type=Path, metavar=entry.format.metavar, help=entry.help, **count)
    add_flags(command, {name: field for use in uses for name, field in described(use.options).items()})
    for use in {use.out: use for use in uses}.values():
        default = f" ({use.default_out})" if use.default_out is not None else ""
        folder = ", or a folder for several" * any(entry.each for entry in use.inputs)
        command.add_argument(f"--{use.out}", dest="out", type=Path, metavar=use.makes.metavar,
                             help=f"{use.makes.one} to write{folder}{default}")  # fmt: skip
    for extra in {extra.name: extra for use in uses for extra in use.extras}.values():
        command.add_argument("--" + extra.name.replace("_", "-"), dest=extra.name, type=Path, metavar="PNG",
                             help=f"also draw {extra.help}")  # fmt: skip


def _create(parsed: argparse.Namespace) -> int:
    offers = offers_of(parsed.create_command)
    likely = _by_flags(parsed, offers)
    # Options are refused before a run is loaded, where only one use can be meant; else the run says whose they are.
    asked = likely.use.options(**values_of(parsed, likely.use.options)) if len(offers) == 1 else None
    run: Run | None = None
    if asked is None or not likely.use.without_run(asked):
        run = load(parsed.model, likely.art.name)
    offer = likely if run is None else _of_run(run, offers, parsed)
    asked = offer.use.options(**values_of(parsed, offer.use.options)) if asked is None else asked
    files = {entry.name: getattr(parsed, entry.name, None) for entry in offer.use.inputs}
    _refuse_missing(offer.use, files)
    _refuse_beside_artists(parsed, offers)
    making = Making(run, *offer, asked, files, parsed.out or offer.use.default_out)
    artists, works = making.artists(parsed)
    extras = {extra.name: path for extra in offer.use.extras if (path := getattr(parsed, extra.name)) is not None}
    print(making.made(artists, works, extras))
    return 0


def _refuse_missing(use: Use, files: Mapping[str, Any]) -> None:
    """Refuse a command without a file that the use needs, before anything is computed."""
    for entry in use.inputs:
        if entry.required and files[entry.name] is None:
            flag = "--" + (entry.flag or entry.name)
            raise UserError(expected=f"{flag} {entry.format.metavar}: {entry.help}", got="none", fix=f"Give {flag}.")


def _refuse_beside_artists(parsed: argparse.Namespace, offers: Sequence[Offer]) -> None:
    """Refuse what would be passed over where artists are given: works to adapt to, and how."""
    if parsed.artist is None:
        return
    flags = {flag_of(offer.use.works).name: flag_of(offer.use.works).flag for offer in offers}
    for name, flag in (flags | {"blend": "--blend", "steps": "--steps"}).items():
        if getattr(parsed, name, None):
            raise UserError(
                expected="--artist alone, which was adapted already",
                got=f"{flag} beside it",
                fix=f"Leave one of the two out, or adapt again: metaart adapt {offers[0].art.name} {flag} ...",
            )


def _by_flags(parsed: argparse.Namespace, offers: Sequence[Offer]) -> Offer:
    """The use whose way to give works was taken."""
    for offer in offers:
        if getattr(parsed, flag_of(offer.use.works).name) is not None:
            return offer
    if parsed.artist is None:
        ways = " or ".join(dict.fromkeys(flag_of(offer.use.works).flag for offer in offers))
        raise UserError(expected=f"{ways}, or --artist", got="none of them", fix=f"For example: {_example(offers)}")
    return offers[0]


def _of_run(run: Run, offers: Sequence[Offer], parsed: argparse.Namespace) -> Offer:
    """The use of a run, which must be of one of these arts and take the works as they were given.

    Raises:
        UserError: it is of another art, or wants works in another way.
    """
    found = next((offer for offer in offers if offer.art.name == run.art.name), None)
    first = offers[0].art.name
    if found is None:
        raise UserError(
            expected=f"a run of {' or '.join(offer.art.name for offer in offers)}",
            got=f"{run.folder}, a run of {run.config.recipe}",
            fix=f"Give --run of `metaart train {first}`, or leave it out.",
        )
    own = flag_of(found.use.works)
    flags = {flag.name: flag.flag for flag in (flag_of(offer.use.works) for offer in offers)}
    if wrong := next((flag for name, flag in flags.items() if name != own.name and getattr(parsed, name)), None):
        others = [offer.art.name for offer in offers if flag_of(offer.use.works).flag == wrong]
        raise UserError(
            expected=f"{own.flag} for {run.folder}, a run of {run.art.name}",
            got=wrong,
            fix=f"Give {own.flag}, or a run of `metaart train {others[0]}`.",
        )
    takes = _names(found.use)
    for name in (name for offer in offers for name in _names(offer.use)):
        if name not in takes and getattr(parsed, name) is not None:
            raise UserError(
                expected=f"options that {run.folder}, a run of {run.art.name}, takes",
                got="--" + name.replace("_", "-"),
                fix="Leave it out.",
            )
    return found


def _names(use: Use) -> list[str]:
    """Where a parser puts what belongs to a use: its files, what is made beside, its options."""
    files = [entry.name for entry in use.inputs]
    return [*files, *(extra.name for extra in use.extras), *described(use.options)]


def _example(offers: Sequence[Offer]) -> str:
    return offers[0].use.examples[0] if offers[0].use.examples else "see --help"


class Making(NamedTuple):
    """What a command is to make, and where it goes.

    Attributes:
        run: of the art; None where none is needed.
        art: itself.
        use: of the art.
        options: checked.
        files: paths by input; several where the input takes several.
        out: what was asked for; None where what is made is only said.
    """

    run: Run | None
    art: Art
    use: Use
    options: Any
    files: Mapping[str, Any]
    out: Path | None

    def artists(self, parsed: argparse.Namespace) -> tuple[list[Artist], list[Work]]:
        """The artists that were named, or those of the works that were; and these works."""
        from metaart.artists.artist import blended
        from metaart.artists.requests import artists_of

        if parsed.artist is not None:
            assert self.run is not None
            artists = [self.run.artist(path) for path in parsed.artist]
            # A run that adapts to one hand, and a use that is given several: these are compared. Elsewhere they are
            # mixed.
            compared = self.use.works.labels != self.run.reads.labels
            return (artists if compared else [blended(artists)]), []
        groups = groups_of_works(parsed, self.use.works)
        works = [work for group in groups for work in group]
        if self.run is None:
            return [], works
        steps = getattr(self.options, "steps", None)
        if self.use.works.labels != self.run.reads.labels:
            return artists_of(self.run, self.use, works, steps), works
        adapted = [self.run.adapt_works(group, steps=steps) for group in groups]
        return [blended(adapted)], works

    def made(self, artists: Sequence[Artist], works: Sequence[Work], extras: Mapping[str, Path]) -> str:
        """Make it, write it, and say what was written."""
        from metaart.artists.art import Request

        each = next((entry for entry in self.use.inputs if entry.each), None)
        turns: list[Path | None] = [None]
        targets: list[Path | None] = [self.out]
        if each is not None:
            turns, suffix = list(self.files[each.name]), self.use.makes.suffixes[0]
            targets = [*targets_of(self.files[each.name], self.out, suffix)]
        first: Made | None = None
        requests = []
        for path in turns:
            files = {**self.files, each.name: path} if each is not None else self.files
            read = {entry.name: work_of(files[entry.name], entry.format)
                    for entry in self.use.inputs if files[entry.name] is not None}  # fmt: skip
            title = self.out.name if self.out is not None else ""
            requests.append(Request(artists, self.options, read, frozenset(extras), works, title))
        if each is not None:  # before the first is made: better none than half of them
            for request in requests:
                each.format.check([request.files[each.name].data], [request.files[each.name].name])
        for request, target in zip(requests, targets, strict=True):
            (made,) = (
                self.run.make(self.use, [request]) if self.run is not None else self.art.make(self.use, None, [request])
            )
            first = first or made
            if target is not None:
                made.save(target)
        assert first is not None
        # Of the first alone, as each of these files has one name.
        for name, path in extras.items():
            write_file(path, first.extras[name])
        return self._sentence(first, targets, extras)

    def _sentence(self, made: Made, targets: Sequence[Path | None], extras: Mapping[str, Path]) -> str:
        if self.use.verb == "create":
            many = f"{len(targets)} {self.use.makes.many} in {self.out}"
            written = [many if len(targets) > 1 else str(targets[0]), *map(str, extras.values())]
            return f"{' and '.join(written)}: {made.words}"
        lines = [made.words] + [f"written: {target}" for target in targets if target is not None]
        notes = {extra.name: f" ({extra.note})" if extra.note else "" for extra in self.use.extras}
        return "\n".join(lines + [f"written: {path}{notes[name]}" for name, path in extras.items()])


def targets_of(sources: Sequence[Path], out: Path | None, suffix: str) -> list[Path]:
    """The file to write for each of several sources.

    Raises:
        UserError: one file for several sources, or a file of another kind.
    """
    assert out is not None
    if len(sources) == 1 and out.suffix.lower() == suffix:
        return [out]
    if out.suffix:
        raise UserError(
            expected=f"a folder as --out, or one photograph and a file that ends with {suffix}",
            got=f"{out} for {len(sources)} photographs",
            fix="Use --out pictures",
        )
    stems = [path.stem for path in sources]
    return [
        out / (f"{stem}{suffix}" if stems.count(stem) == 1 else f"{number:02d}-{stem}{suffix}")
        for number, stem in enumerate(stems, start=1)
    ]
