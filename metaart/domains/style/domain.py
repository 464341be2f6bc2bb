"""Style: pictures by one hand and photographs, and a network that redraws one like the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from metaart.data.location import Where, absolute
from metaart.data.shards import Dataset
from metaart.domains.base import Domain, Hand, Split
from metaart.domains.style.hands import DecodedPhotographs, HasPixels, Shown, StyleHand, quarters
from metaart.domains.style.measures import StyleReader, shipped_photographs, wanted_of
from metaart.domains.style.new_styles import NewStyles
from metaart.domains.style.objective import Objective, ObjectiveConfig
from metaart.formats.pictures.read import Pixels
from metaart.networks.stylist import Stylist
from metaart.options import option, options
from metaart.tasks import Examples


@options(section="domain")
class StyleConfig:
    """How styles are read and learned."""

    size: int = option(default=64, ge=16, multiple_of=8, unit="px", help="side of the squares that are trained on")
    width: int = option(default=16, ge=1, help="channels of the network at full size")
    depth: int = option(default=64, ge=2, help="channels at a quarter")
    blocks: int = option(default=5, ge=1, help="residual blocks there")
    hidden: int = option(default=96, ge=1, help="width of what predicts the affines from the style")
    conditioned: bool = option(
        default=True, help="whether the network is told what the style is like; otherwise its weights alone say it"
    )
    photographs: str = option(
        default="data/photographs",
        help="prepared folder of photographs, or its URL; those that ship with the package if empty",
    )
    pictures: int = option(default=2, ge=1, help="pictures of a hand in one task, at most")
    objective: ObjectiveConfig = option(default=ObjectiveConfig(), help="what is minimised")
    new_styles: NewStyles = option(default=NewStyles(), help="task augmentation; each part can be switched")

    def located(self) -> StyleConfig:
        """The same, its files named so that a process in another folder finds them."""
        # Of the loss networks `vgg19:PATH` alone names a file; without one the path is empty and stays so.
        kind, mark, path = self.objective.loss_network.partition(":")
        objective = dataclasses.replace(self.objective, loss_network=f"{kind}{mark}{absolute(path)}")
        return dataclasses.replace(self, photographs=absolute(self.photographs), objective=objective)


class StyleDomain(Domain):
    """Redraw photographs in the hand of a few pictures; the loss is that of `Objective`.

    The loss is the whole objective; its unit has no dimension: every part is relative to what is wanted.
    """

    unit = "perceptual loss"

    def __init__(self, config: StyleConfig = StyleConfig()) -> None:
        self.config = config
        self.objective = Objective(config.objective)
        self.reader = StyleReader(self.objective)

    def hands(self, data: Where | None, split: Split, *, varied: bool) -> list[Hand]:
        """The groups of a prepared folder that are mostly in colour, each beside the photographs of the split."""
        dataset, config = Dataset.open(data, medium="pictures"), self.config
        photographs = self.photographs(split)
        artists: dict[str, Sequence[HasPixels]] = {
            group: dataset.works(group)
            for group in dataset.groups(split)
            # In the manner of a monochrome set a photograph would lose all colour.
            if dataset.about(group)["colour_share"] >= 0.5
        }
        if varied and config.new_styles.photographs:
            # Painted over (`new_styles`), photographs are textures that no drawing has.
            shown = enumerate([Shown(photographs, index) for index in range(len(photographs))], start=1)
            artists |= {f"a photograph ({number})": [photograph] for number, photograph in shown}
        return [
            StyleHand(name, pictures, photographs, self.reader, config.new_styles, config.size, config.pictures, varied)
            for name, pictures in artists.items()
        ]

    def photographs(self, split: Split) -> Sequence[Pixels]:
        """The photographs of a split; those that ship, in parts, where no folder is set."""
        if not self.config.photographs:
            return [part for pixels in shipped_photographs() for part in quarters(pixels)]
        dataset = Dataset.open(self.config.photographs, medium="pictures")
        return DecodedPhotographs(dataset.works(*dataset.groups(split)))

    def learner(self) -> nn.Module:
        """The image transformation network."""
        config = self.config
        statistics = self.reader.num_statistics if config.conditioned else 0
        return Stylist(config.width, config.depth, config.blocks, statistics, config.hidden)

    def loss(self, predict: Callable[..., Any], examples: Examples) -> Tensor:
        """The mean objective of the redrawn photographs."""
        pictures = predict(examples["photograph"], examples["statistics"])
        return self.objective.parts(pictures, wanted_of(examples)).total.mean()
