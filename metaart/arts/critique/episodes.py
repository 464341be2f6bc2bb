"""Episodes of attribution: which works of which hands, the same for every method, at several numbers of examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from metaart.data.location import Where
from metaart.data.sampler import EpisodeConfig, TaskSampler
from metaart.domains.base import Split
from metaart.domains.critique.domain import CritiqueDomain
from metaart.domains.critique.hands import pictures_of
from metaart.errors import UserError
from metaart.tasks import Examples


class SplitWorks(NamedTuple):
    """The works of a split, hand after hand.

    Attributes:
        split: which.
        pictures: (works, 3, side, side) uint8, 0 white to 255 black.
        frozen: what a frozen network makes of them, (works, features).
        hands: the name of each hand.
        first: the index of each hand's first work; one more at the end.
    """

    split: Split
    pictures: Tensor
    frozen: Tensor
    hands: list[str]
    first: list[int]

    def ink(self, indices: Tensor) -> Tensor:
        """Works by their indices, (n, 3, side, side) float, 0 to 1."""
        return self.pictures[indices].float() / 255


class AttributionEpisode(NamedTuple):
    """Hands to tell apart, by indices of works of a split.

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

    def examples(self, shots: int) -> tuple[Tensor, Tensor]:
        """So many examples of each hand and their labels, (hands * shots,) each."""
        return self.support[:, :shots].flatten(), torch.arange(len(self.support)).repeat_interleave(shots)

    @property
    def asked(self) -> Tensor:
        """All works asked about: those of the hands, hand after hand, then the strangers."""
        return torch.cat([self.query.flatten(), self.strangers])


class _IndexedHand:
    """A hand whose works are their indices in a split, so that episodes are drawn without a picture."""

    def __init__(self, name: str, first: int, count: int) -> None:
        self.name, self.num_works, self._first = name, count, first

    def examples(self, works: Sequence[int], variation: np.random.Generator) -> Examples:  # noqa: ARG002
        """{"index": (works,) int64}."""
        return {"index": self._first + torch.tensor(works, dtype=torch.int64)}


def open_works(
    domain: CritiqueDomain, data: Where, split: Split, works_per_hand: int, network: Callable[[Tensor], Tensor]
) -> SplitWorks:
    """The first works of every hand of a split, as they are: of drawings, those of the subjects that most sets draw.

    Args:
        domain: how they are seen.
        data: prepared folder.
        split: of the data.
        works_per_hand: at most.
        network: a frozen one, pictures as ink to features.
    """
    pictures, hands, first = [], [], [0]
    for gallery in domain.galleries(data, split):
        count = min(len(gallery), works_per_hand)
        pictures.append((pictures_of(gallery, range(count)) * 255).round().to(torch.uint8))
        hands.append(gallery.name)
        first.append(first[-1] + count)
    joined = torch.cat(pictures)
    return SplitWorks(split, joined, network(joined.float() / 255), hands, first)


def draw_episodes(
    works: SplitWorks, count: int, *, ways: int, shots: int, query: int, seed: int
) -> list[AttributionEpisode]:
    """Episodes of `ways` hands and one stranger, drawn like training tasks.

    Raises:
        UserError: too few hands with enough works.
    """
    hands = [
        _IndexedHand(name, first, end - first)
        for name, (first, end) in zip(works.hands, pairwise(works.first), strict=True)
    ]
    try:
        # One hand more than is told apart: the last one drawn is the stranger.
        sampler = TaskSampler(hands, EpisodeConfig(shots, query, size_power=0.0, ways=ways + 1), seed)
    except UserError as error:
        raise UserError(
            expected=f"{ways + 1} hands with {shots + query} works each in a split that is evaluated",
            got=error.got,
            fix="Prepare more data.",
        ) from error
    episodes = []
    for index in range(count):
        support, asked = (side["index"].reshape(ways + 1, -1) for side in sampler.task(0, index).sides)
        names = [hand.name for hand in sampler.drawn(0, index)[:ways]]
        episodes.append(AttributionEpisode(support[:ways], asked[:ways], asked[ways], names))
    return episodes
