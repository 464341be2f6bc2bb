"""Flags of a command line from the fields of a class with `options`, and back."""

from __future__ import annotations

import argparse
import typing
from collections.abc import Mapping
from typing import Any

from metaart.options import Described, described, from_text


def add_flags(parser: argparse._ActionsContainer, fields: Mapping[str, Described]) -> None:
    """A flag for each field; what is not given is None, whatever the default, so that it can be told from what is."""
    for field in fields.values():
        if field.kind is bool:
            parser.add_argument(field.flag, dest=field.name, action="store_true", default=None, help=help_of(field))
        elif repeated(field):
            parser.add_argument(field.flag, dest=field.name, action="append", metavar="NAME=RUN", help=help_of(field))
        elif typing.get_origin(field.kind) is tuple:
            parser.add_argument(field.flag, dest=field.name, nargs="+", metavar="N", help=help_of(field))
        else:
            parser.add_argument(field.flag, dest=field.name, metavar=_metavar(field), help=help_of(field))


def help_of(field: Described) -> str:
    """The help, the range and the default of a field: "length of the piece; from 1 to 128 bars (16)"."""
    about = field.help + (f"; {field.range}" + f" {field.unit}" * bool(field.unit) if field.range else "")
    if not field.range and field.unit:
        about += f", {field.unit}"
    if field.kind is bool:
        return about.replace("%", "%%")
    default = " ".join(map(str, field.default)) if isinstance(field.default, tuple) and field.default else field.usual
    return f"{about} ({default})".replace("%", "%%")


def values_of(parsed: argparse.Namespace, kind: type[Any]) -> dict[str, Any]:
    """What was given of the fields of a class with `options`, as it takes it; what no text can mean stays a text."""
    values: dict[str, Any] = {}
    for name in described(kind):
        text = getattr(parsed, name, None)
        if text is None:
            continue
        if isinstance(text, list):
            values[name] = tuple(_entry(kind, name, entry) for entry in text)
        else:
            values[name] = text if isinstance(text, bool) else from_text(kind, name, text)
    return values


def repeated(field: Described) -> bool:
    """Whether a flag is given once for each entry of a list: of texts, which may hold anything."""
    return typing.get_origin(field.kind) is tuple and typing.get_args(field.kind)[0] is str


def _entry(kind: type[Any], name: str, text: str) -> Any:
    if repeated(described(kind)[name]):
        return text
    value = from_text(kind, name, text)
    return value[0] if isinstance(value, tuple) and len(value) == 1 else text


def _metavar(field: Described) -> str:
    if typing.get_origin(field.kind) is typing.Literal:
        return "|".join(map(str, typing.get_args(field.kind)))
    return {int: "N", float: "X"}.get(_inner(field.kind), field.name.rpartition("_")[2].upper())


def _inner(kind: Any) -> Any:
    parts = [part for part in typing.get_args(kind) if part is not type(None)]
    return parts[0] if parts and typing.get_origin(kind) is not tuple else kind
