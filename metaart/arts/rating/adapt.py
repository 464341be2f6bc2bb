"""Works that a curator rated as what a run of rating is adapted to."""

from __future__ import annotations

from collections.abc import Sequence

from metaart.artists.artist import Support
from metaart.artists.works import Work, checked_score
from metaart.arts.judging.example_sets import read_frame, support_of
from metaart.domains.base import Domain
from metaart.domains.rating.scale import standardised
from metaart.formats.pictures.read import Pixels

SCORES = "scores"


def read(domain: Domain, work: Work) -> Pixels:
    """A picture in its frame, uint8 (side, side, 3).

    Raises:
        UserError: it cannot be used.
    """
    return read_frame(domain, work)


def support(domain: Domain, frames: Sequence[Pixels], works: Sequence[Work]) -> Support:
    """Pictures and their scores.

    Args:
        domain: of a run of rating.
        frames: the works as they are seen (`read`).
        works: the same, with their scores.

    Raises:
        UserError: a score that is not from 1 to 10.
    """
    scores = [checked_score(work.score, work.name) for work in works]
    return support_of(domain, frames, works, {SCORES: standardised(scores)}, {SCORES: scores})
