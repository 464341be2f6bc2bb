"""The convolutional network."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch.func import functional_call, grad, jvp, vmap

from metaart.networks.convolution import ConvolutionalNet


@pytest.fixture
def net() -> ConvolutionalNet:
    torch.manual_seed(0)
    return ConvolutionalNet(layers=3, channels=8, outputs=5).double()


def pictures(works: int = 4, side: int = 16) -> torch.Tensor:
    return torch.rand(works, 3, side, side, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_its_features_are_means_and_maxima_of_every_layer(net: ConvolutionalNet) -> None:
    maps, found = pictures(), []
    for index, (convolution, norm) in enumerate(zip(net.convolutions, net.norms, strict=True)):
        weight = convolution.weight
        if index == 0:
            maps = F.conv2d(maps, weight, stride=2, padding=2)
        else:
            maps = F.conv2d(F.max_pool2d(maps, 2), weight, padding=1)
        maps = F.group_norm(maps, 1, norm.weight, norm.bias).clamp(min=0)
        found += [maps.flatten(2).mean(2), maps.flatten(2).max(2).values]
    features = net(pictures(), False)
    torch.testing.assert_close(features, torch.cat(found, 1))
    torch.testing.assert_close(net(pictures()), features @ net.head.weight.T + net.head.bias)
    assert features.shape == (4, 48)


def test_unit_features_have_mean_zero_and_length_one() -> None:
    torch.manual_seed(0)
    found = ConvolutionalNet(layers=3, channels=8, outputs=1, unit_features=True).double()(pictures(), False)
    torch.testing.assert_close(found.mean(1), torch.zeros(4, dtype=torch.float64))
    torch.testing.assert_close(found.square().sum(1), torch.ones(4, dtype=torch.float64), rtol=1e-3, atol=0)


def test_a_work_does_not_see_the_others(net: ConvolutionalNet) -> None:
    torch.testing.assert_close(net(pictures())[2], net(pictures()[2:3])[0])


def test_any_size_from_two_to_the_number_of_layers(net: ConvolutionalNet) -> None:
    for side in (8, 11, 64):
        assert net(pictures(2, side)).shape == (2, 5)


def test_it_maps_over_weights_and_differentiates_twice(net: ConvolutionalNet) -> None:
    theta = {name: value.detach() for name, value in net.named_parameters()}
    stacked = {name: torch.stack([value, 2 * value]) for name, value in theta.items()}
    works = pictures()
    mapped = vmap(lambda params: functional_call(net, params, (works,)))(stacked)
    torch.testing.assert_close(mapped[0], net(pictures()))

    def loss(params: dict[str, torch.Tensor]) -> torch.Tensor:
        return functional_call(net, params, (works,)).square().sum()

    direction = {name: torch.randn_like(value) for name, value in theta.items()}
    along = jvp(grad(loss), (theta,), (direction,))[1]
    step = 1e-6
    ahead, behind = (grad(loss)({n: v + s * direction[n] for n, v in theta.items()}) for s in (step, -step))
    for name, value in along.items():
        torch.testing.assert_close(value, (ahead[name] - behind[name]) / (2 * step), rtol=1e-4, atol=1e-4)


def test_no_buffers(net: ConvolutionalNet) -> None:
    assert not list(net.buffers())
