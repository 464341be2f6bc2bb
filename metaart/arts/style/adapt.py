"""Pictures by one hand as what a run of style is adapted to."""

from __future__ import annotations

from collections.abc import Sequence

from metaart.artists.artist import Support
from metaart.artists.works import Work
from metaart.domains.base import Domain
from metaart.domains.style.domain import StyleDomain
from metaart.domains.style.frames import square, without_ground
from metaart.domains.style.measures import examples_of, tried_on
from metaart.formats.pictures.read import Pixels, read_picture

SUPPORT_PHOTOGRAPHS = 8
"""Photographs that a user's style pictures are tried on, at least one for each picture."""


def read(domain: Domain, work: Work) -> Pixels:  # noqa: ARG001
    """A picture without the paper around it, uint8 (height, width, 3).

    Raises:
        UserError: it cannot be used.
    """
    return without_ground(read_picture(work.data, name=work.name, max_side=1024))


def support(domain: Domain, pictures: Sequence[Pixels], works: Sequence[Work]) -> Support:  # noqa: ARG001
    """Photographs that ship with the package, to be redrawn like these pictures; beside, the style's statistics."""
    assert isinstance(domain, StyleDomain)
    size = domain.config.size
    styles = [square(picture, size) for picture in pictures]
    # Every picture of the user's is tried on a photograph at least, or it would have no say.
    photographs = [square(pixels, size) for pixels in tried_on(max(SUPPORT_PHOTOGRAPHS, len(styles)))]
    dealt = [index % len(styles) for index in range(len(photographs))]
    examples = examples_of(domain.reader, styles, photographs, dealt)
    return Support(examples, {"statistics": examples["statistics"][0]})
