"""From what was made to an answer over HTTP."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

from fastapi import Response

from metaart.artists.art import Made, Use
from serve.endpoints import extras_of, makes_json


def answer_of(use: Use, made: Made, run: str) -> Response:
    """What was made, with headers that say how to ask for it again.

    Args:
        use: what made it. Where it makes JSON, the answer has the name of the run, and what was made beside in base64
            or null.
        made: by a replica.
        run: name of the run.
    """
    headers = {"Metaart-Run": _in_ascii(run)}
    headers |= {f"Metaart-{name}": _in_ascii(value) for name, value in made.facts.items()}
    if made.file_name:
        headers["Content-Disposition"] = f'attachment; filename="{_in_ascii(made.file_name)}"'
    content = made.data
    if makes_json(use):
        extras = {extra.name: _in_base64(made.extras.get(extra.name)) for extra in extras_of(use)}
        content = json.dumps({**json.loads(made.data), **extras, "run": run}).encode()
    return Response(content, media_type=use.makes.media_type, headers=headers)


def _in_ascii(text: str) -> str:
    """Names of folders and files may hold anything, a header may not."""
    return quote(text, safe=" ")


def _in_base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()
