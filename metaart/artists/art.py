"""The seam at which an art is offered: how works are read, and what is made of an artist."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
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
        make: makes all that is asked, in order; with None for a run where `without_run` says so. It raises for all if
            one cannot be made, and is then called for each alone.
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
    make: Callable[[Run | None, Sequence[Request]], list[Made]]
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


class Evaluation(NamedTuple):
    """How runs of an art are judged.

    Attributes:
        options: a class with `metaart.options.options`.
        judge: takes the run, the options, the folder for pictures, and what keeps results safe meanwhile
            (`evaluation.report.keep` bound to the command and the folder).
    """

    options: type[Any]
    judge: Callable[[Run, Any, Path, Callable[[dict[str, Any], str], object]], Judged]


class Art(NamedTuple):
    """What is offered of an art.

    Attributes:
        name: as its domain is registered.
        about: one line that says what it is.
        works: what an artist is adapted to; None where the art takes no files.
        read: one work as the art understands it; it raises `UserError` for one that cannot be used.
        support: the works that were read, with those they are of, as what is adapted to; it refuses too few or many.
        uses: what is made of artists.
        evaluation: how runs are judged; None for the evaluation of most arts (`evaluation.adaptation`).
        blends: whether artists can be mixed.
    """

    name: str
    about: str
    works: WorksInput | None = None
    read: Callable[[Domain, Work], Any] | None = None
    support: Callable[[Domain, Sequence[Any], Sequence[Work]], Support] | None = None
    uses: tuple[Use, ...] = ()
    evaluation: Evaluation | None = None
    blends: bool = False

    def use(self, verb: str) -> Use | None:
        """What is done by a verb; where nothing is created, judging is what creating makes."""
        found = {use.verb: use for use in self.uses}
        return found.get(verb) or (found.get("judge") if verb == "create" else None)  # type: ignore[call-overload]
