"""Critique: hands, what is given to the learner, its loss and its settings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from metaart.domains.critique.domain import CritiqueConfig, CritiqueDomain
from metaart.domains.critique.hands import pictures_of
from metaart.domains.viewing.gallery import ink
from metaart.errors import UserError
from metaart.networks.frozen import NUM_FEATURES, Adapter
from tests.formats.pictures.drawings import drawing

SMALL = CritiqueConfig(side=16, layers=2, channels=8, most_hands=4)


def critique(**settings: object) -> CritiqueDomain:
    return CritiqueDomain(CritiqueConfig(**{**vars(SMALL), **settings}))  # type: ignore[arg-type]


def test_an_unvaried_hand_shows_its_works_as_they_are(drawings_data: Path) -> None:
    hand = critique().hands(drawings_data, "test", varied=False)[2]
    assert hand.name == "hand 26"
    shown = hand.examples([0, 3], np.random.default_rng(0))["pictures"]
    torch.testing.assert_close(shown, ink([drawing(26, 0), drawing(26, 3)]))
    gallery = critique().galleries(drawings_data, "test")[2]
    assert torch.equal(pictures_of(gallery, [0, 3]), shown)


def test_a_varied_hand_shows_them_in_the_manner_of_the_variation(drawings_data: Path) -> None:
    varied, plain = (critique().hands(drawings_data, "train", varied=varied)[0] for varied in (True, False))
    seen = [varied.examples([0, 1], np.random.default_rng(seed))["pictures"] for seed in (1, 1, 2, 3)]
    assert torch.equal(seen[0], seen[1])
    assert any(not torch.equal(seen[0], other) for other in seen[2:])
    assert torch.equal(
        plain.examples([0, 1], np.random.default_rng(1))["pictures"],
        plain.examples([0, 1], np.random.default_rng(2))["pictures"],
    )


def test_frozen_hands_have_so_many_works_and_no_manner(drawings_data: Path) -> None:
    domain = critique(sees="frozen", most_works=5, width=6)
    for varied in (True, False):
        hand = domain.hands(drawings_data, "train", varied=varied)[1]
        assert hand.num_works == 5
        one, other = (hand.examples([3, 1], np.random.default_rng(seed))["frozen"] for seed in (1, 2))
        assert one.shape == (2, NUM_FEATURES)
        assert torch.equal(one, other)
    (gallery,) = [gallery for gallery in domain.galleries(drawings_data, "train") if gallery.name == hand.name]
    torch.testing.assert_close(one, domain.frozen(pictures_of(gallery, [3, 1])))


def test_the_loss_is_the_cross_entropy_of_the_hands() -> None:
    domain, answers = critique(), torch.tensor([[1.0, 0.0, -1.0, 2.0], [0.0, 3.0, 0.5, 0.0]])
    examples = {"pictures": torch.zeros(2, 3, 16, 16), "labels": torch.tensor([3, 1])}
    shares = answers.softmax(1)
    by_hand = -(shares[0, 3].log() + shares[1, 1].log()) / 2
    assert float(domain.loss(lambda _: answers, examples)) == pytest.approx(float(by_hand))
    assert float(by_hand) == pytest.approx(float(F.cross_entropy(answers, examples["labels"])))
    assert domain.units(examples) == domain.targets(examples) == 2
    batch = {name: value[None].expand(3, *value.shape) for name, value in examples.items()}
    assert domain.units(batch) == 6


def test_its_last_layer_has_a_row_for_each_hand() -> None:
    for domain in (critique(), critique(sees="frozen", width=6)):
        net = domain.learner()
        assert net.get_submodule(domain.head.layer).weight.shape[0] == 4
        assert domain.head.classifies
        assert not net.unit_features
    assert isinstance(net, Adapter)


@pytest.mark.parametrize(
    "setting",
    [
        {"sees": "nothing"}, {"side": 20}, {"side": 0}, {"most_hands": 1}, {"most_hands": 101}, {"channels": 12},
        {"layers": 0}, {"layers": 7}, {"width": 0}, {"most_works": -1}, {"side": 16.0}, {"most_hands": True},
    ],
)  # fmt: skip
def test_configurations_out_of_range_are_refused(setting: dict[str, object]) -> None:
    with pytest.raises(UserError, match=r"domain\."):
        CritiqueConfig(**setting)  # type: ignore[arg-type]


def test_data_must_be_pictures(music_data: Path) -> None:
    for data, words in ((None, "prepared drawings"), (music_data, "pictures")):
        with pytest.raises(UserError, match=words):
            critique().hands(data, "train", varied=True)
