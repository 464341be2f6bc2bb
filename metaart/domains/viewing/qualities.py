"""What can be measured of a picture without knowing art: palette, contrast, balance, symmetry, texture."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]
Floats = NDArray[np.float64]
NAMES = ("palette", "contrast", "coverage", "balance", "symmetry", "texture")

_LUMA = np.array([0.299, 0.587, 0.114])
_SCALES: dict[str, tuple[tuple[float, str], ...]] = {
    "palette": ((0.05, "without colour"), (0.2, "muted colours"), (0.4, "lively colours"), (9, "vivid colours")),
    "contrast": ((0.15, "little contrast"), (0.4, "some contrast"), (0.7, "strong contrast"), (9, "stark contrast")),
    "coverage": ((0.1, "nearly empty"), (0.25, "sparse"), (0.5, "half filled"), (9, "filled")),
    "balance": ((0.7, "off balance"), (0.9, "leaning to one side"), (9, "balanced")),
    "symmetry": ((0.5, "asymmetric"), (0.8, "partly symmetric"), (9, "symmetric")),
    "texture": ((0.05, "plain"), (0.15, "some texture"), (0.3, "textured"), (9, "busy")),
}  # fmt: skip


class Quality(NamedTuple):
    """One measured quality.

    Attributes:
        name: of `NAMES`.
        value: as `qualities` defines it.
        words: what the value is called.
    """

    name: str
    value: float
    words: str


def qualities(pictures: Pictures) -> Floats:
    """Six numbers of each picture.

    - palette: colourfulness, sqrt(var(rg) + var(yb)) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2) with rg = R - G and
      yb = (R + G) / 2 - B, in units of the range of a channel; 0 is grey.
    - contrast: twice the standard deviation of the luminance; 1 is half black, half white.
    - coverage: mean ink. Ink is how far a pixel's luminance is from that of the background, the median of the border.
    - balance: 1 - d, d the distance of the ink's centre of mass from the centre of the picture, in units of the
      distance from the centre to a corner; 1 for a picture without ink.
    - symmetry: 1 - sum |ink - ink mirrored left to right| / (2 sum ink): how much of the ink its mirror image covers.
    - texture: mean size of the luminance's gradient (forward differences, one pixel apart).

    Args:
        pictures: (works, height, width, 3).

    Returns:
        (works, 6), in the order of `NAMES`; luminance and channels are counted from 0 to 1.

    Source of the palette: Hasler & Süsstrunk 2003, section 7. The other definitions are ours.
    """
    colours = pictures.astype(np.float64) / 255
    light = colours @ _LUMA
    red, green, blue = colours[..., 0], colours[..., 1], colours[..., 2]
    opponents = [red - green, (red + green) / 2 - blue]
    spread = np.sqrt(sum(value.var((1, 2)) for value in opponents))
    palette = spread + 0.3 * np.sqrt(sum(value.mean((1, 2)) ** 2 for value in opponents))
    ink = np.abs(light - _background(light)[:, None, None])
    return np.stack(
        [palette, 2 * light.std((1, 2)), ink.mean((1, 2)), _balance(ink), _symmetry(ink), _texture(light)], 1
    )


def described(picture: Pictures) -> list[Quality]:
    """The qualities of one picture, (height, width, 3), in numbers and words."""
    values = qualities(picture[None])[0]
    return [
        Quality(name, float(value), next(words for below, words in _SCALES[name] if value < below))
        for name, value in zip(NAMES, values, strict=True)
    ]


def _background(light: Floats) -> Floats:
    border = [light[:, 0], light[:, -1], light[:, 1:-1, 0], light[:, 1:-1, -1]]
    median: Floats = np.median(np.concatenate(border, 1), 1)
    return median


def _balance(ink: Floats) -> Floats:
    height, width = ink.shape[1:]
    down, right = np.linspace(-1, 1, height)[None, :, None], np.linspace(-1, 1, width)[None, None, :]
    total = ink.sum((1, 2))
    mass = np.where(total > 0, total, 1.0)
    away: Floats = np.hypot((ink * down).sum((1, 2)) / mass, (ink * right).sum((1, 2)) / mass) / np.sqrt(2)
    return 1 - away


def _symmetry(ink: Floats) -> Floats:
    # Of ink that its mirror image does not cover, half is counted in the picture and half in the mirror.
    total = ink.sum((1, 2))
    uncovered: Floats = np.abs(ink - ink[:, :, ::-1]).sum((1, 2)) / np.where(total > 0, 2 * total, 1.0)
    return 1 - uncovered


def _texture(light: Floats) -> Floats:
    down, right = np.diff(light, axis=1)[:, :, :-1], np.diff(light, axis=2)[:, :-1]
    mean: Floats = np.hypot(down, right).mean((1, 2))
    return mean
