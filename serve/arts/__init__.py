"""The arts that are served: a new one is a file with a router, and a line here."""

from __future__ import annotations

from typing import NamedTuple

from fastapi import APIRouter

from serve.arts import music


class ServedArt(NamedTuple):
    """The routes of an art, and what its page says of them."""

    router: APIRouter
    description: str


ARTS: dict[str, ServedArt] = {
    "music": ServedArt(music.router, music.DESCRIPTION),
}
"""By the name of the art, which is also the name of its deployment and of its setting."""
