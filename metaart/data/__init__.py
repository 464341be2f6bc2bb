"""Where works come from, how they are kept, and how tasks are drawn from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from metaart.data.base import Source
from metaart.data.corpus import CorpusSource
from metaart.data.folder import MusicFolder
from metaart.data.gcompris import GcomprisPaintings, GcomprisPhotographs
from metaart.data.iconify import IconifySource
from metaart.data.openclipart import OpenclipartSource
from metaart.data.photographs import Photographs
from metaart.data.picture_folder import PictureFolder
from metaart.data.picture_table import PictureTable


def photographs_of_gcompris(path: Path | None = None, side: int = 512) -> Photographs:
    """The photographs of the learning game GCompris."""
    return Photographs(GcomprisPhotographs(path, side))


def photographs_of_folder(path: Path, side: int = 512) -> Photographs:
    """A folder of photographs, at any depth."""
    return Photographs(PictureFolder(path, side, whole=True))


def photographs_of_table(path: Path, side: int = 512) -> Photographs:
    """A Parquet file of photographs, or a folder of them."""
    return Photographs(PictureTable(path, side, whole=True))


SOURCES: dict[str, dict[str, Callable[..., Source]]] = {
    "music": {"corpus": CorpusSource, "folder": MusicFolder},
    "drawings": {"iconify": IconifySource},
    "pictures": {
        "folder": PictureFolder,
        "parquet": PictureTable,
        "gcompris": GcomprisPaintings,
        "openclipart": OpenclipartSource,
    },
    "photographs": {
        "gcompris": photographs_of_gcompris,
        "folder": photographs_of_folder,
        "parquet": photographs_of_table,
    },
}
"""Sources by what is prepared, then by name, the usual one first; a new one is a file here and a line above."""
