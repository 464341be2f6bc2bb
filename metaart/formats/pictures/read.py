"""Pictures as arrays, from files that nobody vouches for and back."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from metaart.errors import WrongFormat
from metaart.formats.pictures.header import PictureBounds as PictureBounds
from metaart.formats.pictures.header import read_header

Pixels = NDArray[np.uint8]
"""(height, width, 3), red, green, blue from 0 to 255, sRGB."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a picture upright, by the orientation that EXIF gives."""


def read_picture(
    data: bytes, *, name: str = "the picture", max_side: int | None = None, bounds: PictureBounds | None = None
) -> Pixels:
    """Read a PNG, JPEG or WebP picture of any mode.

    The file is walked first (`read_header`): its size is known, and bounds are held, before a pixel is decoded, and
    the decoder sees nothing but what draws the picture. Transparent pixels are laid over white, 16 bits are rounded to
    8, the EXIF rotation is applied; colour profiles are not.

    Args:
        data: the file.
        name: what to call it in errors.
        max_side: scale a larger picture down to this longer side, px (Lanczos); a smaller one stays as it is.
        bounds: how much is too much (default: `PictureBounds()`).

    Returns:
        uint8 (height, width, 3).

    Raises:
        TooLarge: more bytes or pixels than the bounds allow.
        WrongFormat: another format, truncated, damaged, or animated.
        UserError: too small or too narrow.
    """
    picture = _upright(data, name, bounds or PictureBounds(), _over_white)
    longest = max(picture.size)
    if max_side is not None and longest > max_side:
        width, height = (max(round(side * max_side / longest), 1) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    return np.array(picture, dtype=np.uint8)


def read_layer(data: bytes, *, name: str = "the picture", bounds: PictureBounds | None = None) -> NDArray[np.uint8]:
    """Read a picture as `read_picture` does, with its transparency.

    Returns:
        uint8 (height, width, 4), red, green, blue, opacity.
    """
    picture = _upright(data, name, bounds or PictureBounds(), lambda image: image.convert("RGBA"))
    return np.array(picture, dtype=np.uint8)


def write_png(pixels: Pixels) -> bytes:
    """A picture as a PNG file without metadata: in grey where all its colours are.

    Args:
        pixels: uint8 (height, width, 3).

    Raises:
        ValueError: another type or shape.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ValueError(f"expected uint8 (height, width, 3), got {pixels.dtype} {pixels.shape}")
    grey = bool((pixels == pixels[..., :1]).all())
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[..., 0] if grey else pixels)).save(buffer, format="PNG")
    return buffer.getvalue()


def _upright(data: bytes, name: str, bounds: PictureBounds, form: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """The picture of a file that was walked first, in a mode of choice, turned as EXIF says."""
    plain = read_header(data, name=name, bounds=bounds)
    try:
        with Image.open(io.BytesIO(plain.data), formats=[plain.kind]) as image:
            if image.size != (plain.width, plain.height):
                raise ValueError(f"{image.size} in the picture, {plain.width} x {plain.height} in its header")
            image.load()
            picture = form(image)
    except Exception as error:
        raise WrongFormat(
            expected=f"a whole {plain.kind} picture",
            got=f"{name}, which cannot be decoded ({' '.join(str(error).split())[:100]})",
            fix="Open it in a picture program and save it as PNG or JPEG.",
        ) from error
    return picture.transpose(_UPRIGHT[plain.orientation]) if plain.orientation in _UPRIGHT else picture


def _over_white(image: Image.Image) -> Image.Image:
    """Any mode as RGB, what is transparent over white."""
    if image.mode.startswith("I"):
        return _from_16_bits(image).convert("RGB")
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def _from_16_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits as 8 (65535 is 255): Pillow would clip it."""
    values = np.asarray(image).astype(np.uint32)
    grey = ((values * 255 + 32767) // 65535).astype(np.uint8)
    if "transparency" in image.info:
        grey[values == image.info["transparency"]] = 255
    return Image.fromarray(grey)
