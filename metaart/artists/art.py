"""The seam at which an art is offered: how works are read, and what is made of an artist."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from metaart.artists.works import Work, WorksInput
from metaart.formats.base import Format

if TYPE_CHECKING:
    from metaart.artists.artist import Artist, Support
    from metaart.artists.run import Run
    from metaart.domains.base import Domain


class FileInput(NamedTuple):
    """A file that a use takes beside the works to adapt to.

    Attributes:
        name: of the field of a form, the argument in Python and the flag.
        format: of the file.
        help: what it is, in words that follow the name.
        required: whether it must be given.
        flag: on the command line, where it differs from the name.
        each: whether the command line takes several, and something is made of each.
    """

    name: str
    format: Format
    help: str
    required: bool = True
    flag: str = ""
    each: bool = False


class Extra(NamedTuple):
    """Something that is made beside, where it is asked for.

    Attributes:
        name: of the argument in Python, the flag, and the key of an answer in JSON.
        format: of the file.
        help: what it is.
        note: what the command line says of it when it is written.
    """

    name: str
    format: Format
    help: str
    note: str = ""


class Request(NamedTuple):
    """One thing to make.

    Attributes:
        artists: in whose hand: one; one for each hand, where works of several are compared.
        options: of the use, checked.
        files: by the names of the use's inputs; only those that were given.
        extras: names of what is to be made beside.
        works: what the artists were adapted to, where that was just now; all there is where a use needs no run.
        title: what the piece will be called, where it matters; empty where nobody knows.
    """

    artists: Sequence[Artist]
    options: Any
    files: Mapping[str, Work] = {}
    extras: frozenset[str] = frozenset()
    works: Sequence[Work] = ()
    title: str = ""

    @property
    def artist(self) -> Artist:
        """The one artist."""
        (artist,) = self.artists
        return artist


class Made(NamedTuple):
    """What came of a request.

    Attributes:
        data: the file.
        words: what it is, for the command line.
        extras: what was made beside, by name.
        facts: what tells how to ask for it again, by name: ("Seed", "1").
        file_name: what to call it when it is sent.
    """

    data: bytes
    words: str
    extras: Mapping[str, bytes] = {}
    facts: Mapping[str, str] = {}
    file_name: str = ""

    def save(self, path: Path | str) -> Path:
        """Write the file.

        Raises:
            UserError: it cannot be written.
        """
        from metaart.files import write_file

        write_file(Path(path), self.data)
        return Path(path)


def _never(options: Any) -> bool:  # noqa: ARG001
    return False


class Use(NamedTuple):
    """One use of an art: what it reads, what may be asked, what it makes. All interfaces are made from this.

    Attributes:
        verb: `create` or `judge`.
        about: one line that says what it does.
        story: more of it, for the page of the service; {route} stands for the address.
        options: a class with `metaart.options.options`; a field `steps` is that of the adaptation.
        example: options that show what there is, as JSON takes them.
        works: what is adapted to.
        inputs: files beside them.
        makes: the format of what is made.
        out: the flag for the file that is made.
        default_out: where it is written if nobody says; None if then it is only said.
        extras: what can be made beside.
        examples: command lines that show the use.
        commands: names under `metaart create` that lead here; the first is its own.
        route: the last part of its address, below /v1/; empty where it is not served.
        together: whether many requests are best made side by side.
        without_run: whether what is asked is made of the works alone, without a run.
    """

    verb: Literal["create", "judge"]
    about: str
    story: str
    options: type[Any]
    example: Mapping[str, Any]
    works: WorksInput
    inputs: tuple[FileInput, ...]
    makes: Format
    commands: tuple[str, ...]
    out: str = "out"
    default_out: Path | None = None
    extras: tuple[Extra, ...] = ()
    examples: tuple[str, ...] = ()
    route: str = ""
    together: bool = False
    without_run: Callable[[Any], bool] = _never


Judged = tuple[dict[str, Any], str, list[str]]
"""Of an evaluation: what came out, the same as Markdown, and the names of the files that were written."""

Keep = Callable[[dict[str, Any], str], object]
"""Writes what an evaluation has so far, so that nothing is lost before more is measured."""


class Art(NamedTuple):
    """What is offered of an art: a description that loads nothing heavy, and a package of files with what it does.

    The files have the same names in every art, and in each a function of one name; they are loaded when first needed:

        adapt.py     read(domain, work) -> Any                    one work as the art understands it, or a `UserError`
                     support(domain, read, works) -> Support      all that could be read, as what is adapted to
        create.py    create(run, requests) -> list[Made]          all that is asked, in order, of a use with this verb;
        judge.py     judge(run, requests) -> list[Made]           it raises for all where one cannot be made
        evaluate.py  evaluate(run, asked, out, keep) -> Judged    how a run is judged

    Attributes:
        name: as its domain is registered.
        home: the package with these files.
        about: one line that says what it is.
        works: what an artist is adapted to; None where the art takes no files.
        uses: what is made of artists.
        evaluation: the options of its evaluation; None for that of most arts (`arts.usual`).
        blends: whether artists can be mixed.
    """

    name: str
    home: str
    about: str
    works: WorksInput | None = None
    uses: tuple[Use, ...] = ()
    evaluation: type[Any] | None = None
    blends: bool = False

    def use(self, verb: str) -> Use | None:
        """What is done by a verb; where nothing is created, judging is what creating makes."""
        found = {use.verb: use for use in self.uses}
        return found.get(verb) or (found.get("judge") if verb == "create" else None)  # type: ignore[call-overload]

    def read(self, domain: Domain, work: Work) -> Any:
        """One work as the art understands it.

        Raises:
            UserError: it cannot be used.
        """
        return self._file("adapt").read(domain, work)

    def support(self, domain: Domain, read: Sequence[Any], works: Sequence[Work]) -> Support:
        """What `read` gave of works, with those they are of, as what is adapted to."""
        found: Support = self._file("adapt").support(domain, read, works)
        return found

    def make(self, use: Use, run: Run | None, requests: Sequence[Request]) -> list[Made]:
        """All that is asked of a use, in order; without a run where `Use.without_run` says so.

        Raises:
            UserError: one of them asks for what cannot be done.
        """
        made: list[Made] = getattr(self._file(use.verb), use.verb)(run, requests)
        return made

    def evaluate(self, run: Run, asked: Any, out: Path, keep: Keep) -> Judged:
        """Judge a run.

        Args:
            run: of the art.
            asked: of the class `evaluation`.
            out: folder for pictures.
            keep: see `Keep`.
        """
        judged: Judged = self._file("evaluate").evaluate(run, asked, out, keep)
        return judged

    def _file(self, name: str) -> ModuleType:
        return import_module(f"{self.home}.{name}")
