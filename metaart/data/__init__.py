"""Where works come from, how they are kept, and how tasks are drawn from them."""

from __future__ import annotations

from collections.abc import Callable

from metaart.data.base import Source
from metaart.data.corpus import CorpusSource
from metaart.data.folder import FolderSource

SOURCES: dict[str, dict[str, Callable[..., Source]]] = {
    "music": {"corpus": CorpusSource, "folder": FolderSource},
}
"""Sources by what is prepared, then by name, the usual one first; a new one is a file here and a line above."""
