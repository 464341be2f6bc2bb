"""Configurations of runs that older versions wrote, as this one writes them."""

from __future__ import annotations

from typing import Any


def upgraded(plain: dict[str, Any]) -> dict[str, Any]:
    """The plain values of a `config.json` under the names that they have now; new ones are left as they are."""
    return plain
