"""VGG19's features as a frozen loss network: with published weights, or with random ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from metaart.errors import UserError
from metaart.networks.perceptual import LossNetwork, like

WIDTHS = ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,) * 4)
"""Channels of the 3 x 3 convolutions of each block; blocks are halved in between. Configuration E of the paper."""

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, by channel; what torchvision's weights were trained with."""


class VGG19(LossNetwork):
    """The sixteen convolutions of VGG19, each with ReLU; taps `relu1_1` to `relu5_4`.

    Source: Simonyan & Zisserman 2015. Blocks are halved by average pooling, as Gatys et al. 2016 (section 2)
    recommend for synthesis, where the published network takes maxima.

    Args:
        weights: `features.N.weight` and `features.N.bias` of torchvision's state dict; the classifier is not needed.

    Raises:
        UserError: the weights are not of this network.
    """

    style_taps = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    content_taps = ("relu4_2",)
    tap_names = "relu1_1 or relu4_2, of blocks from 1 to 5"

    def __init__(self, weights: Mapping[str, Tensor], name: str = "vgg19") -> None:
        self.name, self._weights = name, {}
        for key, shape in shapes().items():
            if key not in weights or tuple(weights[key].shape) != shape:
                raise UserError(
                    expected=f"torchvision's state dict of VGG19, {key} of shape {shape}",
                    got="another state dict",
                    fix="Take the file vgg19-dcbb9e9d.pth that torchvision publishes.",
                )
            self._weights[key] = weights[key].detach().float()

    def layers(self, pictures: Tensor) -> Iterator[tuple[str, Tensor]]:
        """See `LossNetwork`; block b has a side of floor(side / 2^(b - 1))."""
        mean, deviation = (pictures.new_tensor(values)[:, None, None] for values in (MEAN, DEVIATION))
        x, index = (pictures - mean) / deviation, 0
        for block, widths in enumerate(WIDTHS, start=1):
            x = F.avg_pool2d(x, 2) if block > 1 else x  # maxima would send the gradient to one pixel in four
            for number in range(1, len(widths) + 1):
                layer = like({part: self._weights[f"features.{index}.{part}"] for part in ("weight", "bias")}, x)
                x = F.relu(F.conv2d(x, layer["weight"], layer["bias"], padding=1))
                yield f"relu{block}_{number}", x
                index += 2  # torchvision numbers the ReLU too
            index += 1  # and the pooling


def shapes() -> dict[str, tuple[int, ...]]:
    """The shape of every weight, by the names of torchvision's state dict."""
    by_name: dict[str, tuple[int, ...]] = {}
    inputs, index = 3, 0
    for widths in WIDTHS:
        for outputs in widths:
            by_name |= {f"features.{index}.weight": (outputs, inputs, 3, 3), f"features.{index}.bias": (outputs,)}
            inputs, index = outputs, index + 2
        index += 1
    return by_name


def vgg19_from(path: Path) -> VGG19:
    """VGG19 with the weights of a file: torchvision's .pth, or the same as .safetensors.

    Raises:
        UserError: the file is missing, damaged, or holds something else.
    """
    from safetensors.torch import load_file

    try:
        weights = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)  # never code out of a pickle
        )
        if not isinstance(weights, Mapping):
            raise TypeError(f"a {type(weights).__name__} instead of a state dict")
    except Exception as error:
        raise UserError(
            expected="the weights of VGG19 as .pth or .safetensors",
            got=f"{path}: {' '.join(str(error).split())[:200]}",
            fix="Take the file vgg19-dcbb9e9d.pth that torchvision publishes.",
        ) from error
    return VGG19(weights, f"vgg19:{path}")


def random_vgg(seed: int = 0) -> VGG19:
    """VGG19 with random weights (He et al. 2015), the same for the same seed; biases are zero.

    Source: He, Wang & Hopcroft 2016: a random network's features say enough of a picture to draw it, and its style,
    from them.
    """
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in shapes().items():
        if name.endswith("bias"):
            weights[name] = torch.zeros(shape)
        else:
            # Variance 2 / fan-in keeps the size of features the same from layer to layer under ReLU.
            weights[name] = torch.randn(shape, generator=generator) * (2 / (9 * shape[1])) ** 0.5
    return VGG19(weights, f"random-vgg:{seed}")
