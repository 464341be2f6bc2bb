"""How an endpoint is described: in OpenAPI for programs, as text for people."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from metaart.artists.art import Use
from metaart.artists.works import HIGHEST_SCORE, LOWEST_SCORE
from metaart.options import Described
from serve.endpoints import (
    OPTIONS,
    Endpoint,
    FileField,
    extras_of,
    label_of,
    makes_json,
    options_of,
    shown,
)
from serve.forms import MOST_CHARACTERS
from serve.problems import responses

Schema = dict[str, Any]


def story_of(endpoint: Endpoint) -> str:
    """All that is said of an endpoint, for the page of the service."""
    stories = [use.story.replace("{route}", endpoint.address) for use in endpoint.uses.values()]
    return f"\nPOST {endpoint.address}\n\n" + "\n".join(stories)


def operation(endpoint: Endpoint) -> Schema:
    """The request body: a form with these fields and no others."""
    fields: Schema = {name: _files_schema(field) for name, field in endpoint.files.items()}
    each = [options_schema(use) for use in endpoint.uses.values()]
    fields[OPTIONS] = each[0] if len(each) == 1 else {"oneOf": each}
    required = [field.name for field in endpoint.files.values() if field.least]
    if all(schema["required"] for schema in each):
        required.append(OPTIONS)
    form = {
        "schema": {"type": "object", "required": required, "additionalProperties": False, "properties": fields},
        "encoding": {OPTIONS: {"contentType": "application/json"}},
    }
    return {"requestBody": {"required": True, "content": {"multipart/form-data": form}}}


def responses_of(endpoint: Endpoint) -> dict[int | str, dict[str, Any]]:
    """What an endpoint answers."""
    made = {use.makes.media_type: {"schema": _made_schema(use)} for use in endpoint.uses.values()}
    text = {"type": "string"}
    success = {
        "description": "What was made; further headers `Metaart-...` say how to ask for it again.",
        "content": made,
        "headers": {"Metaart-Run": {"description": "The run that made it.", "schema": text}},
    }
    return {200: success, **responses(408, 413, 415, 422, 500, 503)}


def options_schema(use: Use) -> Schema:
    """The JSON schema of the options that a request for a use may say."""
    whole = TypeAdapter(use.options).json_schema()
    offered = options_of(use)
    properties = {name: _option_schema(whole["properties"][name], field) for name, field in offered.items()}
    required = [name for name in whole.get("required", []) if name in offered]
    if label := label_of(use):
        properties[label] = _labels_schema(use)
        required.append(label)
    for extra in extras_of(use):
        about = f"also make {extra.help}, {extra.format.one} in base64"
        properties[extra.name] = {"type": "boolean", "default": True, "description": about}
    return {
        "type": "object",
        "description": use.about,
        "properties": properties,
        "required": required,
        "additionalProperties": False,
        "examples": [shown(use.example, use)],
    }


def words_of(field: FileField) -> str:
    """What a field for files holds: how many, what they are and what they may be at most."""
    many = field.format.many
    if field.most == 1:
        words = f"{field.format.one}: {field.help}"
    else:
        number = f"{field.least} to {field.most}"
        words = f"{number} {field.help}" if field.help.startswith(many) else f"{number} {many}: {field.help}"
    return "; ".join(filter(None, (words, field.format.bounds)))


def default_of(field: Described) -> str:
    """The default of an option in words; what follows a semicolon there is about options that are not offered here."""
    return "needed" if field.default is ... else field.usual.partition(";")[0]


def labels_words(use: Use) -> str:
    """What the labels of a use are."""
    kind = "whose each is, a name" if label_of(use) == "hands" else f"how each was scored, {_SCORES}"
    return f"{kind} for each example, in their order"


_SCORES = f"a number from {LOWEST_SCORE:g} to {HIGHEST_SCORE:g}"


def _option_schema(schema: Schema, field: Described) -> Schema:
    """What pydantic says of an option, with the unit and the default in words."""
    plain = {key: value for key, value in schema.items() if key not in ("title", "unit", "usual", "local")}
    words = [field.help, *([field.unit] if field.unit else [])]
    if field.default is not ...:
        words.append(f"{default_of(field)} if left out")
    return {**plain, "description": "; ".join(words)}


def _labels_schema(use: Use) -> Schema:
    name: Schema = {"type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS}
    score: Schema = {"type": "number", "minimum": LOWEST_SCORE, "maximum": HIGHEST_SCORE}
    return {
        "type": "array",
        "minItems": use.works.least,
        "maxItems": use.works.most,
        "items": name if label_of(use) == "hands" else score,
        "description": labels_words(use),
    }


def _files_schema(field: FileField) -> Schema:
    file = {"type": "string", "format": "binary"}
    if field.most == 1:
        return {**file, "description": words_of(field)}
    return {
        "type": "array",
        "minItems": field.least,
        "maxItems": field.most,
        "items": file,
        "description": words_of(field),
    }


def _made_schema(use: Use) -> Schema:
    return {"type": "object"} if makes_json(use) else {"type": "string", "format": "binary"}
