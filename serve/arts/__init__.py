"""The arts that are served: a new one is a file with a router, and a line here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from fastapi import APIRouter

from metaart.config import RunConfig
from metaart.domains import art_of
from metaart.domains.critique.domain import CritiqueConfig
from serve.arts import critique, music, style
from serve.orders import CarryOut


class ServedArt(NamedTuple):
    """What is asked of a kind of run, and who answers.

    Attributes:
        router: the routes; two kinds of runs may share them.
        description: what the page of the service says of them.
        opened: loads a run, None for the one that ships with the package.
        fits: whether a run is of the kind.
        together: whether orders are computed side by side; otherwise each is answered as soon as it is done.
    """

    router: APIRouter
    description: str
    opened: Callable[[str | None], CarryOut]
    fits: Callable[[RunConfig], bool]
    together: bool = False


ARTS: dict[str, ServedArt] = {
    "music": ServedArt(
        music.router,
        music.DESCRIPTION,
        music.opened,
        lambda config: art_of(config.domain) == "music",
        together=True,
    ),
    "style": ServedArt(style.router, style.DESCRIPTION, style.opened, lambda config: art_of(config.domain) == "style"),
    "critique": ServedArt(
        critique.router,
        critique.DESCRIPTION,
        partial(critique.opened, art="critique"),
        lambda config: isinstance(config.domain, CritiqueConfig) and config.domain.question == "attribution",
    ),
    "rating": ServedArt(
        critique.router,
        critique.DESCRIPTION,
        partial(critique.opened, art="rating"),
        lambda config: isinstance(config.domain, CritiqueConfig) and config.domain.question == "rating",
    ),
}
"""By a name which is also that of the deployment, of the setting, and of the recipe that trains such runs."""
