"""A user's own pictures: DIR/artist/*.jpg, one hand per sub-folder, as WikiArt is laid out."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from metaart.data.base import Entry, Group, Rejected, Source
from metaart.data.folder import split_by_name
from metaart.data.media.pictures import Pictures
from metaart.errors import UserError
from metaart.pictures.read import Bounds

_PICTURES = {".png", ".jpg", ".jpeg", ".webp"}


class PictureFolder(Source):
    """Pictures in sub-folders: the name of the sub-folder is the hand, and a tradition by itself.

    Splits: by the names of the hands, as `split_by_name` has it.

    Args:
        path: the folder.
        side: longest side that is kept, px.
        licence: what to record of the works' rights; nothing is known to stand against the owner's own use.
        whole: take all pictures at any depth as one group that is named like the folder.

    Raises:
        UserError: not a folder, or no pictures where they should be.
    """

    name = "folder"

    def __init__(self, path: Path | str, side: int = 512, licence: str = "not stated (the user's own files)",
                 *, whole: bool = False) -> None:  # fmt: skip
        self.path, self.licence, self.whole = Path(path), licence, whole
        self.medium = Pictures(side)
        self.min_works = 1 if whole else 2
        fix = "Put the works of each artist into a folder of its own: DIR/artist/picture.jpg."
        if not self.path.is_dir():
            raise UserError(expected="a folder of pictures", got=str(path), fix=fix)
        if not self._files:
            where = "pictures" if whole else "sub-folders with pictures"
            raise UserError(expected=f"{where} (.png, .jpg, .jpeg, .webp)", got=f"none in {path}", fix=fix)

    def __getstate__(self) -> dict[str, Any]:
        """Without the list of files: to read a work no more than its entry is needed."""
        return {key: value for key, value in self.__dict__.items() if not key.startswith("_")}

    @cached_property
    def _files(self) -> dict[str, list[Path]]:
        """What each hand's folder holds, hidden files left out."""
        folders = {self.path.resolve().name: self.path} if self.whole else self._folders()
        found = {}
        for name, folder in folders.items():
            files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
            if any(path.suffix.lower() in _PICTURES for path in files):
                found[name] = files
        return found

    def _folders(self) -> dict[str, Path]:
        return {
            path.name: path for path in sorted(self.path.iterdir()) if path.is_dir() and not path.name.startswith(".")
        }

    def groups(self) -> list[Group]:
        """One group per sub-folder that holds a picture."""
        splits = split_by_name(list(self._files))
        return [Group(name, name, splits[name]) for name in self._files]

    def entries(self, group: str) -> list[Entry | Rejected]:
        """The files of a hand; those that are not named as pictures are listed as left out."""
        return [self._entry(group, path) for path in self._files.get(group, [])]

    def read(self, entry: Entry) -> bytes:
        """The file's bytes, one more than `Bounds` allow at most: the medium refuses them."""
        with (self.path / entry.work_id).open("rb") as file:
            return file.read(Bounds().max_bytes + 1)

    def _entry(self, group: str, path: Path) -> Entry | Rejected:
        place = path.relative_to(self.path).as_posix()
        if path.suffix.lower() not in _PICTURES:
            return Rejected(place, "not named .png, .jpg, .jpeg or .webp")
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
            cost=0.05,
            author="" if self.whole else group,
        )
