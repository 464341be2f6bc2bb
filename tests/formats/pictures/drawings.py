"""Small drawings by made hands, and a prepared folder of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from metaart.data.media.base import schema
from metaart.data.media.pictures import PictureMedium
from metaart.data.shards import write_dataset
from metaart.formats.pictures.read import Pixels, write_png

HANDS = {"train": 12, "validation": 12, "test": 12}
WORKS = 12
COLOURS = [(0, 0, 0), (200, 30, 30), (20, 60, 200), (30, 140, 60)]


def drawing(hand: int, work: int, side: int = 16) -> Pixels:
    """A bar or a cross, its colour, width and place that of the hand, moved a little from work to work."""
    rng = np.random.default_rng([hand, work])
    pixels = np.full((side, side, 3), 255, np.uint8)
    width, at = 1 + hand % 3, 2 + (3 * hand) % (side // 2) + int(rng.integers(3))
    pixels[:, at : at + width] = COLOURS[hand % 4]
    if hand % 2:
        row = int(rng.integers(side - width))
        pixels[row : row + width] = COLOURS[(hand + 1) % 4]
    pixels[int(rng.integers(side)), int(rng.integers(side))] = (90, 90, 90)
    return pixels


def write_drawings(out: Path) -> Path:
    """A prepared folder of pictures with hands in every split."""
    medium, tables, number = PictureMedium(max_side=16), [], 0
    for split, hands in HANDS.items():
        for _ in range(hands):
            rows = []
            for work in range(WORKS):
                pixels = drawing(number, work)
                texts = {"group": f"hand {number}", "tradition": f"family {number}", "split": split,
                         "work_id": f"{number}/{work}",
                         "title": f"work {work}", "source": "made", "licence": "CC0-1.0"}  # fmt: skip
                rows.append({**texts, "png": write_png(pixels), "width": 16, "height": 16, "author": f"hand {number}",
                             "subject": "", "colour": bool(hand_has_colour(number))})  # fmt: skip
            tables.append((f"hand {number}", pa.Table.from_pylist(rows, schema=schema(medium))))
            number += 1
    write_dataset(out, medium, tables, [], {"source": "made", "settings": {}})
    return out


def hand_has_colour(hand: int) -> bool:
    return hand % 4 > 0 or hand % 2 > 0
