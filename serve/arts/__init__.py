"""The arts that are served: a new one is a file with a router, and a line here."""

from __future__ import annotations

from fastapi import APIRouter

from serve.arts import music

ROUTERS: dict[str, APIRouter] = {
    "music": music.router,
}
