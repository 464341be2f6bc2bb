"""What a curator sends: a folder of hands, or a table of scores."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path, PurePosixPath

from metaart.arts.critique.judge import Example, check_score
from metaart.domains.critique.domain import MAX_WORKS
from metaart.errors import TooLarge, UserError
from metaart.files import read_file

MAX_TABLE_BYTES = 2**20
MAX_FILE_BYTES = 32 * 2**20
COLUMNS = ["file", "score"]
_FIX_TABLE = "Give a CSV file whose first line is file,score, and one picture and its score from 1 to 10 a line."


def examples_of_hands(folder: Path, suffixes: tuple[str, ...], kind: str) -> list[Example]:
    """The files of a folder with one sub-folder for each hand, in the order of their names.

    Hidden files and files of other kinds (a read-me, say) are passed over.

    Args:
        folder: FOLDER/hand/file.
        suffixes: of the files wanted, in lower case, with the dot.
        kind: of the files, for errors.

    Raises:
        UserError: no such folder, fewer than two hands, a hand without a file of the kind.
        TooLarge: more than `MAX_WORKS` files, or one above 32 MiB.
    """
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
        own = sorted(path for path in hand.iterdir() if path.suffix.lower() in suffixes and path.name[0] != ".")
        if not own:
            raise UserError(
                expected=f"{kind} in every sub-folder", got=f"none in {hand}", fix="Add some, or remove the folder."
            )
        files += [(hand.name, path) for path in own]
    if len(files) > MAX_WORKS:
        raise TooLarge(
            expected=f"at most {MAX_WORKS} examples", got=str(len(files)), fix="Give a handful of each hand."
        )
    return [Example(f"{hand}/{path.name}", _bounded(path, kind), hand=hand) for hand, path in files]


def rated_examples(table: Path) -> list[Example]:
    """The works that a CSV file rates; files are named relative to it.

    Raises:
        UserError: not such a table; a score that is none; a file outside the table's folder, or not there.
        TooLarge: a table above 1 MiB or of more than `MAX_WORKS` lines, or a picture above 32 MiB.
    """
    data = _bounded(table, "a CSV file of scores", MAX_TABLE_BYTES)
    return [
        Example(name, _bounded(table.parent / name, "a picture"), score=score)
        for name, score in read_scores(data, str(table))
    ]


def read_scores(data: bytes, name: str = "the table") -> list[tuple[str, float]]:
    """File names and scores of a CSV file with the columns file and score.

    Args:
        data: the file, UTF-8, with or without a byte order mark.
        name: what to call it in errors.

    Raises:
        UserError: not such a table; a score that is no number from 1 to 10; a file that is named twice, or by a path
            that leads outside.
        TooLarge: more than `MAX_WORKS` lines.
    """
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(expected="a CSV file in UTF-8", got=f"{name}: {error}", fix=_FIX_TABLE) from error
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if not rows or [cell.strip().lower() for cell in rows[0]] != COLUMNS:
        got = f"{name}, which begins with {','.join(rows[0])[:60]!r}" if rows else f"{name}, which is empty"
        raise UserError(expected="a first line file,score", got=got, fix=_FIX_TABLE)
    if len(rows) - 1 > MAX_WORKS:
        raise TooLarge(
            expected=f"at most {MAX_WORKS} rated works", got=f"{len(rows) - 1} in {name}", fix="Choose some of them."
        )
    found: dict[str, float] = {}
    for number, row in enumerate(rows[1:], start=2):
        where = f"line {number} of {name}"
        if len(row) != 2:
            raise UserError(expected="two cells a line", got=f"{len(row)} in {where}", fix=_FIX_TABLE)
        file, score = row[0].strip(), _number(row[1], where)
        path = PurePosixPath(file)
        if not file or path.is_absolute() or ".." in path.parts or "\\" in file or "\0" in file:
            raise UserError(
                expected="files beside the table or in folders below it",
                got=f"{file[:80]!r} in {where}",
                fix=_FIX_TABLE,
            )
        if file in found:
            raise UserError(expected="each file once", got=f"{file!r} again in {where}", fix="Remove one of them.")
        found[file] = check_score(Example(f"{file} in {where}", b"", score=score))
    return list(found.items())


def _number(cell: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(expected="a score from 1 to 10", got=f"{cell[:40]!r} in {where}", fix=_FIX_TABLE)
    return value


def _bounded(path: Path, kind: str, most: int = MAX_FILE_BYTES) -> bytes:
    if path.is_file() and path.stat().st_size > most:
        raise TooLarge(
            expected=f"{kind} of at most {most:,} bytes",
            got=f"{path} of {path.stat().st_size:,}",
            fix="Make it smaller.",
        )
    return read_file(path, kind)
