"""The one door through which pictures enter: their bytes are counted and walked here before anything is decoded."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from metaart.errors import TooLarge, UserError, WrongFormat

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_DRAWN = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_JPEG_DROPPED = {*range(0xE1, 0xEE), 0xEF, 0xFE}
_JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_JPEG_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
_SAVE_AGAIN = "Open it in a picture program and save it as PNG or JPEG."


@dataclass(frozen=True)
class PictureBounds:
    """What a picture may hold at most and must hold at least; anything else is refused before a pixel is decoded.

    Attributes:
        max_bytes: size of the file.
        max_pixels: width times height.
        max_pixels_together: of all pictures of one request; decoding takes about a second for each 16 million.
        min_side: of width and height, px.
        max_ratio: of the longer to the shorter side.
        max_parts: chunks or segments of the file, each of which costs time however small it is.
        max_scans: passes of a progressive JPEG, each of which costs as much as a whole decoding.
    """

    max_bytes: int = 32 * 2**20
    max_pixels: int = 16_000_000
    max_pixels_together: int = 200_000_000
    min_side: int = 8
    max_ratio: int = 16
    max_parts: int = 10_000
    max_scans: int = 64


@dataclass(frozen=True)
class Plain:
    """A still picture reduced to what draws it: no profile, thumbnail, comment or other metadata.

    Attributes:
        kind: of the file.
        width: px, before `orientation` is applied.
        height: px.
        orientation: the value of EXIF's tag 0x0112: 1 upright, 2..8 as EXIF 2.3 has it.
        data: a file of that kind.
    """

    kind: Literal["PNG", "JPEG", "WEBP"]
    width: int
    height: int
    orientation: int
    data: bytes


def read_header(data: bytes, *, name: str, bounds: PictureBounds) -> Plain:
    """Check that this is one still PNG, JPEG or WebP picture within bounds; nothing is decoded.

    Raises:
        TooLarge: more bytes or pixels than the bounds allow.
        WrongFormat: another format, truncated, damaged, or animated.
        UserError: too small or too narrow.
    """
    if len(data) > bounds.max_bytes:
        raise TooLarge(
            expected=f"a picture of at most {bounds.max_bytes:,} bytes",
            got=f"{name} of {len(data):,} bytes",
            fix="Scale it down, or save it as JPEG.",
        )
    # By its first bytes, never by its name: a name is what an attacker chooses.
    if data.startswith(_PNG):
        plain = _png(data, name, bounds)
    elif data.startswith(b"\xff\xd8\xff"):
        plain = _jpeg(data, name, bounds)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        plain = _webp(data, name, bounds)
    else:
        raise WrongFormat(
            expected="a PNG, JPEG or WebP picture",
            got=f"{name}, which is empty" if not data else f"{name}, which starts with {bytes(data[:8])!r}",
            fix=_SAVE_AGAIN,
        )
    width, height = plain.width, plain.height
    if width * height > bounds.max_pixels:
        raise TooLarge(
            expected=f"a picture of at most {bounds.max_pixels:,} pixels",
            got=f"{name} of {width:,} x {height:,}",
            fix="Scale it down.",
        )
    if min(width, height) < bounds.min_side:
        raise UserError(
            expected=f"a picture of at least {bounds.min_side} x {bounds.min_side} pixels",
            got=f"{name} of {width:,} x {height:,}",
            fix="Give a larger one.",
        )
    if max(width, height) > bounds.max_ratio * min(width, height):
        raise UserError(
            expected=f"a picture at most {bounds.max_ratio} times as long as wide",
            got=f"{name} of {width:,} x {height:,}",
            fix="Crop it.",
        )
    return plain


def check_together(files: Sequence[bytes], names: Sequence[str], bounds: PictureBounds | None = None) -> None:
    """Check that these are pictures within bounds, one by one and in sum; nothing is decoded.

    Args:
        files: all pictures of one request.
        names: what to call them in errors.
        bounds: how much is too much (default: `PictureBounds()`).

    Raises:
        TooLarge, WrongFormat, UserError: as `read_header`; TooLarge also for more pixels in sum than the bounds allow.
    """
    bounds, pixels = bounds or PictureBounds(), 0
    for count, (data, name) in enumerate(zip(files, names, strict=True), start=1):
        plain = read_header(data, name=name, bounds=bounds)
        pixels += plain.width * plain.height
        if pixels > bounds.max_pixels_together:
            raise TooLarge(
                expected=f"pictures of at most {bounds.max_pixels_together:,} pixels in all",
                got=f"{pixels:,} in the first {count} of {len(files)}",
                fix="Scale them down, to 1,000 pixels a side for example, or give fewer.",
            )


def _png(data: bytes, name: str, bounds: PictureBounds) -> Plain:
    """Walk the chunks of a PNG (W3C PNG, third edition), checksums included."""
    parts, position, orientation, width, height = [_PNG], len(_PNG), 1, 0, 0
    for _ in range(bounds.max_parts):
        kind, start = data[position + 4 : position + 8], position + 8
        end = start + int.from_bytes(data[position : position + 4], "big") + 4
        if len(kind) < 4 or end > len(data):
            raise _damaged(name, "PNG", "that is cut off")
        # Header first and once: a second one could change the size after it was checked.
        if (not width) != (kind == b"IHDR"):
            raise _damaged(name, "PNG", "whose header is not its first chunk")
        # Only what draws is passed on: profiles and texts give a decoder no more than chances to go wrong.
        if kind in _PNG_DRAWN:
            if zlib.crc32(data[position + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
                raise _damaged(name, "PNG", f"with a wrong checksum at byte {position:,}")
            parts.append(data[position:end])
        if kind == b"IHDR":
            width, height = (int.from_bytes(data[start + at : start + at + 4], "big") for at in (0, 4))
            if end - 4 - start != 13 or not width or not height:
                raise _damaged(name, "PNG", "with an impossible header")
        elif kind == b"acTL" and int.from_bytes(data[start : start + 4], "big") > 1:
            raise _animated(name)
        elif kind == b"eXIf":
            orientation = exif_orientation(data[start : end - 4])
        elif kind == b"IEND":
            return Plain("PNG", width, height, orientation, b"".join(parts))
        position = end
    raise _too_many_parts(name, bounds)


def _jpeg(data: bytes, name: str, bounds: PictureBounds) -> Plain:
    """Walk the segments of a JPEG (ITU-T T.81, annex B) to its end marker."""
    parts, position, orientation, width, height, scans = [b"\xff\xd8"], 2, 1, 0, 0, 0
    for _ in range(bounds.max_parts):
        found = _JPEG_MARKER.search(data, position)
        if found is None:
            raise _damaged(name, "JPEG", "that is cut off")
        # The pattern skips FF00 and restarts, which are part of coded data.
        marker, start = data[found.end() - 1], found.end()
        if scans:  # what lies between two markers is the coded picture
            parts.append(data[position : found.start()])
        elif found.start() != position:
            raise _damaged(name, "JPEG", f"with stray bytes at {position:,}")
        if marker == 0xD9:
            break
        size = int.from_bytes(data[start : start + 2], "big")
        position = start + size
        if marker == 0xD8 or size < 2 or position > len(data):
            raise _damaged(name, "JPEG", f"with a broken segment at byte {start:,}")
        if marker == 0xE1 and data[start + 2 : start + 8] == b"Exif\0\0":
            orientation = exif_orientation(data[start + 8 : position])
        elif marker in _JPEG_FRAMES:
            if width or size < 8:  # a second frame could have another size
                raise _damaged(name, "JPEG", "with two headers or a broken one")
            height, width = (int.from_bytes(data[start + at : start + at + 2], "big") for at in (3, 5))
        elif marker == 0xDA:
            scans += 1  # each is a pass over the whole picture, whatever its bytes
            if not width or scans > bounds.max_scans:
                raise _damaged(name, "JPEG", "that has no size" if not width else f"of {scans} scans or more")
        if marker not in _JPEG_DROPPED:
            parts.append(b"\xff" + data[start - 1 : position])
    else:
        raise _too_many_parts(name, bounds)
    if not width or not height or not scans:
        raise _damaged(name, "JPEG", "without a picture")
    return Plain("JPEG", width, height, orientation, b"".join([*parts, b"\xff\xd9"]))


def _webp(data: bytes, name: str, bounds: PictureBounds) -> Plain:
    """Walk the chunks of a WebP (RFC 9649) and keep its one frame."""
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise _damaged(name, "WebP", "that is cut off")
    chunks: dict[bytes, bytes] = {}
    for number, (kind, payload) in enumerate(_riff(data, end, name), start=1):
        if number > bounds.max_parts:
            raise _too_many_parts(name, bounds)
        if kind in (b"ANIM", b"ANMF"):
            raise _animated(name)
        chunks.setdefault(kind, payload)  # the first of each: decoders would not agree on a second
    orientation = exif_orientation(chunks.get(b"EXIF", b"").removeprefix(b"Exif\0\0"))
    if b"VP8L" in chunks:
        frame = chunks[b"VP8L"]
        bits = int.from_bytes(frame[1:5], "little")  # 14 bits each of width - 1 and height - 1
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        whole, parts = len(frame) > 5 and frame[0] == 0x2F, [(b"VP8L", frame)]
    else:
        frame = chunks.get(b"VP8 ", b"")
        width, height = (int.from_bytes(frame[at : at + 2], "little") & 0x3FFF for at in (6, 8))
        whole, parts = len(frame) > 10 and frame[3:6] == b"\x9d\x01\x2a", [(b"VP8 ", frame)]
        if b"ALPH" in chunks:  # opacity needs the extended form: a canvas as large as the frame, flag 0x10
            canvas = bytes([0x10, 0, 0, 0]) + b"".join(
                max(side - 1, 0).to_bytes(3, "little") for side in (width, height)
            )
            parts = [(b"VP8X", canvas), (b"ALPH", chunks[b"ALPH"]), *parts]
    if not whole or not width or not height:
        raise _damaged(name, "WebP", "without a picture")
    body = b"WEBP" + b"".join(
        kind + len(payload).to_bytes(4, "little") + payload + bytes(len(payload) % 2) for kind, payload in parts
    )
    return Plain("WEBP", width, height, orientation, b"RIFF" + len(body).to_bytes(4, "little") + body)


def _riff(data: bytes, end: int, name: str) -> Iterator[tuple[bytes, bytes]]:
    position = 12
    while position + 8 <= end:
        start = position + 8
        size = int.from_bytes(data[position + 4 : start], "little")
        if start + size > end:
            raise _damaged(name, "WebP", f"with a broken chunk at byte {position:,}")
        yield data[position : position + 4], data[start : start + size]
        position = start + size + size % 2


def exif_orientation(tiff: bytes) -> int:
    """EXIF's tag 0x0112 in its first directory, 1 where there is none or anything is odd."""
    order: Literal["little", "big"] = "little" if tiff[:2] == b"II" else "big"

    def number(position: int, size: int) -> int:
        return int.from_bytes(tiff[position : position + size], order)

    if tiff[:2] not in (b"II", b"MM") or number(2, 2) != 42:
        return 1
    directory = number(4, 4)
    # Bounded, and slices beyond the end are zero: nothing here can loop or raise.
    for entry in range(min(number(directory, 2), 256)):
        at = directory + 2 + 12 * entry
        if number(at, 2) == 0x0112 and number(at + 2, 2) == 3:
            value = number(at + 8, 2)
            return value if 1 <= value <= 8 else 1
    return 1


def _damaged(name: str, kind: str, got: str) -> WrongFormat:
    return WrongFormat(expected=f"a whole {kind} picture", got=f"{name}, a {kind} file {got}", fix=_SAVE_AGAIN)


def _too_many_parts(name: str, bounds: PictureBounds) -> TooLarge:
    return TooLarge(
        expected=f"a picture file of at most {bounds.max_parts:,} parts", got=f"{name}, which has more", fix=_SAVE_AGAIN
    )


def _animated(name: str) -> WrongFormat:
    return WrongFormat(expected="a still picture", got=f"{name}, which is animated", fix="Save one frame of it as PNG.")
