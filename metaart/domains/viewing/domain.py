"""What critique and rating share: how a picture is seen, and the network that learns from what is seen."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Literal

from torch import Tensor, nn

from metaart.domains.base import Domain
from metaart.domains.viewing.frame import framed
from metaart.formats.pictures.read import Pixels, read_picture
from metaart.networks.convolution import ConvolutionalNet
from metaart.networks.frozen import NUM_FEATURES, Adapter, FrozenFeatures
from metaart.options import option, options
from metaart.tasks import Examples, Head

HEAD = "head"
"""The name of the last layer in both networks."""


@options(section="domain")
class ViewingConfig:
    """How pictures are seen, and what learns from them."""

    sees: Literal["pictures", "frozen"] = option(
        default="pictures",
        help="what the learner is given: pictures, which convolutions learn to read; or frozen, features of ImageNet, "
        "of which a linear map learns what matters; found once for each work, so works then come as they are, without "
        "new hands",
    )
    side: int = option(
        default=64, ge=16, multiple_of=16, unit="px", help="of the square frame in which pictures are seen"
    )
    channels: int = option(default=32, ge=8, multiple_of=8, help="of the network's convolutions")
    layers: int = option(default=4, ge=1, le=6, help="of the network")
    width: int = option(default=128, ge=1, help="features that a map of frozen features makes")


def learner_input(examples: Examples) -> Tensor:
    """What the learner is called with: frozen features where there are some, pictures elsewhere.

    Where the features of the last layer are there already the learner is not needed, and what it is called with does
    not matter.
    """
    return next(examples[name] for name in ("frozen", "pictures", "features") if name in examples)


def head_features(predict: Callable[..., Any], examples: Examples) -> Tensor:
    """What the last layer is given for each work, (works, features); "features" of the examples where it is there."""
    if "features" in examples:
        return examples["features"]
    found: Tensor = predict(learner_input(examples), False)
    return found


class ViewingDomain(Domain):
    """An art form that looks at pictures: all but its hands, what it answers and its loss.

    Args:
        config: how pictures are seen.
        outputs: of the last layer.
        classifies: whether those are the hands of a task. Elsewhere the features are brought to length 1, so that one
            rate of gradient descent suits every picture.
    """

    head: Head

    def __init__(self, config: ViewingConfig, outputs: int, *, classifies: bool) -> None:
        self.view = config
        self.head = Head(HEAD, head_features, classifies=classifies)
        self._outputs, self._unit_features = outputs, not classifies

    @cached_property
    def _network(self) -> FrozenFeatures:
        return FrozenFeatures(self.view.side)

    def learner(self) -> nn.Module:
        """Convolutions and pooling, or a map of frozen features; then one linear layer."""
        view, outputs, unit_features = self.view, self._outputs, self._unit_features
        if view.sees == "frozen":
            return Adapter(NUM_FEATURES, view.width, outputs, unit_features=unit_features)
        return ConvolutionalNet(view.layers, view.channels, outputs, unit_features=unit_features)

    def see(self, pictures: Tensor) -> Examples:
        """All that the learner may be given of pictures: {"pictures"}, and where it sees them so, "frozen" features.

        Args:
            pictures: (works, 3, side, side), 0 white to 1 black.
        """
        return {"pictures": pictures, **({"frozen": self.frozen(pictures)} if self.view.sees == "frozen" else {})}

    def frozen(self, pictures: Tensor) -> Tensor:
        """What the frozen network makes of pictures (works, 3, side, side): (works, features)."""
        return self._network(pictures)

    def input_of(self, pictures: Tensor) -> Tensor:
        """What the learner is called with for these pictures."""
        return learner_input(self.see(pictures))

    def frame(self, data: bytes, name: str) -> Pixels:
        """A picture file as it is seen, uint8 (side, side, 3).

        Args:
            data: PNG, JPEG or WebP, which nobody vouches for.
            name: what to call it in errors.

        Raises:
            UserError: it cannot be used.
        """
        return framed(read_picture(data, name=name, max_side=4 * self.view.side), self.view.side)
