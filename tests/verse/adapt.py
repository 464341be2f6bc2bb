"""Verses as what a run is adapted to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metaart.artists.artist import Support
from metaart.artists.works import Work
from metaart.sequences.windows import window
from tests.verse.domain import VerseDomain
from tests.verse.medium import tokens_of


def read(domain: VerseDomain, work: Work) -> Any:
    """A verse as numbers of letters."""
    return tokens_of(work.data, work.name)


def support(domain: VerseDomain, verses: Sequence[Any], works: Sequence[Work]) -> Support:
    """{"tokens": (verses, max_letters)}."""
    return Support({"tokens": window(verses, domain.config.max_letters)})
