"""Pictures to send, and such as cannot be used."""

from __future__ import annotations

import io

from PIL import Image

from metaart.formats.pictures.read import write_png
from tests.formats.pictures.drawings import drawing


def picture(hand: int, work: int) -> bytes:
    return write_png(drawing(hand, work, 24))


def huge() -> bytes:
    """A small file of 9,400 × 9,400 pixels."""
    buffer = io.BytesIO()
    Image.new("1", (9400, 9400)).save(buffer, format="PNG")
    assert buffer.tell() < 100_000
    return buffer.getvalue()


def moving() -> bytes:
    frames = [Image.new("P", (16, 16), shade) for shade in (1, 2)]
    buffer = io.BytesIO()
    frames[0].save(buffer, format="PNG", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


UNUSABLE: dict[str, tuple[bytes, int]] = {
    "text": (b"Dear sir, here is my drawing.", 415),
    "empty": (b"", 415),
    "truncated": (picture(0, 0)[:60], 415),
    "huge": (huge(), 413),
    "moving": (moving(), 415),
    "one-pixel": (write_png(drawing(0, 0, 16)[:1, :1]), 422),
}
"""Files that are no picture of use, and the status that says so."""
