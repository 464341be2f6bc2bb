"""Houses, painters and sets of drawings as hands whose pictures are told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from metaart.domains.base import Hand
from metaart.domains.critique.new_hands import NewDrawings, draw_hand
from metaart.domains.viewing.gallery import Gallery, ink
from metaart.tasks import Examples


class DrawingHand(Hand):
    """One house, painter or set of drawings, seen as pictures.

    Args:
        gallery: its works.
        new_hands: in whose manner they come; None shows them as they are.
    """

    def __init__(self, gallery: Gallery, new_hands: NewDrawings | None = None) -> None:
        self.name, self.num_works = gallery.name, len(gallery)
        self._gallery, self._new_hands = gallery, new_hands

    def examples(self, works: Sequence[int], variation: np.random.Generator) -> Examples:
        """{"pictures": (works, 3, side, side) float, 0 white to 1 black}, in the manner of the variation."""
        pictures = pictures_of(self._gallery, works)
        if self._new_hands is None:
            return {"pictures": pictures}
        # One manner for all works of the call; support and query give the same generator state, and so get the same
        # one.
        return {"pictures": draw_hand(self._new_hands, variation).apply(pictures)}


class FrozenHand(Hand):
    """The same seen through a frozen network, always as its works are.

    Args:
        gallery: its works.
        network: pictures as ink to their features.
    """

    def __init__(self, gallery: Gallery, network: Callable[[Tensor], Tensor]) -> None:
        self.name, self.num_works = gallery.name, len(gallery)
        self._gallery, self._network = gallery, network

    def examples(self, works: Sequence[int], variation: np.random.Generator) -> Examples:  # noqa: ARG002
        """{"frozen": (works, features)}."""
        return {"frozen": self._gallery.frozen(works, self._network)}


def pictures_of(gallery: Gallery, works: Sequence[int]) -> Tensor:
    """Works of a gallery as they are, (works, 3, side, side) float, 0 white to 1 black."""
    return ink([gallery.picture(index) for index in works])
