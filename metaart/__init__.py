"""Few-shot learning for art: learn an artist's hand from a few works, create with it, judge with it.

    run = metaart.load("music")                    # the model that ships, or a run directory
    artist = run.adapt(["a.mid", "b.mid"])         # files or bytes
    print(artist.verdicts, artist.losses)
    run.create(artist, bars=16, seed=7).save("new.mid")
    artist.save("shanxi.artist")                   # run.artist("shanxi.artist") reads it again

The names below load PyTorch when they are first used; importing this package does not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metaart.artists.art import Made
    from metaart.artists.artist import Artist, Verdict, blended
    from metaart.artists.run import Run
    from metaart.arts import load
    from metaart.errors import UserError

__version__ = "0.1.0"
__all__ = ["Artist", "Made", "Run", "UserError", "Verdict", "blended", "load"]

_HOMES = {
    "Artist": "metaart.artists.artist",
    "Made": "metaart.artists.art",
    "Run": "metaart.artists.run",
    "UserError": "metaart.errors",
    "Verdict": "metaart.artists.artist",
    "blended": "metaart.artists.artist",
    "load": "metaart.arts",
}
"""Where each name is defined."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'metaart' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
