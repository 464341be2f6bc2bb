"""The tables of docs/serving.md, from the descriptions; `python -m serve.tables` prints them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from metaart.artists.art import Art, Use
from metaart.arts import ARTS
from metaart.arts.shipped import ships
from metaart.options import Described
from serve.description import default_of, labels_words, words_of
from serve.endpoints import OPTIONS, Endpoint, endpoints, extras_of, is_served, label_of, options_of
from serve.settings import Settings


def tables(arts: Iterable[Art]) -> dict[str, str]:
    """Every table by its name: one for each address of these arts, and `settings`."""
    arts = list(arts)
    found = {route: endpoint_table(endpoint) for route, endpoint in endpoints(arts).items()}
    return {**found, "settings": settings_table(arts)}


def endpoint_table(endpoint: Endpoint) -> str:
    """The fields of a form, and its options."""
    fields = [
        (f"`{field.name}`", words_of(field) + ("" if field.least else "; may be left out"))
        for field in endpoint.files.values()
    ]
    about = "a JSON object"
    if labels := _labels(endpoint):
        about += f" with {' or '.join(f'`{label}`' for label in labels)}"
    elif all(field.default is not ... for use in endpoint.uses.values() for field in options_of(use).values()):
        about += "; may be left out, and so may each of its keys"
    form = _table(("Field of the form", "What it holds"), [*fields, (f"`{OPTIONS}`", about)])
    return f"{form}\n{_table(('Option', 'Default', 'Meaning'), _options(endpoint))}"


def settings_table(arts: Iterable[Art]) -> str:
    """The arguments of the service."""
    rows = []
    for name, field in Settings.model_fields.items():
        if name == "runs":
            rows += [
                (f"`{art.name}`", "the shipped model" if ships(art.name) else "none",
                 f"run directory of `metaart train {art.name}`; `off` serves none")
                for art in arts if is_served(art)
            ]  # fmt: skip
        else:
            rows.append((f"`{name}`", str(field.default).lower(), field.description or ""))
    return _table(("Name", "Default", "Meaning"), rows)


def _options(endpoint: Endpoint) -> list[tuple[str, str, str]]:
    """A row for each key of the options: those of every use, its labels, what is made beside; none of them twice."""
    uses, labels = endpoint.uses.values(), _labels(endpoint)
    rows = [
        (f"`{name}`", default_of(field), _meaning(field)) for use in uses for name, field in options_of(use).items()
    ]
    for label, use in labels.items():
        others = "".join(f", or `{other}`" for other in labels if other != label)
        rows.append((f"`{label}`", f"needed{others}", labels_words(use)))
    rows += [
        (f"`{extra.name}`", "true", f"also make {extra.help}, {extra.format.one} in base64")
        for use in uses
        for extra in extras_of(use)
    ]
    return list(dict.fromkeys(rows))


def _labels(endpoint: Endpoint) -> dict[str, Use]:
    return {label_of(use): use for use in endpoint.uses.values() if label_of(use)}


def _meaning(field: Described) -> str:
    unit = f" {field.unit}" if field.unit else ""
    return f"{field.help}; {field.expected}{unit}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("|" + "|".join(_cell(cell) for cell in line) + "|" for line in lines) + "\n"


def _cell(text: str) -> str:
    return text if text == "---" else f" {text.replace('|', '&#124;')} "


def in_document(text: str, found: dict[str, str]) -> str:
    """A document with these tables between their markers, whatever stood there."""
    for name, table in found.items():
        begin, end = f"<!-- begin: table {name} -->\n", "<!-- end -->"
        before, separator, rest = text.partition(begin)
        if separator:
            text = before + begin + table + end + rest.partition(end)[2]
    return text


def main() -> None:
    """Print every table between the markers of the document."""
    for name, table in tables(ARTS.values()).items():
        sys.stdout.write(f"<!-- begin: table {name} -->\n{table}<!-- end -->\n\n")


if __name__ == "__main__":
    main()
