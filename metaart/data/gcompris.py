"""Paintings and photographs in the data of the learning game GCompris, as Debian packages them (gcompris-qt-data)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

from metaart.data.base import Entry, Group, Rejected, Source
from metaart.data.defaults import SIDE_PX
from metaart.data.media.pictures import PictureMedium
from metaart.errors import UserError
from metaart.formats.pictures.jigsaw import PuzzlePiece, put_together
from metaart.formats.pictures.rcc import ResourceArchive
from metaart.formats.pictures.read import read_layer, write_png

INSTALLED = Path("/usr/share/gcompris-qt/rcc")
_GET = (
    "Install the Debian package gcompris-qt-data, or unpack it and give its folder: apt-get download gcompris-qt-data, "
    "dpkg -x gcompris-qt-data_*.deb DIR, --path DIR/usr/share/gcompris-qt/rcc"
)
_PHOTOGRAPHS = ("explore_monuments", "explore_farm_animals", "explore_world_animals", "explore_world_music", "erase",
                "details")  # fmt: skip
_ARTISTS = {"Vincent Van Gogh": "Vincent van Gogh", "Katsushika Hokusa": "Katsushika Hokusai", "Bazille":
            "Frédéric Bazille", "Pieter Brugel": "Pieter Bruegel"}  # fmt: skip
"""Names that the boards spell in several ways."""
_BOARD = re.compile(r'instruction:\s*qsTr\("([^"]*)"\)')
_SIZE = re.compile(r'"(width|height)"\s*:\s*(\d+)')
_PIECE = re.compile(r'"pixmapfile"\s*:\s*"([^"]+\.webp)"\s*,\s*"x"\s*:\s*"([0-9.]+)"\s*,\s*"y"\s*:\s*"([0-9.]+)"')
_BASED_ON = re.compile(r"based on (?:a photo|an original image) by (.+?), license")
_FREE = re.compile(r"public domain|cc0|cc-by[ -]\d")


@dataclass(frozen=True)
class Credit:
    """What a README says of a file."""

    author: str
    licence: str


class GcomprisPaintings(Source):
    """Thirty paintings by thirteen hands, most as jigsaws that are put together; all for testing.

    Args:
        path: the folder of the .rcc archives (default: where Debian installs it).
        side: longest side that is kept, px.

    Raises:
        UserError: the archives are not there.
    """

    name = "gcompris"
    min_works = 1

    def __init__(self, path: Path | str | None = None, side: int = SIDE_PX) -> None:
        self.path = _folder(path, ("paintings", "details"))
        self.medium = PictureMedium(side)

    def groups(self) -> list[Group]:
        """One group per artist."""
        return [Group(artist, artist, "test") for artist in sorted({entry.group for entry in self._entries})]

    def entries(self, group: str) -> list[Entry | Rejected]:
        """The paintings of an artist by title."""
        found = sorted(self._entries, key=lambda entry: (entry.title, entry.work_id))
        return [entry for entry in found if entry.group == group]

    def read(self, entry: Entry) -> bytes:
        """The painting as one PNG."""
        location = json.loads(entry.content)
        archive = _archive(self.path, location["archive"])
        # Jigsaws are stored as pieces; the other archive has its paintings whole.
        if "picture" in location:
            return archive.read(location["picture"])
        text = archive.read(location["board"]).decode("utf-8")
        # Boards are programs in QML, of which a few plain numbers and names are read: nothing of them is run.
        size = {key: int(value) for key, value in _SIZE.findall(text)}
        folder = location["board"].rpartition("/board/")[0]
        pieces = [
            PuzzlePiece(read_layer(archive.read(f"{folder}/{file}"), name=file), float(x), float(y))
            for file, x, y in _PIECE.findall(text)
        ]
        return write_png(put_together(pieces, size.get("width", 0), size.get("height", 0)))

    @cached_property
    def _entries(self) -> list[Entry]:
        found = []
        for name in ("paintings", "details"):
            archive = _archive(self.path, name)
            credits = _credits(archive)
            for board in [file for file in archive.files if re.search(r"/resource/board/[^/]+\.qml$", file)]:
                text = archive.read(board).decode("utf-8", errors="replace")
                instruction = _BOARD.search(text)
                # READMEs give credit by file: that of a board's first picture stands for the whole.
                pictures = re.findall(r'"([^"]+\.webp)"', text)
                credit = credits.get(pictures[0].rpartition("/")[2]) if pictures else None
                artist, comma, title = (instruction[1] if instruction else "").partition(", ")
                if not comma or credit is None or (name == "details" and "gogh" not in artist.lower()):
                    continue
                folder = board.rpartition("/board/")[0]
                location = {"board": board} if name == "paintings" else {"picture": f"{folder}/{pictures[0]}"}
                found.append(_painting(name, board, _ARTISTS.get(artist, artist), title, credit, location))
        return found


def _painting(archive: str, board: str, artist: str, title: str, credit: Credit, location: dict[str, str]) -> Entry:
    return Entry(
        group=artist,
        work_id=f"{archive}/{board.rpartition('/')[2].removesuffix('.qml')}",
        title=title.strip(" ."),
        source=f"gcompris-qt-data, {archive}.rcc",
        licence=credit.licence,
        permissive=bool(_FREE.search(credit.licence.lower())),
        content=json.dumps({"archive": archive, **location}),
        cost=0.2,
        author=artist,
    )


class GcomprisPhotographs(Source):
    """Photographs of monuments, animals and musicians, each with its photographer and licence.

    Args:
        path: the folder of the .rcc archives (default: where Debian installs it).
        side: longest side that is kept, px.

    Raises:
        UserError: the archives are not there.
    """

    name = "gcompris"
    min_works = 1

    def __init__(self, path: Path | str | None = None, side: int = SIDE_PX) -> None:
        self.path = _folder(path, _PHOTOGRAPHS)
        self.medium = PictureMedium(side)

    def groups(self) -> list[Group]:
        """One group per archive."""
        return [Group(name, name, "train") for name in _PHOTOGRAPHS]

    def entries(self, group: str) -> list[Entry | Rejected]:
        """The photographs of an archive; those without a credit are left out."""
        archive = _archive(self.path, group)
        credits = _credits(archive)
        found: list[Entry | Rejected] = []
        for file in archive.files:
            name = file.rpartition("/")[2]
            if not name.endswith(".webp") or (group == "details" and not name.endswith("_background.webp")):
                continue
            work_id = f"{group}/{name}"
            # Near ones too: a README may spell the name of a file otherwise than the archive does.
            close = get_close_matches(name, credits, n=1, cutoff=0.9)
            if not close:
                found.append(Rejected(work_id, "no credit in the archive"))
            elif "painting" in credits[close[0]].author:
                found.append(Rejected(work_id, "a painting"))
            else:
                found.append(_photograph(group, file, work_id, credits[close[0]]))
        return found

    def read(self, entry: Entry) -> bytes:
        """The file."""
        location = json.loads(entry.content)
        return _archive(self.path, location["archive"]).read(location["picture"])


def _photograph(group: str, file: str, work_id: str, credit: Credit) -> Entry:
    name = file.rpartition("/")[2].removesuffix(".webp").removesuffix("_background")
    return Entry(
        group=group,
        work_id=work_id,
        title=re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name),
        source=f"gcompris-qt-data, {group}.rcc",
        licence=credit.licence,
        permissive=bool(_FREE.search(credit.licence.lower())),
        content=json.dumps({"archive": group, "picture": file}),
        cost=0.2,
        author=credit.author,
    )


def _folder(path: Path | str | None, names: tuple[str, ...]) -> Path:
    folder = Path(path) if path is not None else INSTALLED
    missing = [name for name in names if not (folder / f"{name}.rcc").is_file()]
    if missing:
        raise UserError(
            expected=f"a folder with {', '.join(f'{name}.rcc' for name in names)}",
            got=f"{folder} without {', '.join(missing)}",
            fix=_GET,
        )
    return folder


def _archive(folder: Path, name: str) -> ResourceArchive:
    return ResourceArchive((folder / f"{name}.rcc").read_bytes(), name=f"{name}.rcc")


def _credits(archive: ResourceArchive) -> dict[str, Credit]:
    """Author and licence of each WebP file that a README in the archive names, block by block."""
    found: dict[str, Credit] = {}
    for file in archive.files:
        if file.endswith("/README"):
            # Blocks end at an empty line, as in Debian's copyright files; one may name several files.
            for block in re.split(r"\n\s*\n", archive.read(file).decode("utf-8", errors="replace")):
                credit = _credit(block)
                if credit is not None:
                    found.update((name, credit) for name in re.findall(r"[\w.-]+\.webp", block))
    return found


def _credit(block: str) -> Credit | None:
    fields = dict(re.findall(r"^(Copyright|License|Comment):[ \n]*(.*)$", block, re.M))
    if "License" not in fields:
        return None
    # Who made the picture that an adaptation is of, where that is said.
    based = _BASED_ON.search(block)
    author = based[1] if based else fields.get("Copyright", "")
    if "original painting" in block:
        author = "a painting"
    return Credit(re.sub(r"^(Copyright |©)? *[\d, -]*", "", author).strip(), fields["License"].strip())
