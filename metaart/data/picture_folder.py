"""A user's own pictures: DIR/artist/*.jpg, one hand per sub-folder, as WikiArt is laid out."""

from __future__ import annotations

from pathlib import Path

from metaart.data.defaults import SIDE_PX
from metaart.data.folder import NOT_STATED, Folder
from metaart.data.media.pictures import PictureMedium
from metaart.formats.pictures.read import PictureBounds


class PictureFolder(Folder):
    """Pictures in sub-folders, one per artist: `Folder` says how.

    Args:
        path: the folder.
        side: longest side that is kept, px.
        licence: what to record of the works' rights.
        whole: take all pictures at any depth as one group that is named like the folder.

    Raises:
        UserError: not a folder, or no pictures where they should be.
    """

    suffixes = (".jpeg", ".jpg", ".png", ".webp")
    works = "pictures"
    layout = "DIR/artist/picture.jpg"
    cost = 0.05
    most_bytes = PictureBounds().max_bytes

    def __init__(
        self, path: Path | str, side: int = SIDE_PX, licence: str = NOT_STATED, *, whole: bool = False
    ) -> None:
        self.medium = PictureMedium(side)
        self.min_works = 1 if whole else 2
        super().__init__(path, licence, whole=whole)
