"""EfficientNet-Lite0 layer by layer against a network written out with PyTorch's own layers; and a cat is a cat."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib import resources

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from metaart.errors import UserError
from metaart.formats.pictures.read import read_picture
from metaart.networks.efficientnet import EfficientNetLite0, packaged_weights, shapes

CATS = (281, 282, 285)
"""Tabby, tiger cat, Egyptian cat."""

# Kernel, stride, expansion and channels of the sixteen blocks, as the paper's table has them.
TABLE = [
    (3, 1, 1, 16), (3, 2, 6, 24), (3, 1, 6, 24), (5, 2, 6, 40), (5, 1, 6, 40), (3, 2, 6, 80), (3, 1, 6, 80),
    (3, 1, 6, 80), (5, 1, 6, 112), (5, 1, 6, 112), (5, 1, 6, 112), (5, 2, 6, 192), (5, 1, 6, 192), (5, 1, 6, 192),
    (5, 1, 6, 192), (3, 1, 6, 320),
]  # fmt: skip


def witness(picture: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Every layer as published: convolution, then batch normalisation by its running statistics, then ReLU6."""
    weights = {name: value.double() for name, value in packaged_weights().items() if value.is_floating_point()}

    def same(x: Tensor, kernel: int, stride: int) -> Tensor:
        total = [max((math.ceil(s / stride) - 1) * stride + kernel - s, 0) for s in x.shape[-2:]]
        (top, left), (down, right) = [t // 2 for t in total], [t - t // 2 for t in total]
        return F.pad(x, (left, right, top, down))

    def layer(x: Tensor, conv: str, norm: str, stride: int = 1, groups: int = 1) -> Tensor:
        weight = weights[f"{conv}.weight"]
        x = F.conv2d(same(x, weight.shape[-1], stride), weight, None, stride, 0, 1, groups)
        mean, variance = weights[f"{norm}.running_mean"], weights[f"{norm}.running_var"]
        return F.batch_norm(x, mean, variance, weights[f"{norm}.weight"], weights[f"{norm}.bias"], eps=1e-3)

    x = F.relu6(layer((picture * 255 - 127) / 128, "_conv_stem", "_bn0", 2))
    yield "stem", x
    channels = 32
    for number, (_, stride, expansion, outputs) in enumerate(TABLE):
        entered, path = x, f"_blocks.{number}"
        if expansion > 1:
            x = F.relu6(layer(x, f"{path}._expand_conv", f"{path}._bn0"))
            yield f"{number}.expanded", x
        x = F.relu6(layer(x, f"{path}._depthwise_conv", f"{path}._bn1", stride, x.shape[1]))
        yield f"{number}.depthwise", x
        x = layer(x, f"{path}._project_conv", f"{path}._bn2")
        x = x + entered if stride == 1 and channels == outputs else x
        channels = outputs
        yield str(number), x
    yield "head", F.relu6(layer(x, "_conv_head", "_bn1"))


@pytest.fixture(scope="module")
def network() -> EfficientNetLite0:
    return EfficientNetLite0()


@pytest.fixture(scope="module")
def cat() -> Tensor:
    file = resources.files("metaart") / "photographs" / "chelsea.jpg"
    pixels = read_picture(file.read_bytes())[:, 50:258]
    picture = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
    return F.interpolate(picture, 224, mode="bilinear", antialias=True)


@pytest.mark.parametrize("sides", [(64, 64), (45, 38)])
def test_every_layer_is_that_of_the_witness(network: EfficientNetLite0, cat: Tensor, sides: tuple[int, int]) -> None:
    picture = F.interpolate(cat, sides, mode="bilinear", antialias=True).double()
    expected = dict(witness(picture))
    found = network.features(picture, list(expected))
    assert list(found) == list(expected)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-4)


def test_a_cat_is_a_cat(network: EfficientNetLite0, cat: Tensor) -> None:
    likely = network.logits(cat).softmax(-1)[0]
    assert int(likely.argmax()) in CATS
    assert float(likely[list(CATS)].sum()) > 0.7
    assert likely.shape == (1000,)


def test_it_goes_no_deeper_than_it_is_asked(network: EfficientNetLite0, cat: Tensor) -> None:
    walked = [name for name, _ in zip((n for n, _ in network.layers(cat)), range(3), strict=False)]
    assert walked == ["stem", "0.depthwise", "0"]
    assert list(network.features(cat, ["0", "stem"])) == ["0", "stem"]
    with pytest.raises(UserError, match="99"):
        network.features(cat, ["99"])


def test_smooth_halving_keeps_sizes_and_a_flat_picture_flat(cat: Tensor) -> None:
    smooth, strided = EfficientNetLite0(halving="smooth"), EfficientNetLite0()
    taps = strided.style_taps
    for sides in ((64, 64), (45, 38)):
        picture = F.interpolate(cat, sides, mode="bilinear", antialias=True)
        ours, published = smooth.features(picture, taps), strided.features(picture, taps)
        assert {name: value.shape for name, value in ours.items()} == {n: v.shape for n, v in published.items()}
    flat = smooth.features(torch.full((1, 3, 32, 32), 0.3), taps)
    for name, value in flat.items():
        assert float((value - value[..., :1, :1]).abs().max()) < 1e-3, name
    edges = strided.features(torch.full((1, 3, 32, 32), 0.3), taps)["4"]
    assert float((edges - edges[..., :1, :1]).abs().max()) > 0.1, "zeros at the edges show, as published"


def test_weights_are_constants(network: EfficientNetLite0, cat: Tensor) -> None:
    picture = cat[..., :32, :32].clone().requires_grad_()
    network.features(picture, ["1"])["1"].sum().backward()  # type: ignore[no-untyped-call]
    assert picture.grad is not None
    assert not any(value.requires_grad for value in network._weights.values())


def test_other_weights_are_refused() -> None:
    weights = packaged_weights()
    for broken in ({}, {**weights, "_conv_stem.weight": torch.zeros(8, 3, 3, 3)}):
        with pytest.raises(UserError, match="_conv_stem"):
            EfficientNetLite0(broken)
    assert {f"{name}.weight" for name in shapes()} == {n for n in weights if "_bn" not in n and n.endswith("weight")}
