"""Works that a user brings: files by name with whose hand they are or what a curator gives them, not yet read."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

from metaart.errors import TooLarge, UserError
from metaart.files import read_file
from metaart.formats.base import Format

MAX_TABLE_BYTES = 2**20
MAX_FILE_BYTES = 32 * 2**20
COLUMNS = ["file", "score"]
LOWEST_SCORE, HIGHEST_SCORE = 1.0, 10.0
_FIX_TABLE = "Give a CSV file whose first line is file,score, and one picture and its score from 1 to 10 a line."

Labels = Literal["none", "hands", "scores"]
"""What comes with each work: nothing, whose hand it is, or how a curator scored it."""


class Work(NamedTuple):
    """A file by a hand; nobody vouches for its bytes.

    Attributes:
        name: what to call it.
        data: the file.
        hand: whose it is, where works of several hands come together.
        score: how a curator rated it, from 1 to 10, where works are rated.
    """

    name: str
    data: bytes
    hand: str = ""
    score: float = 0.0


class WorksInput(NamedTuple):
    """What works a use of an art takes to adapt to.

    Attributes:
        format: of the files.
        labels: what comes with each.
        least: works, at least.
        most: works, at most.
        help: what they are, in words that follow "examples".
        advice: how many to give.
        most_hands: hands that are compared, at most, where each is adapted to by itself.
        counted: whether all files are counted in sum before the first is read, so that hundreds of large ones are
            refused at once; the service counts those of every art.
    """

    format: Format
    labels: Labels = "none"
    least: int = 1
    most: int = 20
    help: str = "works to learn from"
    advice: str = "Give a handful of works by one hand: five say most of it."
    most_hands: int = 20
    counted: bool = False


Brought = bytes | str | Path | Sequence[bytes | str | Path] | Sequence[tuple[Any, Any]] | Mapping[Any, Any]
"""What Python code may hand over as works: files by path or as bytes; {hand: files}; {path: score}."""


def works_from(brought: Brought, wanted: WorksInput) -> list[Work]:
    """What Python code hands over, as works.

    Args:
        brought: files (paths or bytes), one or several; by hand, {"Hokusai": [...], "Turner": [...]}; or scored,
            {"a.png": 7.5} or [(bytes, 7.5)].
        wanted: what the art takes.

    Raises:
        UserError: a file that cannot be read, or no labels where the art takes some.
    """
    if wanted.labels == "none":
        if isinstance(brought, Mapping):
            raise UserError(
                expected=f"{wanted.format.many} by one hand, as a list",
                got="a mapping",
                fix="Adapt to each hand apart.",
            )
        return [_work(one, index, wanted) for index, one in enumerate(_several(brought), start=1)]
    pairs: list[Any] = list(brought.items() if isinstance(brought, Mapping) else _several(brought))
    if not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
        shape = "{hand: files}" if wanted.labels == "hands" else "{file: score}, or a list of (file, score)"
        raise UserError(expected=f"works as {shape}", got=f"{brought!r:.80}", fix="Say whose each is, or its score.")
    if wanted.labels == "scores":
        return [
            _work(file, index, wanted)._replace(
                score=checked_score(score, str(file) if isinstance(file, str) else "a work")
            )
            for index, (file, score) in enumerate(pairs, start=1)
        ]
    return [
        _work(file, index, wanted)._replace(hand=str(hand))
        for hand, files in pairs
        for index, file in enumerate(_several(files), start=1)
    ]


def work_of(file: bytes | str | Path, format: Format, name: str = "the work") -> Work:
    """One file, by path or as bytes.

    Raises:
        UserError: it cannot be read.
    """
    if isinstance(file, bytes):
        return Work(name, file)
    return Work(str(file), bounded(Path(file), format.one))


def works_of_files(paths: Iterable[Path], format: Format) -> list[Work]:
    """Files by one hand.

    Raises:
        UserError: one cannot be read.
    """
    return [work_of(path, format) for path in paths]


def works_of_hands(folder: Path, wanted: WorksInput) -> list[Work]:
    """The files of a folder with one sub-folder for each hand, in the order of their names.

    Hidden files and files of other kinds (a read-me, say) are passed over.

    Args:
        folder: FOLDER/hand/file.
        wanted: which files, and how many.

    Raises:
        UserError: no such folder, fewer hands than are wanted, a hand without a file of the kind.
        TooLarge: more files than are wanted, or one above 32 MiB.
    """
    format = wanted.format
    if not folder.is_dir():
        raise UserError(
            expected="a folder with one sub-folder for each hand", got=f"{folder}, which is none", fix="Check the path."
        )
    hands = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if len(hands) < 2:
        raise UserError(
            expected=f"two sub-folders or more in {folder}, one for each hand",
            got=f"{len(hands)}",
            fix="To know one hand from others, give examples of others too.",
        )
    files: list[tuple[str, Path]] = []
    for hand in hands:
        own = sorted(path for path in hand.iterdir() if path.suffix.lower() in format.suffixes and path.name[0] != ".")
        if not own:
            raise UserError(
                expected=f"{format.many} in every sub-folder",
                got=f"none in {hand}",
                fix="Add some, or remove the folder.",
            )
        files += [(hand.name, path) for path in own]
    if len(files) > wanted.most:
        raise TooLarge(
            expected=f"at most {wanted.most} examples", got=str(len(files)), fix="Give a handful of each hand."
        )
    return [Work(f"{hand}/{path.name}", bounded(path, format.many), hand=hand) for hand, path in files]


def rated_works(table: Path, wanted: WorksInput) -> list[Work]:
    """The works that a CSV file rates; files are named relative to it.

    Raises:
        UserError: not such a table; a score that is none; a file outside the table's folder, or not there.
        TooLarge: a table above 1 MiB or of more lines than works are wanted, or a picture above 32 MiB.
    """
    data = bounded(table, "a CSV file of scores", MAX_TABLE_BYTES)
    return [
        Work(name, bounded(table.parent / name, wanted.format.one), score=score)
        for name, score in read_scores(data, str(table), wanted.most)
    ]


def read_scores(data: bytes, name: str = "the table", most: int = 200) -> list[tuple[str, float]]:
    """File names and scores of a CSV file with the columns file and score.

    Args:
        data: the file, UTF-8, with or without a byte order mark.
        name: what to call it in errors.
        most: lines below the first, at most.

    Raises:
        UserError: not such a table; a score that is no number from 1 to 10; a file that is named twice, or by a path
            that leads outside.
        TooLarge: more lines.
    """
    try:
        # Strict: a quote that never ends would swallow the rest of the table without a word.
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(expected="a CSV file in UTF-8", got=f"{name}: {error}", fix=_FIX_TABLE) from error
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if not rows or [cell.strip().lower() for cell in rows[0]] != COLUMNS:
        got = f"{name}, which begins with {','.join(rows[0])[:60]!r}" if rows else f"{name}, which is empty"
        raise UserError(expected="a first line file,score", got=got, fix=_FIX_TABLE)
    if len(rows) - 1 > most:
        raise TooLarge(
            expected=f"at most {most} rated works", got=f"{len(rows) - 1} in {name}", fix="Choose some of them."
        )
    found: dict[str, float] = {}
    for number, row in enumerate(rows[1:], start=2):
        where = f"line {number} of {name}"
        if len(row) != 2:
            raise UserError(expected="two cells a line", got=f"{len(row)} in {where}", fix=_FIX_TABLE)
        file, score = row[0].strip(), _number(row[1], where)
        path = PurePosixPath(file)
        # A table may come from somebody else: it must not make us read files that its folder does not hold.
        if not file or path.is_absolute() or ".." in path.parts or "\\" in file or "\0" in file:
            raise UserError(
                expected="files beside the table or in folders below it",
                got=f"{file[:80]!r} in {where}",
                fix=_FIX_TABLE,
            )
        if file in found:
            raise UserError(expected="each file once", got=f"{file!r} again in {where}", fix="Remove one of them.")
        found[file] = checked_score(score, f"{file} in {where}")
    return list(found.items())


def checked_score(score: Any, whose: str) -> float:
    """A score, which must be a number from 1 to 10.

    Raises:
        UserError: it is not.
    """
    # A bool is an int to Python.
    number = isinstance(score, int | float) and not isinstance(score, bool)
    if not number or not LOWEST_SCORE <= score <= HIGHEST_SCORE:
        raise UserError(
            expected=f"scores from {LOWEST_SCORE:g} to {HIGHEST_SCORE:g}",
            got=f"{score!r:.40} for {whose}",
            fix="Mend it.",
        )
    # A whole score stays whole: answers name it as it was given.
    return score if isinstance(score, int) else float(score)


def bounded(path: Path, kind: str, most: int = MAX_FILE_BYTES) -> bytes:
    """The bytes of a file that a user named, if they are not too many.

    Raises:
        UserError: it cannot be read.
        TooLarge: it is larger than `most`.
    """
    if path.is_file() and path.stat().st_size > most:
        raise TooLarge(
            expected=f"{kind} of at most {most:,} bytes",
            got=f"{path} of {path.stat().st_size:,}",
            fix="Make it smaller.",
        )
    return read_file(path, kind)


def _several(files: Any) -> list[Any]:
    return [files] if isinstance(files, bytes | str | Path) else list(files)


def _work(file: Any, number: int, wanted: WorksInput) -> Work:
    return work_of(file, wanted.format, f"example {number}")


def _number(cell: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(expected="a score from 1 to 10", got=f"{cell[:40]!r} in {where}", fix=_FIX_TABLE)
    return value
