"""Episodes of attribution: which works of which hands, the same for every method, at several numbers of examples."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from metaart.data.location import Where
from metaart.data.sampler import EpisodeConfig, TaskSampler
from metaart.domains.base import Split
from metaart.domains.critique.domain import Critique, DrawingHand
from metaart.errors import UserError
from metaart.tasks import Examples


class Gallery(NamedTuple):
    """The works of a split.

    Attributes:
        pictures: (works, 3, side, side) uint8, 0 white to 255 black.
        hands: the name of each hand.
        first: the place of each hand's first work; one more at the end.
    """

    pictures: Tensor
    hands: list[str]
    first: list[int]

    @property
    def key(self) -> int:
        """Tells galleries apart while they are held."""
        return self.pictures.data_ptr()

    def ink(self, places: Tensor) -> Tensor:
        """The works at these places, (n, 3, side, side) float, 0 to 1."""
        return self.pictures[places].float() / 255


class Episode(NamedTuple):
    """One task in places of a gallery.

    Attributes:
        support: of each hand its examples, (hands, examples); fewer examples are the first of them.
        query: of each hand the works asked about, (hands, works).
        strangers: works of a hand that is not among them, (works,).
        names: of the hands.
    """

    support: Tensor
    query: Tensor
    strangers: Tensor
    names: list[str]


class _Numbered:
    """A hand whose works are their places in a gallery."""

    def __init__(self, name: str, first: int, count: int) -> None:
        self.name, self.num_works, self._first = name, count, first

    def examples(self, works: Sequence[int], variation: np.random.Generator) -> Examples:  # noqa: ARG002
        """{"place": (works,) int64}."""
        return {"place": self._first + torch.tensor(works, dtype=torch.int64)}


def open_gallery(domain: Critique, data: Where, split: Split, works_per_hand: int) -> Gallery:
    """The first works of every hand of a split, undisturbed: of drawings, those of the subjects that most sets draw."""
    hands = [hand for hand in domain.hands(data, split, varied=False) if isinstance(hand, DrawingHand)]
    pictures, first = [], [0]
    for hand in hands:
        count = min(hand.num_works, works_per_hand)
        pictures.append((hand.pictures(range(count)) * 255).round().to(torch.uint8))
        first.append(first[-1] + count)
    return Gallery(torch.cat(pictures), [hand.name for hand in hands], first)


def draw_episodes(gallery: Gallery, count: int, *, ways: int, shots: int, query: int, seed: int) -> list[Episode]:
    """Episodes of `ways` hands and one stranger, drawn like training tasks.

    Raises:
        UserError: too few hands with enough works.
    """
    hands = [
        _Numbered(name, first, end - first)
        for name, (first, end) in zip(gallery.hands, pairwise(gallery.first), strict=True)
    ]
    try:
        sampler = TaskSampler(hands, EpisodeConfig(shots, query, size_power=0.0, ways=ways + 1), seed)
    except UserError as error:
        raise UserError(
            expected=f"{ways + 1} hands with {shots + query} works each in a split that is evaluated",
            got=error.got,
            fix="Prepare more data.",
        ) from error
    found = []
    for index in range(count):
        task = sampler.task(0, index)
        support, asked = (side["place"].reshape(ways + 1, -1) for side in task.sides)
        names = [hand.name for hand in sampler.drawn(0, index)[:ways]]
        found.append(Episode(support[:ways], asked[:ways], asked[ways], names))
    return found
