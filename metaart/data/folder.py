"""A user's own works, one hand per sub-folder: DIR/composer/*.mid, DIR/artist/*.jpg."""

from __future__ import annotations

from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from metaart.data.base import Entry, Group, Rejected, Source, Split
from metaart.data.media.scores import ScoreMedium
from metaart.errors import UserError
from metaart.formats.scores.midi_events import MidiBounds

NOT_STATED = "not stated (the user's own files)"


class Folder(Source):
    """Files in sub-folders: the name of the sub-folder is the hand, and a tradition by itself.

    Splits: by the names of the hands, as `split_by_name` has it.

    Args:
        path: the folder.
        licence: what to record of the works' rights; nothing is known to stand against the owner's own use.
        whole: take all files at any depth as one group that is named like the folder.

    Attributes:
        suffixes: the ends of the names that are read, in lower case; the others are listed as left out.
        works: what the files are called, for errors.
        layout: where one of them belongs, for errors.
        cost: estimated seconds to read one.
        most_bytes: of a file that the medium reads.

    Raises:
        UserError: not a folder, or no such files where they should be.
    """

    name = "folder"
    min_works = 2
    suffixes: ClassVar[tuple[str, ...]]
    works: ClassVar[str]
    layout: ClassVar[str]
    cost: ClassVar[float]
    most_bytes: ClassVar[int]

    def __init__(self, path: Path | str, licence: str = NOT_STATED, *, whole: bool = False) -> None:
        self.path, self.licence, self.whole = Path(path), licence, whole
        fix = f"Put the works of each hand into a folder of its own: {self.layout}."
        if not self.path.is_dir():
            raise UserError(expected=f"a folder of {self.works}", got=str(path), fix=fix)
        if not self._files:
            where = self.works if whole else f"sub-folders with {self.works}"
            raise UserError(expected=f"{where} ({', '.join(self.suffixes)})", got=f"none in {path}", fix=fix)

    def __getstate__(self) -> dict[str, Any]:
        """Without the list of files: to read a work no more than its entry is needed."""
        return {key: value for key, value in self.__dict__.items() if not key.startswith("_")}

    @cached_property
    def _files(self) -> dict[str, list[Path]]:
        """What each hand's folder holds, hidden files left out."""
        found = {}
        for name, folder in self._folders().items():
            files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
            if any(path.suffix.lower() in self.suffixes for path in files):
                found[name] = files
        return found

    def _folders(self) -> dict[str, Path]:
        if self.whole:
            return {self.path.resolve().name: self.path}
        return {
            path.name: path for path in sorted(self.path.iterdir()) if path.is_dir() and not path.name.startswith(".")
        }

    def groups(self) -> list[Group]:
        """One group per sub-folder that holds a work."""
        splits = split_by_name(list(self._files))
        return [Group(name, name, splits[name]) for name in self._files]

    def entries(self, group: str) -> list[Entry | Rejected]:
        """The files of a hand; those whose names end otherwise are listed as left out."""
        return [self._entry(group, path) for path in self._files.get(group, [])]

    def read(self, entry: Entry) -> bytes:
        """The file's bytes, one more than the medium reads at most: it refuses them."""
        with (self.path / entry.work_id).open("rb") as file:
            return file.read(self.most_bytes + 1)

    def _entry(self, group: str, path: Path) -> Entry | Rejected:
        work_id = path.relative_to(self.path).as_posix()
        if path.suffix.lower() not in self.suffixes:
            return Rejected(work_id, f"not named {', '.join(self.suffixes[:-1])} or {self.suffixes[-1]}")
        found = path.stat()
        return Entry(
            group=group,
            work_id=work_id,
            title=path.stem,
            source=work_id,
            licence=self.licence,
            permissive=True,
            # Size and time of the last change: a file that was changed counts as another, and is read again.
            content=f"{self.path.resolve()} {found.st_size} {found.st_mtime_ns}",
            is_path=True,
            cost=self.cost,
            author="" if self.whole else group,
        )


class MusicFolder(Folder):
    """MIDI files in sub-folders, one per composer: `Folder` says how."""

    medium = ScoreMedium()
    suffixes = (".mid", ".midi")
    works = "MIDI files"
    layout = "DIR/composer/piece.mid"
    cost = 0.01
    most_bytes = MidiBounds().max_bytes

    def __init__(self, path: Path | str, licence: str = NOT_STATED) -> None:
        super().__init__(path, licence)


def split_by_name(names: list[str]) -> dict[str, Split]:
    """The split of each hand, from the names alone.

    With three hands or more, the hands in the order of the SHA-256 of their names; the first fifth (at least one) is
    for testing, the second fifth (at least one) for validation, the rest for training. So the same names give the same
    splits on every machine. With fewer hands all are for training.
    """
    order = sorted(names, key=lambda name: sha256(name.encode()).hexdigest())
    share = max(len(order) // 5, 1) if len(order) >= 3 else 0
    splits: dict[str, Split] = {}
    for index, name in enumerate(order):
        splits[name] = "test" if index < share else "validation" if index < 2 * share else "train"
    return splits
