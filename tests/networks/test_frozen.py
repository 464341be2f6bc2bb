"""Frozen features and the map that is learned of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from metaart.domains.critique.domain import CritiqueConfig, CritiqueDomain
from metaart.networks.efficientnet import EfficientNetLite0
from metaart.networks.frozen import NUM_FEATURES, TAPS, Adapter, FrozenFeatures


@pytest.fixture(scope="module")
def frozen() -> FrozenFeatures:
    return FrozenFeatures(32)


def ink(works: int = 3) -> torch.Tensor:
    return torch.rand(works, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_they_are_means_and_deviations_of_the_taps(frozen: FrozenFeatures) -> None:
    maps = EfficientNetLite0().features(1 - ink(), tuple(TAPS))
    found = frozen(ink())
    assert found.shape == (3, NUM_FEATURES)
    stem = maps["stem"].flatten(2)
    torch.testing.assert_close(found[:, :32], stem.mean(2) / TAPS["stem"][0])
    torch.testing.assert_close(found[:, 32:64], stem.var(2, correction=0).sqrt() / TAPS["stem"][1])
    last = maps["14"].flatten(2)
    torch.testing.assert_close(found[:, -384:-192], last.mean(2) / TAPS["14"][0])


def test_the_answer_is_affine_in_the_features_of_the_map() -> None:
    torch.manual_seed(0)
    net, works = Adapter(10, 4, 3).double(), torch.randn(5, 10, dtype=torch.float64)
    features = net(works, False)
    torch.testing.assert_close(features, works @ net.map.weight.T)
    torch.testing.assert_close(net(works), features @ net.head.weight.T + net.head.bias)
    assert list(net.buffers()) == []


def test_a_hand_finds_the_features_of_its_works_once(drawings_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    domain = CritiqueDomain(CritiqueConfig(sees="frozen", side=16, most_works=5, width=6))
    hand = domain.hands(drawings_data, "train", varied=True)[1]
    assert hand.num_works == 5
    first = hand.examples([3, 1], np.random.default_rng(0))["frozen"]
    assert first.shape == (2, NUM_FEATURES)
    monkeypatch.setattr(FrozenFeatures, "__call__", lambda *_: pytest.fail("asked again"))
    assert torch.equal(hand.examples([1, 3], np.random.default_rng(9))["frozen"], first.flip(0))


def test_the_domain_sees_pictures_as_its_learner_does() -> None:
    domain = CritiqueDomain(CritiqueConfig(sees="frozen", side=16, width=6, most_hands=3))
    pictures = torch.rand(2, 3, 16, 16)
    seen = domain.see(pictures) | {"labels": torch.tensor([0, 1])}
    assert set(seen) == {"pictures", "frozen", "labels"}
    net = domain.learner()
    assert domain.loss(net, seen).isfinite()
    torch.testing.assert_close(net(domain.input_of(pictures)), net(seen["frozen"]))
