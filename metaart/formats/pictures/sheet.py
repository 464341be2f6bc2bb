"""Many pictures on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from metaart.formats.pictures.read import Pixels

_GAP = 6
_TITLE_HEIGHT = 16
_LARGEST_SIDE = 16_000


def contact_sheet(rows: Sequence[tuple[str, Sequence[Pixels]]], cell: int = 96) -> Pixels:
    """Pictures in rows with a title above each, every one scaled into a square cell.

    Args:
        rows: title and pictures, uint8 (height, width, 3).
        cell: side of a square, px; a picture is scaled down to it, never up.

    Returns:
        uint8 (height, width, 3); rows that would make it higher than 16,000 px are left out.
    """
    most = max((len(pictures) for _, pictures in rows), default=0)
    row_height = _TITLE_HEIGHT + cell + _GAP
    shown = rows[: max((_LARGEST_SIDE - _GAP) // row_height, 1)]
    sheet = Image.new("RGB", (_GAP + max(most, 3) * (cell + _GAP), _GAP + len(shown) * row_height), (236, 236, 236))
    draw, font = ImageDraw.Draw(sheet), ImageFont.truetype(str(_font()), 12)
    for row, (title, pictures) in enumerate(shown):
        top = _GAP + row * row_height
        draw.text((_GAP, top), title, fill=(20, 20, 20), font=font)
        for column, pixels in enumerate(pictures):
            small = Image.fromarray(pixels)
            small.thumbnail((cell, cell), Image.Resampling.LANCZOS)
            left = _GAP + column * (cell + _GAP) + (cell - small.width) // 2
            sheet.paste(small, (left, top + _TITLE_HEIGHT + (cell - small.height) // 2))
    return np.array(sheet, dtype=np.uint8)


def _font() -> Path:
    """A font with accents; matplotlib brings one along."""
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
