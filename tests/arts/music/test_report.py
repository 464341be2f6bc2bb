"""What is created, as a picture."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from metaart.arts.music import report


@pytest.mark.parametrize("hands", [1, 3])
def test_what_was_created_is_a_picture(hands: int, tmp_path: Path) -> None:
    kinds = ("created", "unadapted", "real")
    rows = [{"distance": {kind: {"own": 0.5 + index, "other": 1.0} for kind in kinds}} for index in range(hands)]
    created = {"totals": {"distance": {kind: {} for kind in kinds}}, "rows": rows}
    report.plot_created(created, tmp_path / "created.png")
    assert_picture(tmp_path / "created.png")


def assert_picture(path: Path) -> None:
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.width > 400
        assert len(picture.convert("RGB").getcolors(2**24) or []) > 10, "not all of one colour"
