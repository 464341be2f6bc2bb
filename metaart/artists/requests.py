"""What is asked of a use, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from metaart.artists.art import FileInput, Request, Use
from metaart.artists.works import Work, WorksInput, work_of
from metaart.errors import TooLarge, UserError
from metaart.options import from_plain

if TYPE_CHECKING:
    from metaart.artists.artist import Artist
    from metaart.artists.run import Run

MAX_STEPS = 100
"""Adaptation steps above which a request is refused: past it the examples are only learned by heart."""


def request_of(use: Use, artists: Sequence[Artist], values: Mapping[str, Any]) -> Request:
    """What Python code asks of a use, checked.

    Raises:
        UserError: an unknown name, a file that cannot be read or is missing, an option that cannot be used.
    """
    if values.get("steps") is not None:
        raise UserError(
            expected="steps where a run is adapted",
            got=f"steps={values['steps']!r:.40} for an artist, which was adapted already",
            fix="Adapt with them: run.adapt(works, steps=5).",
        )
    inputs = {entry.name: entry for entry in use.inputs}
    plain = {name: value for name, value in values.items() if name not in inputs and name != "extras"}
    options = from_plain(use.options, plain, wanted=f"{use.verb} to be given {', '.join([*inputs, 'extras'])} or")
    files = {name: _input(entry, values[name]) for name, entry in inputs.items() if values.get(name) is not None}
    check_inputs(use, files)
    extras = frozenset(values.get("extras", ()))
    if unknown := sorted(extras - {extra.name for extra in use.extras}):
        raise UserError(
            expected=f"extras among {', '.join(extra.name for extra in use.extras) or 'none'}",
            got=repr(unknown[0]),
            fix="Leave it out.",
        )
    return Request(artists, options, files, extras)


def artists_of(run: Run, use: Use, works: Sequence[Work], steps: int | None = None) -> list[Artist]:
    """A run adapted to the works of a request: one artist, or one for each hand that is compared by an art of one hand.

    Raises:
        UserError: a work that cannot be used, too few or too many.
    """
    if use.works.labels != "hands" or run.reads.labels == "hands":
        return [run.adapt_works(works, steps=steps)]
    hands: dict[str, list[Work]] = {}
    for work in works:
        hands.setdefault(work.hand, []).append(work)
    # Before the first is adapted to: hundreds of hands would take minutes, and then be refused.
    if not 2 <= len(hands) <= use.works.most_hands:
        raise (TooLarge if len(hands) > 2 else UserError)(
            expected=f"examples of 2 to {use.works.most_hands} hands",
            got=str(len(hands)),
            fix="Give a folder for each.",
        )
    return [run.adapt_works(own, steps=steps, name=hand) for hand, own in hands.items()]


def check_inputs(use: Use, files: Mapping[str, Any]) -> None:
    """Refuse what lacks a file that a use needs.

    Raises:
        UserError: one is missing.
    """
    for entry in use.inputs:
        if entry.required and entry.name not in files:
            raise UserError(
                expected=f"{entry.name}, {entry.format.one}: {entry.help}", got="none", fix=f"Give {entry.name}."
            )


def check_steps(steps: int | None) -> None:
    """Refuse a number of adaptation steps that makes no sense.

    Raises:
        UserError: it is not a whole number from 0 to `MAX_STEPS`.
    """
    if steps is not None and (not isinstance(steps, int) or isinstance(steps, bool) or not 0 <= steps <= MAX_STEPS):
        raise UserError(
            expected=f"steps to be a whole number from 0 to {MAX_STEPS}",
            got=repr(steps),
            fix="Leave steps out for the number the run was trained for.",
        )


def check_number(works: Sequence[Work], wanted: WorksInput) -> None:
    """Refuse too few works or too many.

    Raises:
        TooLarge: too many.
        UserError: too few.
    """
    if not wanted.least <= len(works) <= wanted.most:
        raise (TooLarge if len(works) > wanted.most else UserError)(
            expected=f"{wanted.least} to {wanted.most} {wanted.format.many} as examples",
            got=str(len(works)),
            fix=wanted.advice,
        )


def _input(entry: FileInput, value: Any) -> Work:
    return value if isinstance(value, Work) else work_of(value, entry.format, entry.name)
