"""Works of several hands as what a run of critique is adapted to."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from metaart.artists.artist import Support
from metaart.artists.works import Work
from metaart.arts.judging.example_sets import read_frame, support_of
from metaart.domains.base import Domain
from metaart.domains.critique.domain import CritiqueDomain
from metaart.errors import UserError
from metaart.formats.pictures.read import Pixels

HANDS, LABELS = "hands", "labels"


def read(domain: Domain, work: Work) -> Pixels:
    """A picture in its frame, uint8 (side, side, 3).

    Raises:
        UserError: it cannot be used.
    """
    return read_frame(domain, work)


def support(domain: Domain, frames: Sequence[Pixels], works: Sequence[Work]) -> Support:
    """Pictures of two hands or more; hands are numbered in the order in which they come.

    Args:
        domain: of a run of critique.
        frames: the works as they are seen (`read`).
        works: the same, with whose hand they are.

    Raises:
        UserError: too few hands, or more than the run can tell apart.
    """
    assert isinstance(domain, CritiqueDomain)
    hands, most = list(dict.fromkeys(work.hand for work in works)), domain.config.most_hands
    if not 2 <= len(hands) <= most or not all(hands):
        raise UserError(
            expected=f"examples of 2 to {most} hands",
            got=f"{len(hands)}",
            fix="Give a folder with one sub-folder of pictures for each hand.",
        )
    labels = torch.tensor([hands.index(work.hand) for work in works])
    return support_of(domain, frames, works, {LABELS: labels}, {HANDS: hands})
