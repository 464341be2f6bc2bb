"""Configurations of runs that older versions wrote, as this one writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

VIEW = ("sees", "side", "channels", "layers", "width")
"""What rating took of the settings that it once shared with critique."""


def upgraded(plain: dict[str, Any]) -> dict[str, Any]:
    """The plain values of a `config.json` under the names that they have now; new ones are left as they are."""
    domain = plain.get("domain")
    if not isinstance(domain, Mapping) or domain.get("kind") != "critique" or "question" not in domain:
        return plain
    return {**plain, "domain": _by_question(dict(domain))}


def _by_question(domain: dict[str, Any]) -> dict[str, Any]:
    """Critique and rating were one art form, which was asked one of two questions."""
    if domain.pop("question") == "rating":
        return {"kind": "rating", **{name: domain[name] for name in VIEW if name in domain}}
    return domain
