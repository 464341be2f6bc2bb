"""From a form to an order: its files are counted and its options checked; nothing is parsed, no model is needed."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic_core import from_json

from metaart.artists.art import Use
from metaart.artists.requests import check_number
from metaart.artists.works import Work, checked_score
from metaart.errors import UserError
from metaart.formats.base import Check
from metaart.options import from_plain
from serve.endpoints import (
    EXAMPLES,
    OPTIONS,
    Endpoint,
    FileField,
    extras_of,
    files_of,
    keys_of,
    label_of,
    options_of,
    shown,
)
from serve.orders import Order
from serve.uploads import Form

MOST_CHARACTERS = 200
"""Of the name of a hand."""


def order_from(endpoint: Endpoint, form: Form, served: Collection[str]) -> tuple[str, Order]:
    """The art that a form is for, and the order that it says.

    Args:
        endpoint: where it came in.
        form: its files are copied, so that it can be let go of.
        served: the arts that this service has a model of.

    Raises:
        TooLarge: too many files, or more in them than their formats allow.
        UserError: files or options that are missing, cannot be used, or do not fit each other.
    """
    # What is cheap to refuse is refused first: names, then numbers of files, then values, and last what is in the
    # files.
    values = read_options(form, endpoint.keys, next(iter(endpoint.uses.values())))
    art = _asked(endpoint, values)
    use = endpoint.uses[art]
    if art not in served:
        raise _not_served(endpoint, art, served)
    # Again, now that the art is known: before it was enough that any art of this address has such a key.
    _check_keys(values, keys_of(use), use)
    files = {field.name: _files(form, field.name) for field in files_of(use)}
    _check_files(files, use)
    extras = frozenset(extra.name for extra in extras_of(use) if _flag(values, extra.name))
    works = _labelled(files.pop(EXAMPLES), values, label_of(use))
    check_number(works, use.works)
    plain = {name: value for name, value in values.items() if name in options_of(use)}
    options = from_plain(use.options, plain)
    _count(files | {EXAMPLES: works}, files_of(use))
    return art, Order(use.route, tuple(works), {name: own[0] for name, own in files.items() if own}, options, extras)


def read_options(form: Form, keys: Sequence[str], use: Use) -> dict[str, Any]:
    """The options of a form, their names checked; empty where it has none.

    Args:
        form: with or without the field `options`.
        keys: that there are.
        use: whose example is shown in errors.

    Raises:
        UserError: not a JSON object, or one with other names.
    """
    text = form.fields.get(OPTIONS, "{}")
    try:
        # Strict in its depth and in its text; NaN is refused later, by the name of the option.
        values = from_json(text.encode(), allow_inf_nan=True)
    except ValueError as error:
        raise _wrong(f"{text[:80]!r} ({str(error)[:80]})", keys, use) from error
    if not isinstance(values, dict):
        raise _wrong(repr(values)[:80], keys, use)
    _check_keys(values, keys, use)
    return values


def _check_keys(values: Mapping[str, Any], keys: Collection[str], use: Use) -> None:
    if unknown := sorted(set(values) - set(keys)):
        raise _wrong(f"the unknown key {unknown[0][:80]!r}", keys, use)


def _wrong(got: str, keys: Collection[str], use: Use) -> UserError:
    send = f"Send for example options={json.dumps(shown(use.example, use))}"
    return UserError(
        expected=f"options to be a JSON object with keys among {', '.join(keys) or 'none'}",
        got=got,
        fix=send + ("." if label_of(use) else ", or leave options out."),
    )


def _asked(endpoint: Endpoint, values: Mapping[str, Any]) -> str:
    """The art whose labels came."""
    by_label = {label_of(use): art for art, use in endpoint.uses.items()}
    labels = [label for label in by_label if label]
    came = [label for label in labels if label in values]
    if len(came) == 1 or (not came and "" in by_label):
        # Without labels this is the use that takes none.
        return by_label["".join(came)]
    use = endpoint.uses[by_label[labels[0]]]
    raise UserError(
        expected=f"one of the options {' and '.join(labels)}" if len(labels) > 1 else f"the option {labels[0]}",
        got=" and ".join(came) or ("neither" if len(labels) > 1 else "none"),
        fix=f"Send for example options={json.dumps({labels[0]: use.example.get(labels[0])})}, one for each example.",
    )


def _not_served(endpoint: Endpoint, art: str, served: Collection[str]) -> UserError:
    others = [label_of(use) or "neither" for name, use in endpoint.uses.items() if name in served]
    return UserError(
        expected=f"a question that this service answers: {', '.join(others)}",
        got=label_of(endpoint.uses[art]) or "no labels",
        fix=f"Ask another service, or start this one with {art}=RUN of `metaart train {art}`.",
    )


def _files(form: Form, name: str) -> list[Work]:
    return [Work(upload.name, bytes(upload.data)) for upload in form.files.get(name, [])]


def _check_files(files: Mapping[str, Sequence[Work]], use: Use) -> None:
    """Refuse a form that lacks files, by name."""
    needed = [field for field in files_of(use) if field.least]
    for field in needed:
        if not files[field.name]:
            raise UserError(
                expected=f"the files {' and '.join(map(_as_words, needed))}",
                got=f"no {field.name}",
                fix=f"Send {' '.join(_as_curl(field) for field in needed)} {use.works.advice}",
            )


def _as_words(field: FileField) -> str:
    return field.name if field.most == 1 else f"{field.name} ({field.least} to {field.most} {field.format.many})"


def _as_curl(field: FileField) -> str:
    suffix = field.format.suffixes[0]
    if field.most > 1:
        return f"-F examples=@a{suffix} -F examples=@b{suffix} ..."
    return f"-F {field.name}=@new{suffix}"


def _flag(values: Mapping[str, Any], name: str) -> bool:
    """Whether something is to be made beside; it is where nothing was said."""
    value = values.get(name, True)
    if not isinstance(value, bool):
        raise UserError(expected=f"{name} to be true or false", got=repr(value)[:80], fix="Leave it out.")
    return value


def _labelled(works: Sequence[Work], values: Mapping[str, Any], label: str) -> list[Work]:
    """The examples with what the options say of each."""
    if not label:
        return list(works)
    labels = values[label]
    fits = _is_name if label == "hands" else _is_number
    if not isinstance(labels, list) or len(labels) != len(works) or not all(map(fits, labels)):
        kind = "names" if label == "hands" else "numbers from 1 to 10"
        raise UserError(
            expected=f"{label} to be a list of {len(works)} {kind}, one for each example",
            got=repr(labels)[:120],
            fix="Give them in the order of the examples.",
        )
    pairs = zip(works, labels, strict=True)
    if label == "hands":
        return [work._replace(hand=hand) for work, hand in pairs]
    return [work._replace(score=checked_score(score, work.name)) for work, score in pairs]


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MOST_CHARACTERS and value.isprintable()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _count(files: Mapping[str, Sequence[Work]], fields: Sequence[FileField]) -> None:
    """Hold all files of each kind together to what their format allows."""
    kinds: dict[Check, list[Work]] = {}
    for field in fields:
        # A form that splits one large upload over several fields is held to the bound of one.
        kinds.setdefault(field.format.check, []).extend(files[field.name])
    for check, works in kinds.items():
        check([work.data for work in works], [work.name for work in works])
