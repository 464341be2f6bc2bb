"""Drawings in colour by named authors: the Open Clip Art Library, as Debian packages it (openclipart-svg)."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import replace
from functools import cached_property
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np

from metaart.data.base import Entry, Group, Rejected, Source
from metaart.data.defaults import SIDE_PX
from metaart.data.folder import split_by_name
from metaart.data.media.pictures import PictureMedium
from metaart.errors import UserError
from metaart.formats.pictures.read import Pixels, write_png
from metaart.formats.pictures.svg import DrawingBounds, rasterise

INSTALLED = Path("/usr/share/openclipart/svg")
_GET = (
    "Install the Debian package openclipart-svg, or unpack it and give its folder: apt-get download openclipart-svg, "
    "dpkg -x openclipart-svg_*.deb DIR, --path DIR/usr/share/openclipart/svg"
)
_RULE = "flags, signs and figures that follow a rule"
_LEFT_OUT = {"logos": "logos of brands", "special": _RULE, "shapes": _RULE, "signs_and_symbols/flags": _RULE,
             "signs_and_symbols/led": _RULE, "signs_and_symbols/map_symbols": _RULE,
             "transportation/roadsigns": _RULE}  # fmt: skip
_MARGIN = 0.03
_LARGEST = 4
_WHITE = 248
_NOBODY = {"", "unknown", "anonymous", "international code of signals", "royal navy", "u.s. army"}
_AUTHOR = re.compile(rb"<dc:creator>\s*<cc:Agent[^>]*>\s*<dc:title>([^<]*)</dc:title>")
_TITLE = re.compile(rb"<dc:title>([^<]*)</dc:title>")
_LICENCE = re.compile(rb"<(?:cc:)?license[^>]*resource=\"([^\"]*)\"")
_MAX_BYTES = DrawingBounds().max_bytes


class OpenclipartSource(Source):
    """One group per author with at least ten drawings; authors are split by their names (`split_by_name`).

    An author is the creator that the file names, without addresses; spellings that differ in case, accents or the
    order of words are one author. Logos, flags, signs and files without an author or a free licence are left out. Many
    drawings are small on a large sheet: margins are cut off.

    Args:
        path: the folder of the drawings (default: where Debian installs it).
        side: of the longer side, px.

    Raises:
        UserError: the drawings are not there.
    """

    name = "openclipart"
    reader_version = 1
    min_works = 10

    def __init__(self, path: Path | str | None = None, side: int = SIDE_PX) -> None:
        self.path, self.side = Path(path) if path is not None else INSTALLED, side
        self.medium = PictureMedium(side)
        if not self.path.is_dir() or not self._files:
            raise UserError(expected="a folder of .svg drawings", got=f"none in {self.path}", fix=_GET)

    def __getstate__(self) -> dict[str, Any]:
        """Without the catalogue: to read a work no more than its entry is needed."""
        return {key: value for key, value in self.__dict__.items() if not key.startswith("_")}

    def groups(self) -> list[Group]:
        """Authors by name."""
        works, _ = self._catalogue
        large = [author for author, entries in works.items() if len(entries) >= self.min_works]
        splits = split_by_name(large)
        return [Group(author, author, splits[author]) for author in large]

    def entries(self, group: str) -> list[Entry | Rejected]:
        """The drawings of an author; what is left out comes with the first one."""
        works, left_out = self._catalogue
        groups = self.groups()
        first = bool(groups) and group == groups[0].name
        authors = {one.name for one in groups}
        return [*(left_out if first else []), *(works[group] if group in authors else [])]

    def read(self, entry: Entry) -> bytes:
        """The drawing over white without its margins, as PNG."""
        with (self.path / entry.work_id).open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        first = rasterise(data, self.side, name=entry.work_id)
        # A small drawing on a large sheet is drawn again, so much larger that it has the side without its margins.
        scale = min(max(first.shape) / max(without_margins(first).shape), _LARGEST)
        larger = rasterise(data, round(self.side * scale), name=entry.work_id) if scale > 1 else first
        return write_png(without_margins(larger))

    @cached_property
    def _files(self) -> list[Path]:
        return sorted(path for path in self.path.rglob("*.svg") if path.is_file())

    @cached_property
    def _catalogue(self) -> tuple[dict[str, list[Entry]], list[Rejected]]:
        """Works by author, and what is left out."""
        left_out: list[Rejected] = []
        works: dict[str, list[Entry]] = {}
        spellings: dict[str, Counter[str]] = {}
        for path in self._files:
            entry = self._entry(path)
            if isinstance(entry, Rejected):
                left_out.append(entry)
            else:
                works.setdefault(author_key(entry.author), []).append(entry)
                spellings.setdefault(author_key(entry.author), Counter())[entry.author] += 1
        by_author: dict[str, list[Entry]] = {}
        for key, entries in works.items():
            # Of several spellings the most frequent one is the author's name; the last in the alphabet of equals.
            name = max(spellings[key].items(), key=lambda item: (item[1], item[0]))[0]
            if len(entries) < self.min_works:
                left_out += [Rejected(one.work_id, f"its author has fewer than {self.min_works}") for one in entries]
            by_author[name] = [replace(entry, group=name, author=name) for entry in entries]
        return dict(sorted(by_author.items())), left_out

    def _entry(self, path: Path) -> Entry | Rejected:
        work_id = path.relative_to(self.path).as_posix()
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES)
        author, title, licence = (_text(form, data) for form in (_AUTHOR, _TITLE, _LICENCE))
        author = re.sub(r"\s*[\[(].*?[\])]", "", author).strip()
        for folder, why in _LEFT_OUT.items():
            if work_id.startswith(f"{folder}/"):
                return Rejected(work_id, why)
        if author.lower() in _NOBODY or "@" in author:
            return Rejected(work_id, "no author named")
        if "publicdomain" not in licence.lower():
            return Rejected(work_id, f"not in the public domain: {licence or 'nothing stated'}")
        found = path.stat()
        return Entry(
            group=author,
            work_id=work_id,
            title=title or path.stem,
            source="openclipart-svg",
            licence="public domain",
            permissive=True,
            content=f"{work_id} {found.st_size}",
            is_path=True,
            cost=0.05,
            author=author,
        )


def without_margins(pixels: Pixels) -> Pixels:
    """A drawing on white, cut to what is drawn and 3 % of its longer side around it.

    Args:
        pixels: uint8 (height, width, 3); one without anything on it is returned as it is.
    """
    ink = pixels.min(-1) < _WHITE
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    if not len(rows):
        return pixels
    margin = round(_MARGIN * max(rows[-1] - rows[0], columns[-1] - columns[0]))
    top, left = max(rows[0] - margin, 0), max(columns[0] - margin, 0)
    return pixels[top : rows[-1] + 1 + margin, left : columns[-1] + 1 + margin]


def author_key(author: str) -> str:
    """What spellings of one author share: words in alphabetical order, without accents, case and marks."""
    plain = unicodedata.normalize("NFKD", author).encode("ascii", "ignore").decode().lower()
    return " ".join(sorted(re.findall(r"[a-z0-9]+", plain.replace("architetto", "").replace(".", "")))) or author


def _text(form: re.Pattern[bytes], data: bytes) -> str:
    found = form.search(data)
    return " ".join(unescape(found[1].decode("utf-8", errors="replace")).split()) if found else ""
