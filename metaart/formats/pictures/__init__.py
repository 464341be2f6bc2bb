"""Pictures: PNG, JPEG, WebP and SVG as pixels, their headers, sheets of them."""

from __future__ import annotations

from collections.abc import Sequence

from metaart.formats.base import Format


def _count(files: Sequence[bytes], names: Sequence[str]) -> None:
    from metaart.formats.pictures.header import check_together

    check_together(files, names)


PICTURE = Format(
    "a picture",
    "pictures",
    "PICTURE",
    "image/png",
    (".png", ".jpg", ".jpeg", ".webp"),
    _count,
    "PNG, JPEG or WebP, at most 16 MiB and 16 megapixels each; all files 64 MiB and 200 megapixels",
    max_file_bytes=16 * 2**20,
    max_body_bytes=64 * 2**20,
    max_field_bytes=64 * 2**10,
)
"""A still picture; what is written is PNG."""

PHOTOGRAPH = PICTURE._replace(one="a photograph", many="photographs", metavar="PHOTO")
"""A picture that is redrawn."""
