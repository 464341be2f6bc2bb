"""What works are: one file per medium."""

from __future__ import annotations

from metaart.data.media.base import Medium
from metaart.data.media.music import Music
from metaart.data.media.pictures import Pictures

MEDIA: dict[str, type[Medium]] = {"music": Music, "pictures": Pictures}
"""Mediums by the name that a prepared folder carries; a new one is a file here and a line above."""
