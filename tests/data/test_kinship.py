"""Families of drawing sets and their splits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.data.kinship import alike, families, houses, shape, split_families
from metaart.formats.pictures.read import Pixels


def drawn(top: int, left: int, scale: int = 1) -> Pixels:
    """An L on white."""
    pixels = np.full((64, 64, 3), 255, np.uint8)
    pixels[top : top + 20 * scale, left : left + 6 * scale] = 0
    pixels[top + 14 * scale : top + 20 * scale, left : left + 14 * scale] = 0
    return pixels


@pytest.mark.parametrize(("one", "other"), [
    (("fa6-solid", "Dave Gandy", ""), ("fa", "Somebody", "")),
    (("noto", "Google Inc", "https://github.com/googlefonts/noto-emoji"), ("ic", "Google", "")),
    (("ri", "A", "https://github.com/cyberalien/RemixIcon"), ("nimbus", "B", "https://github.com/CyberAlien/nimbus")),
])  # fmt: skip
def test_sets_of_one_house_share_something(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assert houses(*one) & houses(*other)


def test_sets_of_other_houses_share_nothing() -> None:
    assert not houses("ion", "Ben", "https://github.com/ionic-team/x") & houses("ei", "", "https://example.org/ionic")


def test_a_shape_does_not_depend_on_margin_and_size() -> None:
    first, moved, larger = (shape(drawn(*where)) for where in ((5, 6), (30, 40), (10, 10, 2)))
    assert first is not None
    assert moved is not None
    assert larger is not None
    assert float(first @ first) == pytest.approx(1, abs=1e-5)
    assert float(first @ moved) == pytest.approx(1, abs=1e-5)
    assert float(first @ larger) > 0.95
    mirrored = shape(drawn(5, 6)[:, ::-1])
    assert mirrored is not None
    assert float(first @ mirrored) < 0.6


def test_nothing_drawn_has_no_shape() -> None:
    assert shape(np.full((9, 9, 3), 255, np.uint8)) is None


def test_sets_are_alike_where_two_in_five_of_eight_are() -> None:
    random = np.random.default_rng(1)

    def made() -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        values = random.normal(size=576).astype(np.float32)
        return values / np.linalg.norm(values)

    one = {str(number): made() for number in range(10)}
    few = {str(number): one[str(number)] if number < 3 else made() for number in range(10)}
    many = {str(number): one[str(number)] if number < 4 else made() for number in range(10)}
    short = {str(number): one[str(number)] for number in range(7)}
    assert alike({"one": one, "few": few}) == []
    assert alike({"one": one, "many": many}) == [("many", "one")]
    assert alike({"one": one, "short": short}) == []


NAMES = st.lists(st.text("abcdefgh", min_size=1, max_size=3), min_size=1, max_size=30, unique=True)


@settings(deadline=None)
@given(NAMES, st.data())
def test_families_are_what_is_connected(names: list[str], data: st.DataObject) -> None:
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=20))
    found = families({name: {f"house {name}"} for name in names}, pairs)
    connected = {name: {name} for name in names}
    for one, other in pairs:
        joined = connected[one] | connected[other]
        for name in joined:
            connected[name] = joined
    assert found == {name: min(connected[name]) for name in names}


@settings(deadline=None)
@given(NAMES, st.data())
def test_every_family_has_one_split_and_none_depends_on_order(names: list[str], data: st.DataObject) -> None:
    family = {name: name[0] for name in names}
    strata = {name: data.draw(st.sampled_from(["colour", "mono"])) for name in names}
    splits = split_families(family, strata)
    assert splits.keys() == set(family.values())
    assert split_families(dict(reversed(family.items())), strata) == splits


def test_shares_are_near_what_was_asked_and_a_large_family_is_for_training() -> None:
    family = {f"set {number}": f"family {number}" for number in range(200)}
    family.update({f"large {number}": "large" for number in range(40)})
    splits = split_families(family, dict.fromkeys(family, "mono"))
    assert splits["large"] == "train"
    held = [splits[head] for head in family.values()]
    assert held.count("test") == 48
    assert held.count("validation") == 36
