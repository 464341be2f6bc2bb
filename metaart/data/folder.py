"""A user's own works: DIR/composer/*.mid, one hand per sub-folder."""

from __future__ import annotations

from functools import cached_property
from hashlib import sha256
from pathlib import Path

from metaart.data.base import Entry, Group, Rejected, Source, Split
from metaart.data.media.music import Music
from metaart.errors import UserError
from metaart.score.midi import Bounds

_MIDI = {".mid", ".midi"}


class FolderSource(Source):
    """MIDI files in sub-folders: the name of the sub-folder is the hand, and a tradition by itself.

    Splits: with three hands or more, the hands in the order of the SHA-256 of their names; the first fifth (at least
    one) is for testing, the second fifth (at least one) for validation, the rest for training. So the same names give
    the same splits on every machine. With fewer hands all are for training.

    Args:
        path: the folder.
        licence: what to record of the works' rights; nothing is known to stand against the owner's own use.

    Raises:
        UserError: not a folder, or no sub-folder with MIDI files.
    """

    name = "folder"
    min_works = 2
    medium = Music()

    def __init__(self, path: Path | str, licence: str = "not stated (the user's own files)") -> None:
        self.path, self.licence = Path(path), licence
        fix = "Put the works of each composer into a folder of its own: DIR/composer/piece.mid."
        if not self.path.is_dir():
            raise UserError(expected="a folder of folders of MIDI files", got=str(path), fix=fix)
        if not self._files:
            raise UserError(expected="sub-folders with .mid or .midi files", got=f"none in {path}", fix=fix)

    @cached_property
    def _files(self) -> dict[str, list[Path]]:
        """What each sub-folder holds, hidden files left out."""
        found: dict[str, list[Path]] = {}
        for folder in sorted(path for path in self.path.iterdir() if path.is_dir() and not path.name.startswith(".")):
            files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
            if any(path.suffix.lower() in _MIDI for path in files):
                found[folder.name] = files
        return found

    def groups(self) -> list[Group]:
        """One group per sub-folder that holds a MIDI file."""
        splits = split_by_name(list(self._files))
        return [Group(name, name, splits[name]) for name in self._files]

    def entries(self, group: str) -> list[Entry | Rejected]:
        """The files of a sub-folder; those that are not named as MIDI are listed as left out."""
        return [self._entry(group, path) for path in self._files.get(group, [])]

    def read(self, entry: Entry) -> bytes:
        """The file's bytes, one more than `Bounds` allow at most: `read_midi` refuses them."""
        with (self.path / entry.work_id).open("rb") as file:
            return file.read(Bounds().max_bytes + 1)

    def _entry(self, group: str, path: Path) -> Entry | Rejected:
        place = path.relative_to(self.path).as_posix()
        if path.suffix.lower() not in _MIDI:
            return Rejected(place, "not named .mid or .midi")
        found = path.stat()
        return Entry(
            group=group,
            work_id=place,
            title=path.stem,
            source=place,
            licence=self.licence,
            permissive=True,
            content=f"{self.path.resolve()} {found.st_size} {found.st_mtime_ns}",
            is_path=True,
        )


def split_by_name(names: list[str]) -> dict[str, Split]:
    """The split of each hand, from the names alone."""
    order = sorted(names, key=lambda name: sha256(name.encode()).hexdigest())
    share = max(len(order) // 5, 1) if len(order) >= 3 else 0
    splits: dict[str, Split] = {}
    for place, name in enumerate(order):
        splits[name] = "test" if place < share else "validation" if place < 2 * share else "train"
    return splits
