"""The addresses of the service, made from the descriptions of the arts alone: a new one needs no line here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from metaart.artists.art import Art, Extra, Use
from metaart.formats.base import JSON, Format
from metaart.options import Described, described
from serve.uploads import UploadBounds

EXAMPLES = "examples"
"""The field of a form that holds the works to adapt to."""

OPTIONS = "options"
"""The field that holds all that is no file, as a JSON object."""


class FileField(NamedTuple):
    """A field of a form that holds files.

    Attributes:
        name: of the field.
        least: files that it must hold.
        most: files that it may hold.
        format: of each.
        help: what they are.
    """

    name: str
    least: int
    most: int
    format: Format
    help: str


class Endpoint(NamedTuple):
    """An address.

    Attributes:
        route: its last part.
        uses: what can be asked there, by the art; where there are several, the labels of the works say which is meant.
    """

    route: str
    uses: Mapping[str, Use]

    @property
    def address(self) -> str:
        """The path of its URL."""
        return f"/v1/{self.route}"

    @property
    def files(self) -> dict[str, FileField]:
        """The fields for files of all its uses, by name; where two differ, whatever either takes."""
        found: dict[str, FileField] = {}
        for field in (field for use in self.uses.values() for field in files_of(use)):
            other = found.get(field.name, field)
            found[field.name] = field._replace(
                least=min(field.least, other.least),
                most=max(field.most, other.most),
                help=", or ".join(dict.fromkeys((other.help, field.help))),
            )
        return found

    @property
    def keys(self) -> list[str]:
        """The keys of the options of all its uses, labels before what is made beside."""
        uses = self.uses.values()
        extras = {extra.name for use in uses for extra in extras_of(use)}
        keys = dict.fromkeys(key for use in uses for key in keys_of(use))
        return sorted(keys, key=lambda key: key in extras)

    @property
    def bounds(self) -> UploadBounds:
        """What a form may hold at most: files of one use share the largest of what their formats allow."""
        formats = [field.format for use in self.uses.values() for field in files_of(use)]
        names = ("max_body_bytes", "max_file_bytes", "max_field_bytes")
        return replace(UploadBounds(), **{name: max(getattr(format, name) for format in formats) for name in names})


def endpoints(arts: Iterable[Art]) -> dict[str, Endpoint]:
    """The addresses at which arts are served, by route."""
    uses: dict[str, dict[str, Use]] = {}
    for art in arts:
        for use in art.uses:
            if use.route:
                uses.setdefault(use.route, {})[art.name] = use
    return {route: Endpoint(route, of) for route, of in uses.items()}


def is_served(art: Art) -> bool:
    """Whether anything of an art has an address."""
    return any(use.route for use in art.uses)


def files_of(use: Use) -> list[FileField]:
    """The fields for files, in the order in which they are counted: what must be there before what may be."""
    inputs = [FileField(entry.name, int(entry.required), 1, entry.format, entry.help) for entry in use.inputs]
    works = FileField(EXAMPLES, use.works.least, use.works.most, use.works.format, use.works.help)
    return [*(field for field in inputs if field.least), works, *(field for field in inputs if not field.least)]


def options_of(use: Use) -> dict[str, Described]:
    """The options that a request may say, by name: those that are not for the command line and Python alone."""
    return {name: field for name, field in described(use.options).items() if not field.local}


def label_of(use: Use) -> str:
    """The key of the options that says whose each example is, or how it was scored; empty where nothing does."""
    return "" if use.works.labels == "none" else use.works.labels


def extras_of(use: Use) -> tuple[Extra, ...]:
    """What an answer may hold beside what was made: an answer in JSON has room for it, a file has none."""
    return use.extras if makes_json(use) else ()


def makes_json(use: Use) -> bool:
    """Whether the answer is JSON."""
    return use.makes.media_type == JSON.media_type


def keys_of(use: Use) -> list[str]:
    """The keys of the options: those of the use, that of the labels, those of what is made beside."""
    label = label_of(use)
    return [*options_of(use), *([label] if label else []), *(extra.name for extra in extras_of(use))]


def shown(example: Mapping[str, Any], use: Use) -> dict[str, Any]:
    """Of options in an example those that a request may say."""
    return {key: value for key, value in example.items() if key in keys_of(use)}
