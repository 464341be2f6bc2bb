"""VGG19's features against the layers of torchvision's layout, and its weights from files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from metaart.errors import UserError
from metaart.networks.vgg import DEVIATION, MEAN, VGG19, random_vgg, shapes, vgg19_from

POOL = 0
LAYOUT = [64, 64, POOL, 128, 128, POOL, 256, 256, 256, 256, POOL, 512, 512, 512, 512, POOL, 512, 512, 512, 512, POOL]


@pytest.fixture(scope="module")
def published() -> dict[str, Tensor]:
    """A state dict as torchvision publishes one, classifier included; its values do not matter here."""
    return {**random_vgg(3)._weights, "classifier.0.weight": torch.zeros(2, 2)}


def test_its_layers_are_those_of_the_published_layout(published: dict[str, Tensor]) -> None:
    layers: list[nn.Module] = []
    channels = 3
    for entry in LAYOUT:
        if entry == POOL:
            layers.append(nn.AvgPool2d(2))
        else:
            layers += [nn.Conv2d(channels, entry, 3, padding=1), nn.ReLU()]
            channels = entry
    features = nn.Sequential(*layers)
    features.load_state_dict({n.removeprefix("features."): v for n, v in published.items() if n.startswith("f")})
    picture = torch.rand(1, 3, 32, 48)
    x = (picture - torch.tensor(MEAN)[:, None, None]) / torch.tensor(DEVIATION)[:, None, None]
    # torchvision counts every module: relu1_1 is 1, relu2_1 is 6, relu3_1 is 11, relu4_2 is 22, relu5_1 is 29.
    indices = {"relu1_1": 1, "relu2_1": 6, "relu3_1": 11, "relu4_2": 22, "relu5_1": 29}
    found = VGG19(published).features(picture, list(indices))
    for number, layer in enumerate(features):
        x = layer(x)
        for name, index in indices.items():
            if index == number:
                torch.testing.assert_close(found[name], x)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_its_weights_come_from_files(published: dict[str, Tensor], tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"vgg{suffix}"
    if suffix == ".pth":
        torch.save(published, path)
    else:
        save_file(published, path)
    network = vgg19_from(path)
    assert network.name == f"vgg19:{path}"
    assert all(torch.equal(network._weights[name], published[name]) for name in shapes())


def test_files_that_are_no_weights_are_refused(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path(tmp_path / "executed").touch, ())

    hostile, other, junk = tmp_path / "hostile.pth", tmp_path / "other.pth", tmp_path / "junk.safetensors"
    torch.save(Hostile(), hostile)
    torch.save({"features.0.weight": torch.zeros(1)}, other)
    junk.write_bytes(b"junk")
    for path in (hostile, other, junk, tmp_path / "missing.pth"):
        with pytest.raises(UserError, match="VGG19"):
            vgg19_from(path)
    assert not (tmp_path / "executed").exists()


def test_random_weights_are_their_seed() -> None:
    one, same, other = random_vgg(1), random_vgg(1), random_vgg(2)
    assert all(torch.equal(value, same._weights[name]) for name, value in one._weights.items())
    assert not torch.equal(one._weights["features.0.weight"], other._weights["features.0.weight"])
    with pytest.raises(UserError, match="relu9_9"):
        one.features(torch.rand(1, 3, 16, 16), ["relu9_9"])
