"""Works in the frame in which they are seen; what was used last is kept decoded."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from metaart.data.media.pictures import StoredPicture
from metaart.data.works import Recent
from metaart.domains.viewing.frame import framed
from metaart.formats.pictures.read import Pixels


def ink(pictures: Sequence[Pixels]) -> Tensor:
    """Pictures of one size as (works, 3, height, width) float32, 0 white and 1 black."""
    # Contiguous: GroupNorm does not map over tasks in the memory order that a permutation leaves.
    return 1 - torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous().float() / 255


class Gallery:
    """The works that a hand is seen by.

    Args:
        name: of these works among those that share `recent`.
        works: as they are stored.
        side: of the frame, px.
        recent: what is in memory, of this gallery and others.
    """

    def __init__(self, name: str, works: Sequence[StoredPicture], side: int, recent: Recent) -> None:
        self.name, self.works = name, works
        self._side, self._recent = side, recent

    def __len__(self) -> int:
        return len(self.works)

    def picture(self, index: int) -> Pixels:
        """One work, uint8 (side, side, 3)."""
        return self._recent.find((self.name, index), lambda: self._decoded(index))

    def frozen(self, indices: Sequence[int], network: Callable[[Tensor], Tensor]) -> Tensor:
        """What a frozen network makes of works, (works, features), each asked about once.

        Args:
            indices: of the works; one may come twice.
            network: pictures as ink to their features; always the same, or another's features would come back.
        """
        found: dict[int, Tensor] = {}
        for index in indices:
            if (self.name, index) in self._recent:
                found[index] = self._recent[self.name, index]
        if missing := [index for index in dict.fromkeys(indices) if index not in found]:
            # Pixels are not kept here: of a work whose features are in memory nobody asks for them again.
            new = network(ink([self._decoded(index) for index in missing]))
            # Each row as a tensor of its own: a view would hold on to the features of the whole batch.
            found |= {index: features.clone() for index, features in zip(missing, new, strict=True)}
            self._recent.update({(self.name, index): found[index] for index in missing})
        return torch.stack([found[index] for index in indices])

    def _decoded(self, index: int) -> Pixels:
        return framed(self.works[index].pixels(), self._side)
