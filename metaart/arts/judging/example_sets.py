"""The works that an artist was adapted to: how they are read, and what is beside its weights so that it can judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from metaart.artists.artist import Artist, Support
from metaart.artists.works import Work
from metaart.domains.base import Domain
from metaart.domains.viewing.domain import ViewingDomain
from metaart.domains.viewing.gallery import ink
from metaart.errors import UserError
from metaart.formats.pictures.read import Pixels
from metaart.tasks import Examples

FRAMES, FROZEN, NAMES = "frames", "frozen", "names"


class SeenWorks(NamedTuple):
    """Works that an artist was adapted to.

    Attributes:
        frames: as they are seen, uint8 (works, side, side, 3).
        examples: what the learner is given of them.
        names: of the works.
    """

    frames: NDArray[np.uint8]
    examples: Examples
    names: Sequence[str]


def read_frame(domain: Domain, work: Work) -> Pixels:
    """A picture as it is seen, uint8 (side, side, 3).

    Raises:
        UserError: it cannot be used.
    """
    assert isinstance(domain, ViewingDomain)
    return domain.frame(work.data, work.name)


def support_of(
    domain: Domain,
    frames: Sequence[Pixels],
    works: Sequence[Work],
    targets: Mapping[str, Tensor],
    notes: Mapping[str, Any],
) -> Support:
    """Works as what is adapted to; what judging needs of them later is the frames and what the network makes of them.

    Args:
        domain: of the run.
        frames: the works as they are seen.
        works: the same, for their names.
        targets: what the learner is to answer: "labels" or "scores", (works,).
        notes: what an artist's file is to hold of them besides their names.
    """
    assert isinstance(domain, ViewingDomain)
    seen = domain.see(ink(frames))
    # Pictures are not put beside: they follow from the frames, in a quarter of the bytes. Frozen features follow too,
    # but finding them takes most of the time of an adaptation.
    beside = {FRAMES: torch.from_numpy(np.stack(frames)), **targets}
    beside |= {FROZEN: seen[FROZEN]} if FROZEN in seen else {}
    return Support({**seen, **targets}, beside, {NAMES: [work.name for work in works], **notes})


def works_of(artist: Artist) -> SeenWorks:
    """The works that an artist was adapted to.

    Raises:
        UserError: its file lacks them, or they are of different numbers.
    """
    frames, names = artist.beside.get(FRAMES), artist.notes.get(NAMES, ())
    if frames is None or any(len(value) != len(names) for value in artist.beside.values()):
        raise UserError(
            expected="an artist with the works that it was adapted to",
            got=f"{artist.name}, whose works are missing or incomplete",
            fix="Adapt again: metaart adapt",
        )
    pixels = frames.numpy()
    examples = {FROZEN: artist.beside[FROZEN]} if FROZEN in artist.beside else {"pictures": ink(list(pixels))}
    return SeenWorks(pixels, examples, names)
