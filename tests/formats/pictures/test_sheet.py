"""Many pictures on one sheet."""

from __future__ import annotations

import numpy as np

from metaart.formats.pictures.sheet import contact_sheet


def test_every_picture_is_on_the_sheet_in_its_place() -> None:
    red, blue = (np.full((30, 60, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 0, 255)))
    sheet = contact_sheet([("Dürer", [red, blue]), ("other", [blue])], cell=40)
    middle = [(6 + 16 + 20, 6 + 20), (6 + 16 + 20, 6 + 46 + 20), (6 + 62 + 16 + 20, 6 + 20)]
    assert [tuple(sheet[row, column]) for row, column in middle] == [(255, 0, 0), (0, 0, 255), (0, 0, 255)]
    assert ((sheet == (255, 0, 0)).all(-1)).sum() == 40 * 20
    assert sheet[8:20, 6:60].min() < 100  # the title


def test_a_sheet_of_many_rows_is_bounded() -> None:
    small = np.zeros((8, 8, 3), np.uint8)
    assert contact_sheet([("row", [small])] * 999, cell=40).shape[0] <= 16_000
