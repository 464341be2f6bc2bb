"""What a stylised picture is judged by: one objective for training, for the classical way, and for evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from metaart.errors import UserError
from metaart.functional.style import content_distance, gram, gram_distance, total_variation
from metaart.networks.efficientnet import EfficientNetLite0
from metaart.networks.perceptual import LossNetwork
from metaart.networks.vgg import random_vgg, vgg19_from
from metaart.options import option, options


@options(section="domain.objective")
class ObjectiveConfig:
    """What counts how much."""

    loss_network: str = option(
        default="efficientnet",
        help="efficientnet (halved smoothly), efficientnet-strided (as published), random-vgg, or vgg19:PATH with the "
        "weights file that torchvision publishes",
    )
    content: float = option(default=1.0, ge=0, help="weight of the distance to the photograph's content")
    style: float = option(
        default=5.0, ge=0, help="weight of the distance to the style's Gram matrices, a mean over taps"
    )
    variation: float = option(default=5.0, ge=0, help="weight of the total variation")


class Wanted(NamedTuple):
    """What a picture shall be like: features of the photograph, Gram matrices of the style, by tap."""

    content: Mapping[str, Tensor]
    style: Mapping[str, Tensor]


class Parts(NamedTuple):
    """The objective and what it is the weighted sum of, each (pictures,)."""

    total: Tensor
    content: Tensor
    style: Tensor
    variation: Tensor


class Objective:
    """Content, style and smoothness in one number, at the taps of a frozen loss network.

        L = content * L_content + style * mean over taps of L_style + variation * L_variation

    Each part is relative (`metaart.functional.style`), so that a weight means the same at every size. Source: Gatys,
    Ecker & Bethge 2016, equation 7; Johnson et al. 2016, equation 5.

    Raises:
        UserError: there is no such loss network.
    """

    def __init__(self, config: ObjectiveConfig = ObjectiveConfig()) -> None:
        self.config = config
        self.network = loss_network(config.loss_network)

    @torch.no_grad()
    def of_content(self, photographs: Tensor) -> dict[str, Tensor]:
        """The content wanted, of photographs (pictures, 3, height, width), by tap."""
        return self.network.features(photographs, self.network.content_taps)

    @torch.no_grad()
    def of_style(self, pictures: Tensor) -> dict[str, Tensor]:
        """The Gram matrices wanted, of pictures (pictures, 3, height, width), by tap: (pictures, C, C)."""
        features = self.network.features(pictures, self.network.style_taps)
        return {tap: gram(value) for tap, value in features.items()}

    def parts(self, pictures: Tensor, wanted: Wanted) -> Parts:
        """The objective of each picture.

        Args:
            pictures: (pictures, 3, height, width) from 0 to 1.
            wanted: for each picture, or for all (one entry).
        """
        # Some taps are of both kinds; the network runs once for all.
        taps = dict.fromkeys((*self.network.style_taps, *self.network.content_taps))
        features = self.network.features(pictures, list(taps))
        contents = [content_distance(features[tap], value) for tap, value in wanted.content.items()]
        styles = [gram_distance(gram(features[tap]), value) for tap, value in wanted.style.items()]
        content, style = torch.stack(contents).mean(0), torch.stack(styles).mean(0)
        variation = total_variation(pictures)
        config = self.config
        total = config.content * content + config.style * style + config.variation * variation
        return Parts(total, content, style, variation)


def loss_network(name: str) -> LossNetwork:
    """The loss network of this name (`ObjectiveConfig.loss_network`).

    Raises:
        UserError: there is none, or its weights cannot be read.
    """
    kind, separator, path = name.partition(":")
    if kind == "vgg19" and separator:
        return vgg19_from(Path(path))
    if name == "random-vgg":
        return random_vgg()
    if name == "efficientnet":
        return EfficientNetLite0(halving="smooth")
    if name == "efficientnet-strided":
        return EfficientNetLite0()
    raise UserError(
        expected="a loss network: efficientnet, efficientnet-strided, random-vgg or vgg19:PATH",
        got=repr(name),
        fix="For example: --set domain.objective.loss_network=vgg19:vgg19-dcbb9e9d.pth",
    )
