"""Made curators as hands: what each is shown, and how it rates it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from metaart.domains.base import Hand, Split
from metaart.domains.rating.curators import Standard, Taste, draw_taste, rated
from metaart.domains.rating.scale import standardised
from metaart.domains.viewing.gallery import Gallery, ink
from metaart.tasks import Examples

See = Callable[[Tensor], Examples]
"""Pictures (works, 3, side, side) to all that a learner may be given of them."""


class CuratorHand(Hand):
    """A made curator (`rating.curators`) before the drawings of a split.

    Args:
        name: of the curator.
        gallery: the works that are rated.
        standard: of their qualities.
        split: whose kinds of damage the curator minds.
        taste: the curator's; None where every variation is another curator.
        see: what the learner is given of pictures.
    """

    def __init__(self, name: str, gallery: Gallery, standard: Standard, split: Split, taste: Taste | None,
                 see: See) -> None:  # fmt: skip
        self.name, self.num_works, self.taste = name, len(gallery), taste
        self._gallery, self._standard, self._split, self._see = gallery, standard, split, see

    def examples(self, works: Sequence[int], variation: np.random.Generator) -> Examples:
        """What is seen of the works and "scores": (works,) float, standardised; a variation is another taste."""
        taste = self.taste or draw_taste(self._split, variation)
        pictures = [self._gallery.picture(index) for index in works]
        shown, scores = rated(taste, self._split, self._standard, list(works), pictures)
        return {**self._see(ink(shown)), "scores": standardised(scores)}
