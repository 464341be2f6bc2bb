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
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeVar, dataclass_transform

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from metaart.errors import UserError

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
        usual: what the default is called where its value says little ("as trained" for None).
        local: whether the command line and Python alone take it, not the service.
        ge, gt, le, lt: what the number is from, above, up to, below.
        multiple_of: what it is a multiple of.
    """
    about: Any = {name: word for name, word in (("unit", unit), ("usual", usual), ("local", local)) if word}
    bounds: Any = {"ge": ge, "gt": gt, "le": le, "lt": lt, "multiple_of": multiple_of}
    return Field(default=default, description=help, json_schema_extra=about, **bounds)


@dataclass_transform(frozen_default=True, field_specifiers=(option, dataclasses.field))
def options(*, section: str = "") -> Callable[[type[T]], type[T]]:
    """Make a class one of frozen values that are checked when they are made, by position, by name or by `replace`.

    Args:
        section: where `--set` finds the fields, such as "algorithm"; empty for options of a use.
    """

    def decorate(kind: type[T]) -> type[T]:
        checked: Any = dataclass(kind, frozen=True, config=_STRICT)
        make = checked.__init__

        def made(self: Any, *args: Any, **values: Any) -> None:
            try:
                make(self, *args, **values)
            except ValidationError as error:
                raise refusal(error, checked) from error

        checked.__init__ = made
        checked.__section__ = section
        return checked  # type: ignore[no-any-return]

    return decorate


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
    found = {}
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
    return {int: "a whole number", float: "a number", bool: "true or false", str: "text"}.get(kind, _class_name(kind))


def refusal(error: ValidationError, kind: type[Any], *, wanted: str = "") -> UserError:
    """What pydantic found wrong first, as an error that teaches.

    Args:
        error: raised while a value of `kind` was made.
        kind: a class with `options`.
        wanted: what the names are, where one is unknown: "options to be a JSON object with keys".
    """
    first = error.errors(include_url=False)[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, UserError):  # a check of the class's own
        return cause
    known, section = described(kind), getattr(kind, "__section__", "")
    steps = list(first["loc"])
    name = str(list(known)[steps[0]] if steps and isinstance(steps[0], int) else steps[0] if steps else "")
    path = f"{section}.{name}" if section else name
    got = repr(first["input"])[:_SHOWN]
    if name not in known:
        return UserError(
            expected=f"{wanted or 'one of the keys'} {', '.join(known)}",
            got=f"the unknown key {path[:_SHOWN]!r}",
            fix="Leave it out, or use one of them.",
        )
    field = known[name]
    if first["type"].startswith("missing"):
        return UserError(expected=f"{path} to be given ({field.help})", got="none", fix=f"Give {path}.")
    if len(steps) > 1 and hasattr(field.kind, "__section__"):
        return _refusal_inside(first, steps[1:], field.kind, path)
    return UserError(
        expected=f"{path} to be {field.expected}{_aside(field, section)}", got=got, fix=_mend(field, path, section)
    )


def _refusal_inside(first: Any, steps: list[Any], kind: type[Any], path: str) -> UserError:
    """The same for a value inside a value, which came as JSON."""
    known, whole = described(kind), f"{path}.{steps[0]}"
    if str(steps[0]) not in known:
        return UserError(
            expected=f"one of the keys {', '.join(f'{path}.{name}' for name in known)}",
            got=f"the unknown key {whole[:_SHOWN]!r}",
            fix="Leave it out, or use one of them.",
        )
    if len(steps) > 1 and hasattr(known[str(steps[0])].kind, "__section__"):
        return _refusal_inside(first, steps[1:], known[str(steps[0])].kind, whole)
    return UserError(
        expected=f"{whole} to be {known[str(steps[0])].expected}",
        got=repr(first["input"])[:_SHOWN],
        fix=f"Give another value of {whole}.",
    )


def from_plain(kind: type[T], values: Mapping[str, Any], *, wanted: str = "") -> T:
    """A value of a class with `options` from plain ones, as JSON gives them: lists for tuples, nested objects.

    Raises:
        UserError: an unknown name, or a value of the wrong type or range.
    """
    try:
        # By way of JSON, so that a list may stand for a tuple while true may not for 1.
        return TypeAdapter(kind).validate_json(json.dumps(dict(values)))
    except ValidationError as error:
        raise refusal(error, kind, wanted=wanted) from error


def from_text(kind: type[Any], name: str, text: str) -> Any:
    """What a text says for a field: JSON, or the text itself where the field is text or a choice of words.

    A list may be written without brackets where it has one entry; yes, no, on and off stand for true and false. What
    the text says is not checked here.
    """
    wanted = described(kind)[name].kind
    inside = [part for part in typing.get_args(wanted) if part is not type(None)] or [wanted]
    if wanted is str or (str in inside and typing.get_origin(wanted) is not tuple):
        return text
    if typing.get_origin(wanted) is Literal:
        return next((choice for choice in inside if str(choice) == text), text)
    if wanted is bool and text.lower() in _SWITCH:
        return _SWITCH[text.lower()]
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if typing.get_origin(wanted) is tuple:
        return tuple(value) if isinstance(value, list) else (value,)
    return value


_SWITCH = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False}


def _range(metadata: list[Any]) -> str:
    """The bounds of pydantic's metadata in words."""
    bounds = {
        key: getattr(entry, key)
        for entry in metadata
        for key in ("ge", "gt", "le", "lt", "multiple_of")
        if getattr(entry, key, None) is not None
    }
    words = {key: _figure(value) for key, value in bounds.items()}
    said = [f"that is a multiple of {words['multiple_of']}"] if "multiple_of" in words else []
    low, high = words.get("ge") or words.get("gt"), words.get("le") or words.get("lt")
    below = "below " if "lt" in words else ""
    if "ge" in words:
        said.append(f"from {low} to {below}{high}" if high else f"from {low} up")
    elif low is not None:
        said.append(f"above {low}" + (f" and {below or 'at most '}{high}" if high else ""))
    elif high is not None:
        said.append(f"{below or 'of at most '}{high}")
    return " ".join(said)


def _figure(value: float) -> str:
    if value in (2**63 - 1, 2**32 - 1):
        return f"2^{int(value).bit_length()} - 1"
    return str(value) if isinstance(value, int) else f"{value:g}"


def _aside(field: Described, section: str) -> str:
    return f" ({field.help})" if section and field.help else ""


def _mend(field: Described, path: str, section: str) -> str:
    if section:
        return f"Give another value: --set {path}=..."
    if field.default is ...:
        return "Give another value."
    return f"Leave {path} out for its default, {field.usual}, or give another value."


def _plain(default: Any) -> str:
    if default is ...:
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def _class_name(kind: Any) -> str:
    return str(getattr(kind, "__name__", kind))
