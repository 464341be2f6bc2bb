"""How much pictures may hold together."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from metaart.errors import TooLarge, WrongFormat
from metaart.formats.pictures.header import PictureBounds, check_together, read_header
from metaart.formats.pictures.read import write_png

BOUNDS = PictureBounds(max_pixels=400, max_pixels_together=1000)
FULL, SMALL = (write_png(np.zeros((height, 20, 3), np.uint8)) for height in (20, 10))


def test_pictures_may_hold_so_many_pixels_together() -> None:
    check_together([FULL, FULL, SMALL], ["a", "b", "c"], BOUNDS)
    check_together([], [], BOUNDS)
    with pytest.raises(TooLarge, match="at most 1,000 pixels in all; got 1,200 in the first 3 of 4"):
        check_together([FULL, FULL, FULL, SMALL], ["a", "b", "c", "d"], BOUNDS)


def test_each_is_held_to_the_bounds_of_one() -> None:
    with pytest.raises(TooLarge, match="b of 20 x 20"):
        check_together([SMALL, FULL], ["a", "b"], PictureBounds(max_pixels=399))
    with pytest.raises(WrongFormat, match="b, which starts with"):
        check_together([SMALL, b"text"], ["a", "b"])


@pytest.mark.parametrize(
    ("begin", "part", "end"),
    [
        (FULL[:33], b"\0\0\0\0tEXt\0\0\0\0", FULL[33:]),
        (b"\xff\xd8", b"\xff\xe2\0\2", b"\xff\xd9"),
        (b"RIFF\x54\0\0\0WEBP", b"XXXX\0\0\0\0", b""),
    ],
    ids=["PNG", "JPEG", "WebP"],
)
def test_a_file_of_many_small_parts_is_refused(begin: bytes, part: bytes, end: bytes) -> None:
    with pytest.raises(TooLarge, match="at most 9 parts"):
        read_header(begin + part * 10 + end, name="it", bounds=PictureBounds(max_parts=9))


def test_where_nothing_else_is_said_it_is_two_hundred_megapixels() -> None:
    header = FULL[12:16] + (4000).to_bytes(4, "big") * 2 + FULL[24:29]
    large = FULL[:12] + header + zlib.crc32(header).to_bytes(4, "big") + FULL[33:]  # nothing of it could be decoded
    check_together([large] * 12, [""] * 12)
    with pytest.raises(TooLarge, match="200,000,000"):
        check_together([large] * 13, [""] * 13)
