"""What works are: one file per medium."""

from __future__ import annotations

from metaart.data.media.base import Medium
from metaart.data.media.pictures import PictureMedium
from metaart.data.media.scores import ScoreMedium

MEDIA: dict[str, type[Medium]] = {"music": ScoreMedium, "pictures": PictureMedium}
"""Mediums by the name that a prepared folder carries; a new one is a file here and a line above."""
