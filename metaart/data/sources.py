"""What is known of each source before it is loaded: what may be set of it, and how it is built.

Nothing heavy is imported here: the command line makes its flags and its help from this.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from metaart.data.defaults import DRAWING_SIDE_PX, PER_SET, SIDE_PX
from metaart.options import NoOptions, option, options

if TYPE_CHECKING:
    from metaart.data.base import Source


class RegisteredSource(NamedTuple):
    """A source as it is offered.

    Attributes:
        about: what it reads, in a line for the help.
        options: a class with `metaart.options.options`; each field is a flag of `metaart data prepare`, and one that
            the command has for all sources, such as limit_per_group, comes to the source as well.
        build: the source of such options; it imports what it needs.
        advice: how to get what it reads, for those who come without it; empty where the help says enough.
    """

    about: str
    options: type[Any]
    build: Callable[[Any], Source]
    advice: str = ""


@options()
class FolderOptions:
    """What may be set of a source of a user's own files."""

    path: Path = option(help="folder, file or archive of the source")


@options()
class PictureOptions:
    """What may be set of a source of a user's own pictures."""

    path: Path = option(help="folder, file or archive of the source")
    side: int = option(default=SIDE_PX, ge=8, le=4096, unit="px", help="longest side of pictures")


@options()
class PackageOptions:
    """What may be set of a source of pictures that a package of Debian brings."""

    path: Path | None = option(
        default=None, usual="where Debian installs it", help="folder, file or archive of the source"
    )
    side: int = option(default=SIDE_PX, ge=8, le=4096, unit="px", help="longest side of pictures")


@options()
class DrawingOptions:
    """What may be set of a source of drawings."""

    path: Path = option(help="folder, file or archive of the source")
    side: int = option(default=DRAWING_SIDE_PX, ge=8, le=4096, unit="px", help="longest side of pictures")
    limit_per_group: int = option(default=PER_SET, ge=1, help="at most so many works of a group")


def corpus(asked: NoOptions) -> Source:  # noqa: ARG001
    """The corpus of music21."""
    from metaart.data.corpus import CorpusSource

    return CorpusSource()


def music_folder(asked: FolderOptions) -> Source:
    """MIDI files, one folder for each composer."""
    from metaart.data.folder import MusicFolder

    return MusicFolder(asked.path)


def iconify(asked: DrawingOptions) -> Source:
    """The sets of drawings of @iconify/json."""
    from metaart.data.iconify import IconifySource

    return IconifySource(asked.path, per_set=asked.limit_per_group, side=asked.side)


def picture_folder(asked: PictureOptions) -> Source:
    """Pictures, one folder for each artist."""
    from metaart.data.picture_folder import PictureFolder

    return PictureFolder(asked.path, asked.side)


def picture_table(asked: PictureOptions) -> Source:
    """Parquet files of pictures with labels."""
    from metaart.data.picture_table import PictureTable

    return PictureTable(asked.path, asked.side)


def gcompris_paintings(asked: PackageOptions) -> Source:
    """The paintings of the learning game GCompris."""
    from metaart.data.gcompris import GcomprisPaintings

    return GcomprisPaintings(asked.path, asked.side)


def openclipart(asked: PackageOptions) -> Source:
    """The drawings of the Open Clip Art Library."""
    from metaart.data.openclipart import OpenclipartSource

    return OpenclipartSource(asked.path, asked.side)


def photographs_of_gcompris(asked: PackageOptions) -> Source:
    """The photographs of the learning game GCompris."""
    from metaart.data.gcompris import GcomprisPhotographs
    from metaart.data.photographs import Photographs

    return Photographs(GcomprisPhotographs(asked.path, asked.side))


def photographs_of_folder(asked: PictureOptions) -> Source:
    """A folder of photographs, at any depth."""
    from metaart.data.photographs import Photographs
    from metaart.data.picture_folder import PictureFolder

    return Photographs(PictureFolder(asked.path, asked.side, whole=True))


def photographs_of_table(asked: PictureOptions) -> Source:
    """A Parquet file of photographs, or a folder of them."""
    from metaart.data.photographs import Photographs
    from metaart.data.picture_table import PictureTable

    return Photographs(PictureTable(asked.path, asked.side, whole=True))
