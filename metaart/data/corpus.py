"""The music21 corpus, read from the installed package: folk songs, dances, masses, chorales, madrigals, quartets."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import symusic

from metaart.data import traditions
from metaart.data.base import Entry, Group, Rejected, Source
from metaart.data.media.scores import ScoreMedium
from metaart.data.traditions import Collection
from metaart.errors import UserError
from metaart.formats.scores.abc import from_music21, read_abc, silence
from metaart.formats.scores.midi import write_midi

_NOTATION = {".krn", ".mxl", ".xml", ".musicxml"}
_SECONDS_PER_BYTE = {".krn": 2e-5, ".mxl": 1e-4, ".xml": 2e-6, ".musicxml": 2e-6}
_RIGHTS = re.compile(r"<rights[^>]*>([^<]*)</rights>|^!!!YE[CM]:([^\n]*)", re.M)


class CorpusSource(Source):
    """All of music21's corpus that comes as notation, in groups by region, dance, book, volume or composer.

    Rights: Essen's songs, Palestrina, Josquin and the Bach chorales carry restrictions or notices; the licence of each
    work says which. `permissive` means old music whose encoding states no restriction (or public domain, or CC-BY).
    """

    name = "corpus"
    min_works = 10
    medium = ScoreMedium()

    def __init__(self, root: Path | None = None) -> None:
        self._root = root

    @cached_property
    def root(self) -> Path:
        """The corpus folder of the installed music21, found without importing it."""
        if self._root is not None:
            return self._root
        spec = find_spec("music21")  # importing it takes seconds, and listing works needs none of it
        if spec is None or spec.origin is None:
            raise UserError(expected="the music21 package", got="none installed", fix="Run scripts/install.")
        return Path(spec.origin).parent / "corpus"

    def __getstate__(self) -> dict[str, Path | None]:
        return {"_root": self._root}

    @cached_property
    def _catalogue(self) -> dict[Group, list[Entry | Rejected]]:
        groups: dict[Group, list[Entry | Rejected]] = {}
        for collection in traditions.COLLECTIONS:
            for (name, tradition), entry in self._collection(collection):
                groups.setdefault(Group(name, tradition, traditions.SPLITS[tradition]), []).append(entry)
        return groups

    def groups(self) -> list[Group]:
        """Every group of the corpus, also those that will prove too small."""
        return list(self._catalogue)

    def entries(self, group: str) -> list[Entry | Rejected]:
        """The works of a group, in the order of the corpus."""
        return [entry for each, entries in self._catalogue.items() if each.name == group for entry in entries]

    def read(self, entry: Entry) -> bytes:
        """Read a tune by symusic (by music21 where that fails), or a file by music21."""
        if not entry.is_path:
            return write_midi(self._tune(entry.content))
        return write_midi(self._parse(self.root / entry.content))

    def _tune(self, text: str) -> symusic.Score:
        try:
            return read_abc(text)
        except (RuntimeError, ValueError):  # music21 takes longer and reads nearly all
            return self._parse(text)

    @staticmethod
    def _parse(what: Path | str) -> symusic.Score:
        import warnings

        from music21 import converter

        # What it warns of and prints would drown the progress of thousands of works; what fails is rejected anyway.
        with warnings.catch_warnings(), silence():
            warnings.simplefilter("ignore")
            if isinstance(what, str):
                return from_music21(converter.parse(what, format="abc"))
            # The file itself: music21 leaves pickles behind, which would outlive a corrected file.
            parsed: Any = converter.parse(what, forceSource=True, storePickle=False)
            return from_music21(parsed.mergeScores() if "Opus" in parsed.classes else parsed)

    def _collection(self, collection: Collection) -> Iterator[tuple[tuple[str, str], Entry | Rejected]]:
        folder = self.root / collection.folder
        numbers: set[int] = set()
        for path in sorted(folder.rglob("*")):
            # Josquin's files hold one work each, a tune for every voice; all other ABC files are books of tunes.
            if path.suffix == ".abc" and collection.folder != "josquin":
                yield from self._tunes(collection, path, numbers)
            elif path.suffix == ".abc" or path.suffix in _NOTATION:
                yield self._file(collection, path)

    def _tunes(
        self, collection: Collection, path: Path, numbers: set[int]
    ) -> Iterator[tuple[tuple[str, str], Entry | Rejected]]:
        """The tunes of a book."""
        # A tune begins with its number, X:; what stands before the first is the head of the book.
        for order, text in enumerate(re.split(r"^(?=X:)", _text(path), flags=re.MULTILINE)[1:]):
            number = int(_field(text, "X") or 0)
            title, origin = _field(text, "T"), _field(text, "O")
            work_id = f"{collection.folder}/{path.name}#{order + 1}"
            if collection.folder == "essenFolksong":
                group = traditions.essen(path.name, origin)
                if path.name in traditions.TEST_BOOKS:
                    yield group, Rejected(work_id, "a test file of the corpus with made-up places")
                    continue
            elif collection.folder == "oneills1850":
                group = traditions.oneill(number)
                if number in numbers:
                    yield group, Rejected(work_id, "the same number of the book transcribed again")
                    continue
                numbers.add(number)
            elif collection.folder == "airdsAirs":
                group = f"Aird: book {path.stem[-1]}", "Aird"
            elif collection.folder == "ryansMammoth":
                group = traditions.ryan(_field(text, "R"))
            elif "fife" in path.name:
                group = "American fife", "American fiddle and fife"
            else:
                group = "Northumbrian Minstrelsy", "Northumbria"
            by = _field(text, "Z").strip("\"' ")
            label = collection.label + (f" ({by[:80]})" if by else "")
            yield group, Entry(group[0], work_id, title, label, collection.licence, collection.permissive, text)

    def _file(self, collection: Collection, path: Path) -> tuple[tuple[str, str], Entry | Rejected]:
        group = traditions.composed(collection.folder, path.stem)
        work_id = path.relative_to(self.root).as_posix()
        # Some works are there in both notations: one is enough.
        twin = path.suffix == ".krn" and path.with_suffix(".mxl").exists()
        if twin:
            return group, Rejected(work_id, "the same work is there as MusicXML")
        licence, permissive = _rights(collection, path)
        cost = path.stat().st_size * _SECONDS_PER_BYTE.get(path.suffix, 1e-4)
        title = path.relative_to(self.root / collection.folder).with_suffix("").as_posix()
        return group, Entry(group[0], work_id, title, collection.label, licence, permissive, work_id, True, cost)


def _rights(collection: Collection, path: Path) -> tuple[str, bool]:
    """What a file says of its rights, or else what its collection does."""
    try:
        text = _text(path)[:30000]  # enough for the head, and for the end of Humdrum's short files
    except (OSError, zipfile.BadZipFile, KeyError):
        text = ""
    notes = [" ".join("".join(found).split()) for found in _RIGHTS.findall(text)]
    # A note that says "copyright 1999" and no more names nobody: it is not taken for a notice.
    notes = [re.sub(r"[^ -~©]", "", note)[:120] for note in notes if re.sub(r"copyright|©|\W|\d", "", note.lower())]
    if not notes:
        return collection.licence, collection.permissive
    notice = "; ".join(dict.fromkeys(notes))[:200]
    free = re.search(r"public domain|cc-by\)|cc0", notice.lower()) is not None
    return f"the file says: {notice}", free and collection.permissive


def _text(path: Path) -> str:
    """The text of a file, of the first score in an archive; UTF-8, or else Latin-1."""
    data = path.read_bytes()
    if path.suffix == ".mxl":
        with zipfile.ZipFile(path) as archive:
            scores = [name for name in archive.namelist() if not name.startswith("META-INF") and "." in name]
            with archive.open(scores[0]) as score:
                data = score.read(60000)
    try:
        return data.decode("utf-8").replace("\r", "")
    except UnicodeDecodeError:
        return data.decode("latin-1").replace("\r", "")


def _field(text: str, letter: str) -> str:
    found = re.search(rf"^{letter}:(.*)$", text, re.M)
    if not found:
        return ""
    value = " ".join(re.sub(r"[\x00-\x1f]", " ", found.group(1)).split())
    return re.sub(r"\D", "", value) if letter == "X" else value
