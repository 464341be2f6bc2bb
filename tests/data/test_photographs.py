"""Photographs, dealt out to the splits."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaart.data.gcompris import GcomprisPhotographs
from metaart.data.photographs import Photographs, deal_out
from metaart.data.prepare import prepare
from tests.data.pictures import (
    gcompris_folder,
)


def test_photographs_are_dealt_out_whatever_their_group(tmp_path: Path) -> None:
    about = prepare(
        Photographs(GcomprisPhotographs(gcompris_folder(tmp_path / "rcc"))),
        tmp_path / "data",
        workers=1,
        progress=False,
    )
    assert [entry["name"] for entry in about["groups"]] == [
        "photographs, train", "photographs, validation", "photographs, test",
    ]  # fmt: skip
    assert about["counts"]["works"] == 26
    assert all(len(names) == 1 for names in about["splits"].values())


@given(st.sets(st.text(max_size=5), max_size=60), st.text(max_size=5))
def test_every_split_has_a_photograph_and_others_hardly_move(names: set[str], another: str) -> None:
    dealt = deal_out(names)
    assert dealt.keys() == names
    assert set(dealt.values()) == ({"train", "validation", "test"} if len(names) > 2 else {"train"} if names else set())
    more = deal_out(names | {another})
    assert sum(more[name] != split for name, split in dealt.items()) <= 3


def test_shares_of_many_photographs_are_near_what_was_asked() -> None:
    held = list(deal_out(f"{number}.jpg" for number in range(4000)).values())
    assert held.count("test") / 4000 == pytest.approx(0.25, abs=0.03)
    assert held.count("validation") / 4000 == pytest.approx(0.15, abs=0.03)
