"""Critique: whose hand a picture is, from a few examples of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from metaart.data.location import Where
from metaart.data.shards import Dataset
from metaart.data.works import Recent
from metaart.domains.base import Hand, Split
from metaart.domains.critique.hands import DrawingHand, FrozenHand
from metaart.domains.critique.new_hands import NewDrawings
from metaart.domains.viewing.domain import ViewingConfig, ViewingDomain, learner_input
from metaart.domains.viewing.gallery import Gallery
from metaart.options import option, options
from metaart.tasks import Examples


@options(section="domain")
class CritiqueConfig(ViewingConfig):
    """How pictures are seen, which hands are told apart, and what learns to."""

    most_hands: int = option(default=20, ge=2, le=100, help="that can be told apart at once; examples may be of fewer")
    most_works: int = option(default=0, ge=0, help="of a hand, that are drawn from; the first of them, 0 for all")
    new_hands: NewDrawings = option(default=NewDrawings(), help="task augmentation; each part can be switched")


class CritiqueDomain(ViewingDomain):
    """Minimises the cross-entropy of the hands of a task."""

    unit = "nats per work"

    def __init__(self, config: CritiqueConfig) -> None:
        super().__init__(config, config.most_hands, classifies=True)
        self.config = config

    def galleries(self, data: Where | None, split: Split) -> list[Gallery]:
        """The works of each hand of a split, from the groups of a folder of pictures."""
        dataset, recent = Dataset.open(data, "pictures", kind="drawings"), Recent()
        most = self.config.most_works or None
        return [
            Gallery(group, dataset.works(group)[:most], self.config.side, recent) for group in dataset.groups(split)
        ]

    def hands(self, data: Where | None, split: Split, *, varied: bool) -> list[Hand]:
        """The groups of a folder of pictures."""
        galleries = self.galleries(data, split)
        if self.config.sees == "frozen":
            return [FrozenHand(gallery, self.frozen) for gallery in galleries]
        return [DrawingHand(gallery, self.config.new_hands if varied else None) for gallery in galleries]

    def loss(self, predict: Callable[..., Any], examples: Examples) -> Tensor:
        """Cross-entropy of the hands that "labels" name."""
        return F.cross_entropy(predict(learner_input(examples)), examples["labels"])

    def units(self, examples: Examples) -> int:
        """Works."""
        return examples["labels"].numel()

    def targets(self, examples: Examples) -> int:
        """Works."""
        return self.units(examples)
