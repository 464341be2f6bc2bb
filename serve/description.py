"""How a form is described in OpenAPI."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def multipart(required: list[str], **fields: Schema) -> Schema:
    """A request body of multipart/form-data with these fields and no others."""
    schema = {"type": "object", "required": required, "additionalProperties": False, "properties": fields}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def one_file(description: str) -> Schema:
    """One file."""
    return {"type": "string", "format": "binary", "description": description}


def many_files(least: int, most: int, description: str) -> Schema:
    """Several files under one name."""
    items = {"type": "string", "format": "binary"}
    return {"type": "array", "minItems": least, "maxItems": most, "items": items, "description": description}


def json_options(description: str, example: str) -> Schema:
    """The JSON object that `serve.options.read_options` reads."""
    return {"type": "string", "description": description, "example": example}


def success(media_type: str, description: str) -> Schema:
    """A successful answer: a file, or JSON."""
    schema = {"type": "object"} if media_type == "application/json" else {"type": "string", "format": "binary"}
    return {"description": description, "content": {media_type: {"schema": schema}}}
