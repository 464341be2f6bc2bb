"""Rating: which score a curator would give a picture, from a few that he rated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

from metaart.data.location import Where
from metaart.data.shards import Dataset
from metaart.data.works import Recent
from metaart.domains.base import Hand, Split
from metaart.domains.rating.curators import Standard, draw_taste
from metaart.domains.rating.hands import CuratorHand
from metaart.domains.viewing.domain import ViewingConfig, ViewingDomain, learner_input
from metaart.domains.viewing.gallery import Gallery
from metaart.options import options
from metaart.tasks import Examples

CURATORS = {"train": 1, "validation": 40, "test": 100}
"""How many made curators a split has; in training there is one, and every variation of it is another."""

_STANDARD_WORKS = 400


@options(section="domain")
class RatingConfig(ViewingConfig):
    """How pictures are seen, and what learns to rate them."""


class RatingDomain(ViewingDomain):
    """Minimises the squared error of standardised scores."""

    unit = "squared error of scores, standardised"

    def __init__(self, config: RatingConfig) -> None:
        super().__init__(config, 1, classifies=False)
        self.config = config

    def hands(self, data: Where | None, split: Split, *, varied: bool) -> list[Hand]:
        """Made curators, each of whom knows all pictures of the split."""
        dataset = Dataset.open(data, "pictures", kind="drawings")
        gallery = Gallery("all", dataset.works(*dataset.groups(split)), self.config.side, Recent())
        # What is usual is measured on some works, always the same ones of a split.
        some = np.random.default_rng(0).permutation(len(gallery))[:_STANDARD_WORKS]
        standard = Standard.of(np.stack([gallery.picture(int(index)) for index in some]))
        # Undisturbed training hands are those that an evaluation asks for: as many as in validation.
        count = CURATORS["train"] if varied else CURATORS[split] if split != "train" else CURATORS["validation"]
        # The lengths of the splits' names, 5, 10 and 4, tell them apart: each has curators of its own.
        tastes = [draw_taste(split, np.random.default_rng([len(split), number])) for number in range(count)]
        return [
            CuratorHand(f"{split} curator {number}", gallery, standard, split, None if varied else taste, self.see)
            for number, taste in enumerate(tastes)
        ]

    def loss(self, predict: Callable[..., Any], examples: Examples) -> Tensor:
        """Mean squared error of the "scores"."""
        error = predict(learner_input(examples))[..., 0] - examples["scores"]
        # Written out: PyTorch's mean squared error has no forward derivative of its gradient.
        loss: Tensor = (error * error).mean()
        return loss

    def units(self, examples: Examples) -> int:
        """Works."""
        return examples["scores"].numel()

    def targets(self, examples: Examples) -> int:
        """Works."""
        return self.units(examples)
