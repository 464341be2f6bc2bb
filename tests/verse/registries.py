"""The lines that a toy art adds to the registries; an art of the package adds the same lines in the files they name."""

from __future__ import annotations

from metaart.algorithms.maml import MAMLConfig
from metaart.arts import ARTS
from metaart.config import RunConfig, StageConfig
from metaart.data import SOURCES, RegisteredSource
from metaart.data.media import MEDIA
from metaart.data.sampler import EpisodeConfig
from metaart.domains import DOMAINS, RegisteredDomain
from metaart.options import NoOptions
from metaart.recipes import RECIPES
from tests.verse.art import ART
from tests.verse.domain import VerseConfig, VerseDomain
from tests.verse.lines import Lines
from tests.verse.medium import TextMedium


def verse() -> RunConfig:
    """Write in the hand of a poet: bigrams, three steps of MAML."""
    episode = EpisodeConfig(support=4, query=4)
    return RunConfig(
        recipe="verse",
        domain=VerseConfig(),
        algorithm=MAMLConfig(steps=3, alpha=0.5, order=1),
        data="data/verses",
        pretrain=StageConfig(steps=0, episode=episode),
        meta=StageConfig(steps=200, tasks=4, episode=episode, validate_every=50, validation_tasks=4),
    )


def register() -> None:
    """A line in each registry."""
    MEDIA["text"] = TextMedium  # metaart/data/media/__init__.py
    source = RegisteredSource("ten lines", NoOptions, lambda _: Lines())
    SOURCES["verses"] = {"lines": source}  # metaart/data/__init__.py
    DOMAINS["verse"] = RegisteredDomain(VerseConfig, VerseDomain, ("verses",))  # metaart/domains/__init__.py
    RECIPES["verse"] = verse  # metaart/recipes.py
    ARTS["verse"] = ART  # metaart/arts/__init__.py
