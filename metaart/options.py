"""What a user can set, as typed and frozen values: each field with its range, default, unit and help (pydantic checks).

    @options(section="algorithm")
    class MAMLConfig:
        steps: int = option(default=5, ge=1, help="inner steps K")

What is refused is a `UserError` that names the field, what was expected, what came and how to mend it; flags of the
command line, JSON of requests, OpenAPI and the tables of the documents are made from the same fields.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, dataclass_transform

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from metaart.errors import UserError
from metaart.fields import Described, described, named

__all__ = [
    "Described", "described", "from_plain", "from_text", "named", "option", "options", "refusal", "replaced",
]  # fmt: skip

T = TypeVar("T")
_STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)
_SHOWN = 80
"""Characters of a refused value that are repeated, at most."""


def option(
    *,
    default: Any = ...,
    help: str = "",
    unit: str = "",
    usual: str = "",
    local: bool = False,
    choices: Iterable[str] = (),
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    multiple_of: int | None = None,
) -> Any:
    """A field of a class with `options`.

    Args:
        default: what it is where it is left out; it must be given where this is.
        help: what it means, in words that follow its name.
        unit: of the number, such as px.
        usual: what the default is called where its value says little ("as trained" for None); what follows a semicolon
            is for the help of a command line alone, as another option that is local may change the default.
        local: whether the command line and Python alone take it, not the service.
        choices: for text that is one of the names in a registry, which a type cannot list.
        ge, gt, le, lt: what the number is from, above, up to, below.
        multiple_of: what it is a multiple of.
    """
    about: Any = {name: word for name, word in (("unit", unit), ("usual", usual), ("local", local)) if word}
    about |= {"choices": list(choices)} if choices else {}
    bounds: Any = {"ge": ge, "gt": gt, "le": le, "lt": lt, "multiple_of": multiple_of}
    return Field(default=default, description=help, json_schema_extra=about, **bounds)


@dataclass_transform(frozen_default=True, field_specifiers=(option, dataclasses.field))
def options(*, section: str = "") -> Callable[[type[T]], type[T]]:
    """Make a class one of frozen values that are checked when they are made, by position, by name or by `replace`.

    Args:
        section: where `--set` finds the fields, such as "algorithm"; empty for options of a use.
    """

    def decorate(kind: type[T]) -> type[T]:
        # Before pydantic makes the class: it reads the types of the fields then, and never again.
        _list_choices(kind)
        # Strict, or pydantic would take true for 1 and "5" for 5.
        checked: Any = dataclass(kind, frozen=True, config=_STRICT)
        make = checked.__init__

        # Here, because code has no other way to a value: positions, names and `dataclasses.replace` all come by.
        def made(self: Any, *args: Any, **values: Any) -> None:
            try:
                make(self, *args, **values)
            except ValidationError as error:
                raise refusal(error, checked) from error

        checked.__init__ = made
        checked.__section__ = section
        return checked  # type: ignore[no-any-return]

    return decorate


def _list_choices(kind: type[Any]) -> None:
    """Give text with `choices` the type that lists them, which pydantic checks and JSON schemas show."""
    for name, field in vars(kind).items():
        extra = getattr(field, "json_schema_extra", None)
        if isinstance(extra, dict) and "choices" in extra:
            kind.__annotations__[name] = Literal[tuple(extra.pop("choices"))]


@options()
class NoOptions:
    """Of what nothing can be set."""


def refusal(
    error: ValidationError, kind: type[Any], *, wanted: str = "", section: str | None = None, key: str = ""
) -> UserError:
    """What pydantic found wrong first, as an error that teaches.

    Args:
        error: raised while a value of `kind` was made.
        kind: a class with `options`.
        wanted: what the names are, where one is unknown: "options to be a JSON object with keys".
        section: where `--set` finds the fields, if not where the class says: one class may serve in several places.
        key: the full key of the field, where it was `--set` that gave the value.
    """
    # One at a time: the first that is mended often mends the others.
    found = error.errors(include_url=False)
    # A wrong name says more than that the right one is missing.
    first = next((entry for entry in found if entry["type"] == "unexpected_keyword_argument"), found[0])
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, UserError):  # a check of the class's own
        return cause
    fields = described(kind)
    section = getattr(kind, "__section__", "") if section is None else section
    if first["type"] == "json_invalid":  # text that no encoding holds, or nesting without end
        return UserError(
            expected=f"values of {', '.join(fields)} that JSON can hold",
            got=first["msg"][:_SHOWN],
            fix="Give plain values.",
        )
    # The way to what was refused: a name, or a number where the value came by position, then what is inside it.
    steps = list(first["loc"])
    name = str(list(fields)[steps[0]] if steps and isinstance(steps[0], int) else steps[0] if steps else "")
    path = key or (f"{section}.{name}" if section else name)
    got = repr(first["input"])[:_SHOWN]
    if name not in fields:
        return UserError(
            expected=f"{wanted or 'one of the keys'} {', '.join(fields)}",
            got=f"the unknown key {path[:_SHOWN]!r}",
            fix="Leave it out, or use one of them.",
        )
    field = fields[name]
    if first["type"].startswith("missing"):
        return UserError(expected=f"{path} to be given ({field.help})", got="none", fix=f"Give {path}.")
    if len(steps) > 1 and hasattr(field.kind, "__section__"):
        return _refusal_inside(first, steps[1:], field.kind, path)
    settable = bool(section or key)
    aside = f" ({field.help.partition(';')[0]})" if settable and field.help else ""
    return UserError(
        expected=f"{path} to be {field.expected}{aside}", got=got, fix=_mend(field, path, settable=settable)
    )


def _refusal_inside(first: Any, steps: list[Any], kind: type[Any], path: str) -> UserError:
    """The same for a value inside a value, which came as JSON."""
    fields, whole = described(kind), f"{path}.{steps[0]}"
    if str(steps[0]) not in fields:
        return UserError(
            expected=f"one of the keys {', '.join(f'{path}.{name}' for name in fields)}",
            got=f"the unknown key {whole[:_SHOWN]!r}",
            fix="Leave it out, or use one of them.",
        )
    if len(steps) > 1 and hasattr(fields[str(steps[0])].kind, "__section__"):
        return _refusal_inside(first, steps[1:], fields[str(steps[0])].kind, whole)
    return UserError(
        expected=f"{whole} to be {fields[str(steps[0])].expected}",
        got=repr(first["input"])[:_SHOWN],
        fix=f"Give another value of {whole}.",
    )


def from_plain(kind: type[T], values: Mapping[str, Any], *, wanted: str = "", section: str | None = None) -> T:
    """A value of a class with `options` from plain ones, as JSON gives them: lists for tuples, nested objects.

    `wanted` and `section` are as in `refusal`.

    Raises:
        UserError: an unknown name, or a value of the wrong type or range.
    """
    try:
        # By way of JSON, so that a list may stand for a tuple while true may not for 1.
        return TypeAdapter(kind).validate_json(_json(values))
    except ValidationError as error:
        raise refusal(error, kind, wanted=wanted, section=section) from error


def _json(values: Mapping[str, Any]) -> str:
    """The text of an object with these values.

    Raises:
        UserError: one is nothing that JSON can hold, such as a number of NumPy's.
    """
    entries = []
    for name, value in values.items():
        try:
            entries.append(f"{json.dumps(name)}: {json.dumps(value)}")
        except (TypeError, ValueError, RecursionError) as error:  # nesting without end, a number of 5,000 digits
            raise UserError(
                expected=f"{name[:_SHOWN]} to be a value that JSON can hold",
                got=f"one of type {type(value).__name__}",
                fix="Give a plain number, text, true, false or a list of them.",
            ) from error
    return f"{{{', '.join(entries)}}}"


def replaced(values: T, name: str, value: Any, *, key: str) -> T:
    """The same values but for one field.

    Args:
        values: of a class with `options`.
        name: of the field.
        value: what `from_text` made of what `--set` was given.
        key: of the field, in full.

    Raises:
        UserError: it is of the wrong type or range, or does not go with the others.
    """
    try:
        changed: T = dataclasses.replace(values, **{name: value})  # type: ignore[type-var]
    except UserError as error:
        if isinstance(error.__cause__, ValidationError):  # said again, under the full key
            raise refusal(error.__cause__, type(values), key=key) from error
        raise
    return changed


def from_text(kind: type[Any], name: str, text: str) -> Any:
    """What a text says for a field: JSON, or the text itself where the field is text, a path or a choice of words.

    A list may be written without brackets where it has one entry; yes, no, on and off stand for true and false. What
    the text says is not checked here.
    """
    wanted = described(kind)[name].kind
    inside = [part for part in typing.get_args(wanted) if part is not type(None)] or [wanted]
    # Text comes first: a run that is called 12 or true is no number.
    if wanted is str or (str in inside and typing.get_origin(wanted) is not tuple):
        return text
    if Path in inside and typing.get_origin(wanted) is not tuple:
        return Path(text)
    # As the choice itself, for 2 and "2" are told apart when it is checked.
    if typing.get_origin(wanted) is Literal:
        return next((choice for choice in inside if str(choice) == text), text)
    if wanted is bool and text.lower() in _SWITCH:
        return _SWITCH[text.lower()]
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # it is no JSON, or nested without end
        return text
    if typing.get_origin(wanted) is tuple:
        return tuple(value) if isinstance(value, list) else (value,)
    return value


_SWITCH = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False}


def _mend(field: Described, path: str, *, settable: bool) -> str:
    if settable:
        return f"Give another value: --set {path}=..."
    if field.default is ...:
        return "Give another value."
    return f"Leave {path} out for its default, {field.usual.partition(';')[0]}, or give another value."
