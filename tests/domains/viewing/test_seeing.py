"""How pictures are seen: framed, as ink, through a frozen network; each decoded and asked about once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from metaart.data.media.pictures import StoredPicture
from metaart.data.works import Recent
from metaart.domains.critique.domain import CritiqueConfig, CritiqueDomain
from metaart.domains.rating.domain import RatingConfig, RatingDomain
from metaart.domains.viewing.domain import ViewingDomain, head_features, learner_input
from metaart.domains.viewing.frame import framed
from metaart.domains.viewing.gallery import Gallery, ink
from metaart.errors import UserError
from metaart.formats.pictures.read import write_png
from tests.formats.pictures.drawings import drawing

BOTH = [CritiqueDomain(CritiqueConfig(side=16, layers=2, channels=8)), RatingDomain(RatingConfig(side=16))]


def stored(hand: int, work: int, side: int = 16) -> StoredPicture:
    texts = dict.fromkeys(("group", "tradition", "split", "work_id", "title", "source", "licence"), "made")
    return StoredPicture(**texts, png=write_png(drawing(hand, work, side)), width=side, height=side, author="",
                         subject="", colour=True)  # fmt: skip


def gallery(name: str, recent: Recent, works: int = 4) -> Gallery:
    return Gallery(name, [stored(len(name), work, 24) for work in range(works)], 16, recent)


def test_ink_is_black_on_white() -> None:
    pixels = np.full((2, 3, 3), 255, np.uint8)
    pixels[0, 1] = (0, 51, 255)
    found = ink([pixels])
    assert found.shape == (1, 3, 2, 3)
    torch.testing.assert_close(found[0, :, 0, 1], torch.tensor([1.0, 0.8, 0.0]))
    assert found.sum() == pytest.approx(1.8)
    assert found.is_contiguous()


def test_a_picture_of_any_size_is_framed_on_white() -> None:
    wide = np.zeros((4, 8, 3), np.uint8)
    found = framed(wide, 16)
    assert found.shape == (16, 16, 3)
    assert (found[:4] == 255).all()
    assert (found[12:] == 255).all()
    assert (found[5:11] == 0).all()
    assert framed(found, 16) is found


@pytest.mark.parametrize("domain", BOTH)
def test_files_are_framed(domain: ViewingDomain) -> None:
    assert domain.frame(write_png(drawing(0, 0, 40)), "a").shape == (16, 16, 3)
    assert np.array_equal(domain.frame(write_png(drawing(1, 0)), "a"), drawing(1, 0))
    with pytest.raises(UserError, match="the third"):
        domain.frame(b"junk", "the third")


def test_a_gallery_decodes_a_picture_once_while_it_is_in_memory() -> None:
    shown = gallery("some", Recent())
    assert len(shown) == 4
    first = shown.picture(2)
    assert np.array_equal(first, framed(drawing(4, 2, 24), 16))
    assert shown.picture(2) is first


def test_galleries_that_share_memory_have_works_of_their_own() -> None:
    recent = Recent()
    one, other = gallery("a", recent), gallery("bcd", recent)
    assert not np.array_equal(one.picture(1), other.picture(1))
    assert np.array_equal(one.picture(1), framed(drawing(1, 1, 24), 16))


def test_a_frozen_network_is_asked_about_each_work_once() -> None:
    asked: list[int] = []

    def network(pictures: torch.Tensor) -> torch.Tensor:
        asked.append(len(pictures))
        return pictures.flatten(1).sum(1, keepdim=True)

    shown = gallery("some", Recent())
    found = shown.frozen([3, 1, 3], network)
    assert asked == [2], "a work that comes twice is asked about once"
    torch.testing.assert_close(found, torch.stack([found[0], found[1], found[0]]))
    torch.testing.assert_close(found[1:2], network(ink([framed(drawing(4, 1, 24), 16)])))
    asked.clear()
    again = shown.frozen([1, 0, 3], network)
    assert asked == [1], "only about the new one"
    assert torch.equal(again[[0, 2]], found[[1, 0]])


def test_the_learner_is_called_with_what_it_sees() -> None:
    pictures, frozen, features = torch.zeros(1, 3, 4, 4), torch.ones(1, 5), torch.full((1, 2), 2.0)
    assert learner_input({"pictures": pictures}) is pictures
    assert learner_input({"pictures": pictures, "frozen": frozen}) is frozen
    assert head_features(lambda *_: pytest.fail("not needed"), {"features": features}) is features
    called = head_features(lambda inputs, answer: (inputs, answer), {"frozen": frozen})  # type: ignore[arg-type]
    assert called[0] is frozen
    assert called[1] is False


@pytest.mark.parametrize("domain", BOTH)
def test_pictures_are_seen_as_they_are_where_the_learner_reads_them(domain: ViewingDomain) -> None:
    pictures = ink([drawing(0, 0), drawing(1, 0)])
    seen = domain.see(pictures)
    assert set(seen) == {"pictures"}
    assert domain.input_of(pictures) is pictures
