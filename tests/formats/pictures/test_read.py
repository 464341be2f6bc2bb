"""Pictures of any mode in, one form out; whatever is wrong with a file is said."""

from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageOps

from metaart.errors import TooLarge, UserError, WrongFormat
from metaart.formats.pictures.header import PictureBounds, exif_orientation, read_header
from metaart.formats.pictures.read import Pixels, read_picture, write_png

FORMATS = ["PNG", "JPEG", "WEBP"]
SIDES = st.tuples(st.integers(8, 24), st.integers(8, 24))


def picture(height: int = 24, width: int = 32) -> Pixels:
    """Smooth, other in every corner, in all three colours."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 255 // height, columns * 255 // width, np.full_like(rows, 40)], axis=-1).astype(np.uint8)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + kind + payload + zlib.crc32(kind + payload).to_bytes(4, "big")


def png_of(width: int, height: int, *more: bytes) -> bytes:
    """A PNG whose header says so, and that holds nothing like it."""
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    return b"".join([b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *more, chunk(b"IDAT", b""), chunk(b"IEND", b"")])


@settings(deadline=None)
@given(arrays.arrays(np.uint8, SIDES.map(lambda sides: (*sides, 3))))
def test_what_is_written_is_read_again(pixels: Pixels) -> None:
    again = read_picture(write_png(pixels))
    assert again.dtype == np.uint8
    assert np.array_equal(again, pixels)


def test_a_grey_picture_is_written_in_one_channel() -> None:
    grey = np.repeat(picture()[..., :1], 3, axis=2)
    assert Image.open(io.BytesIO(write_png(grey))).mode == "L"
    assert np.array_equal(read_picture(write_png(grey)), grey)


@pytest.mark.parametrize("pixels", [picture()[..., 0], picture().astype(float), picture()[:0]])
def test_what_is_no_picture_is_not_written(pixels: Any) -> None:
    with pytest.raises(ValueError, match="uint8"):
        write_png(pixels)


HELD = [("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")]
HELD += [("JPEG", mode) for mode in ("L", "RGB", "CMYK", "YCbCr")] + [("WEBP", "RGB")]


@pytest.mark.parametrize(("kind", "mode"), HELD)
def test_every_mode_comes_out_as_colours(kind: str, mode: str) -> None:
    pixels = picture()
    if mode == "I;16":
        image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
        wanted = np.repeat(pixels[..., :1], 3, axis=2)
    else:
        image = Image.fromarray(pixels).convert(mode)
        wanted = np.asarray(image.convert("RGB"))
    data = saved(image, kind, **({"quality": 100} if kind == "JPEG" else {"lossless": True}))
    assert Image.open(io.BytesIO(data)).mode == ("RGB" if mode == "YCbCr" else mode)
    read = read_picture(data)
    assert read.shape == (24, 32, 3)
    assert np.abs(read.astype(int) - wanted).max() <= (12 if kind == "JPEG" else 0)


@settings(deadline=None)
@given(arrays.arrays(np.uint16, SIDES), st.one_of(st.none(), st.integers(0, 65535)))
def test_16_bits_are_rounded_to_8(values: np.ndarray[Any, Any], clear: int | None) -> None:
    read = read_picture(saved(Image.fromarray(values), "PNG", **({} if clear is None else {"transparency": clear})))
    wanted = np.floor(values / 65535 * 255 + 0.5)
    if clear is not None:
        wanted[values == clear] = 255
    assert np.array_equal(read, np.repeat(wanted[..., None], 3, axis=2))


@settings(deadline=None)
@given(arrays.arrays(np.uint8, SIDES.map(lambda sides: (*sides, 4))), st.sampled_from(["PNG", "WEBP"]))
def test_what_is_transparent_lies_over_white(layers: np.ndarray[Any, Any], kind: str) -> None:
    data = saved(Image.fromarray(layers, "RGBA"), kind, lossless=True, exact=True)
    opacity = layers[..., 3:] / 255
    wanted = layers[..., :3] * opacity + 255 * (1 - opacity)
    assert np.abs(read_picture(data) - wanted).max() <= 1


@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_one_colour_that_is_transparent_lies_over_white(mode: str) -> None:
    image = Image.new(mode, (9, 9), 0)
    image.paste((0, 7, 0) if mode == "RGB" else 7, (0, 0, 4, 9))
    data = saved(image, "PNG", transparency=(0, 0, 0) if mode == "RGB" else 0)
    read = read_picture(data)
    assert (read[:, 4:] == 255).all()
    assert (read[:, :4] < 255).any()


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_rotation_that_a_camera_wrote_is_applied(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    exif[0x0112] = orientation
    data = saved(Image.fromarray(picture()), kind, exif=exif)
    wanted = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert np.array_equal(read_picture(data), wanted)


@given(st.binary(max_size=60))
def test_a_broken_exif_block_is_passed_over(block: bytes) -> None:
    assert 1 <= exif_orientation(block) <= 8
    assert 1 <= exif_orientation(b"II*\0\x08\0\0\0" + block) <= 8
    data = saved(Image.fromarray(picture()), "JPEG", exif=b"Exif\0\0MM\0*" + block)
    assert sorted(read_picture(data).shape[:2]) == [24, 32]


@settings(deadline=None, max_examples=40)
@given(SIDES, st.integers(8, 40))
def test_a_side_is_bounded_and_the_shape_kept(sides: tuple[int, int], max_side: int) -> None:
    read = read_picture(write_png(picture(*sides)), max_side=max_side)
    scale = min(max_side / max(sides), 1)
    assert max(read.shape) == min(max(sides), max_side)
    assert np.abs(np.array(read.shape[:2]) - np.array(sides) * scale).max() <= 0.5


def test_scaling_down_keeps_the_mean_colour() -> None:
    small = read_picture(write_png(picture(400, 600)), max_side=60)
    assert small.shape == (40, 60, 3)
    assert np.abs(small.mean((0, 1)) - picture(400, 600).mean((0, 1))).max() < 1


@pytest.mark.parametrize("kind", FORMATS)
def test_nothing_but_what_draws_the_picture_reaches_the_decoder(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret"
    plain = saved(Image.fromarray(picture()), kind)
    marked = saved(Image.fromarray(picture()), kind, exif=exif, icc_profile=b"secret" * 99, comment=b"secret")
    assert b"secret" in marked
    header = read_header(marked, name="it", bounds=PictureBounds())
    assert b"secret" not in header.data
    assert np.array_equal(read_picture(marked), read_picture(plain))


@pytest.mark.parametrize("data", [
    png_of(4001, 4000), png_of(2**31 - 1, 1), png_of(9400, 9400),
    b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03\x01\x22\0\x02\x11\x01\x03\x11\x01\xff\xda\0\x02\xff\xd9",
    b"RIFF\x16\0\0\0WEBPVP8L\x0a\0\0\0\x2f\xff\xff\xff\x0f" + bytes(5),
])  # fmt: skip
def test_what_is_too_large_is_refused_by_its_header(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr(Image, "open", never)
    with pytest.raises(TooLarge, match="16,000,000 pixels"):
        read_picture(data, name="huge.png")


def test_bytes_are_counted_first() -> None:
    with pytest.raises(TooLarge, match=r"mine\.png of 101 bytes"):
        read_picture(bytes(101), name="mine.png", bounds=PictureBounds(max_bytes=100))


@pytest.mark.parametrize(("sides", "reason"), [((1, 1), "8 x 8"), ((7, 20), "8 x 8"), ((8, 400), "16 times")])
def test_what_is_too_small_or_narrow_is_refused(sides: tuple[int, int], reason: str) -> None:
    for kind in FORMATS:
        with pytest.raises(UserError, match=reason):
            read_picture(saved(Image.new("RGB", sides), kind))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_what_moves_is_refused(kind: str) -> None:
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:])
    with pytest.raises(WrongFormat, match="animated" if kind != "GIF" else "PNG, JPEG or WebP"):
        read_picture(data)


@pytest.mark.parametrize(
    "data", [b"", b"la la la", b"GIF89a", b"<svg/>", b"BM" + bytes(99), b"RIFF....WAVE", b"\x89PNG"]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(WrongFormat, match=r"PNG, JPEG or WebP picture; got song\.png"):
        read_picture(data, name="song.png")


SAMPLES = {
    "PNG": saved(Image.fromarray(picture()), "PNG"),
    "palette": saved(Image.fromarray(picture()).convert("P"), "PNG", transparency=3),
    "JPEG": saved(Image.fromarray(picture()), "JPEG"),
    "progressive": saved(Image.fromarray(picture()), "JPEG", progressive=True),
    "WEBP": saved(Image.fromarray(picture()), "WEBP"),
    "lossless": saved(Image.fromarray(picture()), "WEBP", lossless=True),
    "alpha": saved(Image.fromarray(picture()).convert("RGBA").rotate(20), "WEBP"),
}


@pytest.mark.parametrize("sample", list(SAMPLES))
def test_what_is_cut_off_is_refused_at_every_length(sample: str) -> None:
    data = SAMPLES[sample]
    assert read_picture(data).shape == (24, 32, 3)
    for length in range(len(data)):
        with pytest.raises(UserError):
            read_picture(data[:length])


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(list(SAMPLES)), st.lists(st.tuples(st.integers(0, 2**16), st.binary(max_size=4)), max_size=6))
def test_damage_is_refused_or_read_within_bounds(sample: str, damage: list[tuple[int, bytes]]) -> None:
    data = bytearray(SAMPLES[sample])
    for offset, patch in damage:
        at = offset % len(data)
        data[at : at + len(patch)] = patch
    bounds = PictureBounds(max_pixels=10**6)
    try:
        read = read_picture(bytes(data), bounds=bounds)
    except UserError:
        return
    assert read.dtype == np.uint8
    assert read.shape[2] == 3
    assert read.shape[0] * read.shape[1] <= bounds.max_pixels


def test_a_jpeg_of_too_many_scans_is_refused() -> None:
    data = SAMPLES["progressive"]
    scan = data[data.rindex(b"\xff\xda") : -2]
    with pytest.raises(WrongFormat, match="65 scans"):
        read_picture(data[:-2] + scan * 65 + b"\xff\xd9")


def _two_headers(data: bytes) -> bytes:
    at = data.index(b"\xff\xc0")
    return data[:at] + data[at : at + 19] + data[at:]


@pytest.mark.parametrize(("data", "reason"), [
    (png_of(0, 9), "impossible"),
    (b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""), "first chunk"),
    (SAMPLES["PNG"][:60] + bytes([SAMPLES["PNG"][60] ^ 1]) + SAMPLES["PNG"][61:], "checksum"),
    (_two_headers(SAMPLES["JPEG"]), "two headers"),
    (b"\xff\xd8\xff\xd9", "without a picture"),
    (b"\xff\xd8\xff\xe0\0\x01" + bytes(9), "broken segment"),
    (b"RIFF\x04\0\0\0WEBP", "without a picture"),
])  # fmt: skip
def test_odd_containers_are_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(WrongFormat, match=reason):
        read_picture(data)


def test_an_apng_of_one_frame_is_read() -> None:
    still = SAMPLES["PNG"].replace(
        SAMPLES["PNG"][33:], chunk(b"acTL", (1).to_bytes(4, "big") + bytes(4)) + SAMPLES["PNG"][33:]
    )
    assert np.array_equal(read_picture(still), picture())
