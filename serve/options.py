"""The options of a request: a JSON object in a field of its form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from metaart.errors import UserError
from serve.uploads import Form


def read_options(form: Form, names: Sequence[str], example: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a form, their names checked; empty where it has none.

    Args:
        form: with or without the field `options`.
        names: of the options that there are.
        example: options that could be sent, for errors.

    Raises:
        UserError: not a JSON object, or one with other names.
    """
    text = form.fields.get("options", "{}")
    try:
        options = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong(f"{text[:80]!r} ({str(error)[:80]})", names, example) from error
    if not isinstance(options, dict):
        raise _wrong(repr(options)[:80], names, example)
    unknown = sorted(set(options) - set(names))
    if unknown:
        raise _wrong(f"the unknown key {unknown[0][:80]!r}", names, example)
    return options


def _wrong(got: str, names: Sequence[str], example: Mapping[str, Any]) -> UserError:
    return UserError(
        expected=f"options to be a JSON object with keys among {', '.join(names)}",
        got=got,
        fix=f"Send for example options={json.dumps(example)}, or leave options out.",
    )
