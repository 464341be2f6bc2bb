"""Pictures: PNG files of a bounded side, with what is known of who drew what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metaart.data.defaults import SIDE_PX
from metaart.data.media.base import Medium, Row, StoredWork
from metaart.errors import UserError
from metaart.formats.pictures.read import Pixels, read_picture, write_png

if TYPE_CHECKING:
    from metaart.data.base import Entry

_COLOUR_DIFFERENCE = 24
_COLOUR_SHARE = 0.002


@dataclass(frozen=True)
class StoredPicture(StoredWork):
    """A picture as it is kept.

    Attributes:
        png: the file.
        width: px.
        height: px.
        author: whose hand, as the source says it; empty where it does not.
        subject: what it shows, in a word that other groups share; empty where the source has none.
        colour: whether it is more than black, white and grey.
    """

    png: bytes
    width: int
    height: int
    author: str
    subject: str
    colour: bool

    def pixels(self) -> Pixels:
        """uint8 (height, width, 3), decoded anew at every call."""
        return read_picture(self.png, name=self.work_id)


class PictureMedium(Medium):
    """PNG, JPEG and WebP files, scaled down to a longest side; two copies share every pixel that is kept.

    Args:
        max_side: of what is kept, px; a smaller picture stays as it is.
    """

    name = "pictures"
    reader_version = 1
    packages = ("pillow", "resvg-py")
    columns = (
        pa.field("png", pa.binary()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("author", pa.string()),
        pa.field("subject", pa.string()),
        pa.field("colour", pa.bool_()),
    )
    suffix = ".png"
    shown: ClassVar = {"sides": "sides", "colour": "colour_share", "KiB": "kib"}
    total = "kib"

    def __init__(self, max_side: int = SIDE_PX) -> None:
        self.max_side = max_side

    @property
    def settings(self) -> dict[str, Any]:
        """The longest side."""
        return {"max_side": self.max_side}

    def read(self, entry: Entry, data: bytes) -> Row:
        """The picture, scaled down; one of a single colour is refused."""
        pixels = read_picture(data, name=entry.work_id, max_side=self.max_side)
        if (pixels == pixels[0, 0]).all():
            raise UserError(
                expected="a picture of something", got=f"{entry.work_id} of one colour", fix="Give another one."
            )
        return {
            "png": write_png(pixels),
            "width": pixels.shape[1],
            "height": pixels.shape[0],
            "author": entry.author,
            "subject": entry.subject,
            "colour": is_colour(pixels),
            "fingerprint": sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()[:24],
        }

    def stored(self, texts: Mapping[str, Any], table: pa.Table, row: int) -> StoredPicture:
        """A picture, still encoded."""
        return StoredPicture(**texts, **{field.name: table.column(field.name)[row].as_py() for field in self.columns})

    def describe(self, table: pa.Table) -> dict[str, Any]:
        """Median sides, share in colour, authors, KiB."""
        width, height = (int(np.median(table.column(name).to_numpy())) for name in ("width", "height"))
        share = float(np.mean(table.column("colour").to_numpy()))
        counts = pc.value_counts(table.column("author").combine_chunks()).to_pylist()
        authors = sorted(counts, key=lambda count: (-count["counts"], count["values"]))
        return {
            "median_width": width,
            "median_height": height,
            "sides": f"{width} x {height}",
            "colour_share": share,
            "authors": {count["values"]: count["counts"] for count in authors if count["values"]},
            "kib": int(pc.sum(pc.binary_length(table.column("png"))).as_py() / 1024),
        }

    def file(self, work: StoredPicture) -> bytes:
        """The PNG file."""
        return work.png


def is_colour(pixels: Pixels) -> bool:
    """Whether more than two in a thousand pixels are clearly not grey.

    Args:
        pixels: uint8 (height, width, 3).
    """
    spread = pixels.max(-1).astype(np.int16) - pixels.min(-1)
    return bool((spread > _COLOUR_DIFFERENCE).mean() > _COLOUR_SHARE)
