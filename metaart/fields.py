"""What is known of the fields of a class with `options`: types, ranges and defaults, in values and in words."""

from __future__ import annotations

import types
import typing
from pathlib import Path
from typing import Any, Literal, NamedTuple


class Described(NamedTuple):
    """What is known of a field.

    Attributes:
        name: of the field.
        kind: its type.
        default: `...` where it must be given.
        help: what it means.
        unit: of a number; empty where it has none.
        usual: the default in words.
        local: whether the service does not take it.
        range: in words, as "from 1 to 128"; empty where every value of the type is taken.
    """

    name: str
    kind: Any
    default: Any
    help: str
    unit: str
    usual: str
    local: bool
    range: str

    @property
    def expected(self) -> str:
        """The type and the range in words: "a whole number from 1 to 128"."""
        return " ".join(filter(None, (named(self.kind), self.range)))

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return "--" + self.name.replace("_", "-")


def described(kind: type[Any]) -> dict[str, Described]:
    """The fields of a class with `options`, in order, by name."""
    found: dict[str, Described] = {}
    for name, field in vars(kind)["__pydantic_fields__"].items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        default = ... if field.is_required() else field.get_default(call_default_factory=True)
        usual = str(extra.get("usual") or _plain(default))
        found[name] = Described(
            name, field.annotation, default, field.description or "", str(extra.get("unit", "")), usual,
            bool(extra.get("local")), _range(field.metadata),
        )  # fmt: skip
    return found


def named(kind: Any) -> str:
    """A type in words."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return " or ".join(str(choice) for choice in inside)
    if origin in (typing.Union, types.UnionType):
        return named(next(part for part in inside if part is not type(None)))
    if origin in (tuple, list):
        words = {int: "whole numbers", float: "numbers", str: "texts"}
        return f"a list of {words.get(inside[0], named(inside[0]))}"
    return {int: "a whole number", float: "a number", bool: "true or false", str: "text", Path: "a path"}.get(
        kind, _class_name(kind)
    )


def _range(metadata: list[Any]) -> str:
    """The bounds of pydantic's metadata in words."""
    bounds = {
        key: getattr(entry, key)
        for entry in metadata
        for key in ("ge", "gt", "le", "lt", "multiple_of")
        if getattr(entry, key, None) is not None
    }
    words = {key: _figure(value) for key, value in bounds.items()}
    parts = [f"that is a multiple of {words['multiple_of']}"] if "multiple_of" in words else []
    # These are words, and "0" counts as one that is there, where the number 0 would not.
    low, high = words.get("ge") or words.get("gt"), words.get("le") or words.get("lt")
    below = "below " if "lt" in words else ""
    if "ge" in words:
        parts.append(f"from {low} to {below}{high}" if high else f"from {low} up")
    elif low is not None:
        parts.append(f"above {low}" + (f" and {below or 'at most '}{high}" if high else ""))
    elif high is not None:
        parts.append(f"{below or 'of at most '}{high}")
    return " ".join(parts)


def _figure(value: float) -> str:
    if value in (2**63 - 1, 2**32 - 1):
        return f"2^{int(value).bit_length()} - 1"
    return str(value) if isinstance(value, int) else f"{value:g}"


def _plain(default: Any) -> str:
    if default is ...:
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def _class_name(kind: Any) -> str:
    return str(getattr(kind, "__name__", kind))
