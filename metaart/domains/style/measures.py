"""What the domain keeps of style pictures and of photographs, as named tensors with one row per work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources

import numpy as np
import torch
from torch import Tensor

from metaart.domains.style.frames import square, to_tensor
from metaart.domains.style.objective import Objective, Wanted
from metaart.formats.pictures.read import Pixels, read_picture
from metaart.functional.style import channel_statistics, colour_moments, gram, recoloured
from metaart.networks.perceptual import Features

CONTENT, STYLE = "content/", "style/"
"""How the names of what is wanted begin; the tap follows."""

NUM_COLOUR_MOMENTS = 12
"""How many statistics are about colours."""

CENTRE_SIDE = 128
"""Side at which the photographs that ship are measured for `StyleReader`, px."""


class StyleReader:
    """Reads pictures into what the objective compares and what the network is told of a style.

    The statistics are first the moments of the colours, then mean and deviation of each channel at the style taps
    without depthwise ones, centred and scaled by what the photographs that ship have, so that they are numbers near 1.

    Args:
        objective: what is minimised.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        # Depthwise taps have a dot in their names; they are several times as wide as those of whole blocks.
        self.taps = [tap for tap in objective.network.style_taps if "." not in tap]
        self._centre_found: tuple[Tensor, Tensor] | None = None
        self._nothing: dict[int, dict[str, Tensor]] = {}

    @property
    def num_statistics(self) -> int:
        """How many numbers say what a style is like."""
        return self.style(torch.zeros(1, 3, 16, 16))[0].shape[-1]

    @torch.no_grad()
    def style(self, pictures: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Statistics (pictures, statistics) and the Gram matrices wanted by tap, (pictures, C, C).

        Args:
            pictures: (pictures, 3, height, width).
        """
        features = self.objective.network.features(pictures, self.objective.network.style_taps)
        grams = {STYLE + tap: gram(value) for tap, value in features.items()}
        mean, deviation = (value.to(pictures.dtype) for value in self._centre())
        centred = (self._raw(features) - mean) / deviation
        return torch.cat([colour_moments(pictures), centred], -1), grams

    def content(self, photographs: Tensor) -> dict[str, Tensor]:
        """The features wanted by tap, (photographs, C, height, width)."""
        return {CONTENT + tap: value for tap, value in self.objective.of_content(photographs).items()}

    def nothing(self, size: int) -> dict[str, Tensor]:
        """Examples without works, of squares of this side; measured once."""
        if size not in self._nothing:
            blank: Pixels = np.zeros((size, size, 3), np.uint8)
            self._nothing[size] = {name: value[:0] for name, value in examples_of(self, [blank], [blank], [0]).items()}
        return self._nothing[size]

    def _centre(self) -> tuple[Tensor, Tensor]:
        """Mean and deviation of the raw statistics of the photographs that ship."""
        if self._centre_found is None:
            network = self.objective.network
            raw = torch.cat([self._raw(network.features(shipped[None], self.taps)) for shipped in _shipped_squares()])
            deviation = raw.std(0)
            # Channels that hardly differ among photographs would be blown up by their own deviation alone.
            self._centre_found = raw.mean(0), deviation + 0.3 * deviation.mean()
        return self._centre_found

    def _raw(self, features: Features) -> Tensor:
        both = [part.flatten(1) for tap in self.taps for part in channel_statistics(features[tap])]
        return torch.cat(both, -1)


def examples_of(
    reader: StyleReader, styles: Sequence[Pixels], photographs: Sequence[Pixels], dealt: Sequence[int]
) -> dict[str, Tensor]:
    """Photographs beside style pictures, all of one size.

    Args:
        reader: measures both.
        styles: the pictures of one hand; the network is told the mean of their statistics.
        photographs: one for each work.
        dealt: for each work, the index of the picture whose Gram matrices it shall have.
    """
    pictures = torch.stack([to_tensor(pixels) for pixels in styles])
    redrawn = torch.stack([to_tensor(pixels) for pixels in photographs])
    statistics, grams = reader.style(pictures)
    mean = statistics.mean(0, keepdim=True)
    # Not a mean: each photograph is judged by one picture's texture, while the network is told what all have in common.
    style = {name: value[list(dealt)] for name, value in grams.items()}
    return {
        "photograph": in_colours_of(redrawn, mean),
        # A row for each work, as all tensors of examples have.
        "statistics": mean.expand(len(photographs), -1).contiguous(),
        **reader.content(redrawn),
        **style,
    }


def in_colours_of(photographs: Tensor, statistics: Tensor) -> Tensor:
    """Photographs (works, 3, height, width) in the colours that statistics (works or 1, ...) begin with.

    So the network is given them: it has to find strokes, not colours.
    """
    return recoloured(photographs, statistics[..., :NUM_COLOUR_MOMENTS].expand(photographs.shape[0], -1))


def wanted_of(examples: Mapping[str, Tensor]) -> Wanted:
    """What the pictures of examples shall be like."""
    return Wanted(
        {name.removeprefix(CONTENT): value for name, value in examples.items() if name.startswith(CONTENT)},
        {name.removeprefix(STYLE): value for name, value in examples.items() if name.startswith(STYLE)},
    )


def shipped_photographs() -> list[Pixels]:
    """The photographs that ship with the package, in a fixed order."""
    folder = resources.files("metaart") / "photographs"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".jpg")), key=lambda file: file.name)
    return [read_picture(file.read_bytes(), name=file.name) for file in files]


def tried_on(count: int) -> list[Pixels]:
    """So many of the photographs that ship, evenly spaced, for a style to be tried on; some twice if need be."""
    stock = shipped_photographs()
    return [stock[index * len(stock) // count] for index in range(count)]


def _shipped_squares() -> list[Tensor]:
    return [to_tensor(square(pixels, CENTRE_SIDE)) for pixels in shipped_photographs()]
