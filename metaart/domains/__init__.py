"""Art forms by name: a new one is a file here and a line in `DOMAINS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from metaart.domains.base import Domain, Hand, Split
from metaart.domains.critique.domain import CritiqueConfig, CritiqueDomain
from metaart.domains.music.domain import MusicConfig, MusicDomain
from metaart.domains.rating.domain import RatingConfig, RatingDomain
from metaart.domains.sinusoid.domain import SinusoidConfig, SinusoidDomain
from metaart.domains.style.domain import StyleConfig, StyleDomain

__all__ = ["DOMAINS", "Domain", "Hand", "RegisteredDomain", "Split", "art_of"]


class RegisteredDomain(NamedTuple):
    """A configuration class, what builds the domain from one, and which kinds of works it learns from.

    The kinds are what `metaart data prepare` prepares; none where works are made up.
    """

    config: type[Any]
    build: Callable[[Any], Domain]
    works: tuple[str, ...] = ()


DOMAINS: dict[str, RegisteredDomain] = {
    "critique": RegisteredDomain(CritiqueConfig, CritiqueDomain, ("drawings", "pictures")),
    "music": RegisteredDomain(MusicConfig, MusicDomain, ("music",)),
    "rating": RegisteredDomain(RatingConfig, RatingDomain, ("drawings", "pictures")),
    "sinusoid": RegisteredDomain(SinusoidConfig, SinusoidDomain),
    "style": RegisteredDomain(StyleConfig, StyleDomain, ("pictures", "drawings", "photographs")),
}


def art_of(config: Any) -> str:
    """The name under which a domain's configuration is registered."""
    return next(name for name, entry in DOMAINS.items() if type(config) is entry.config)
