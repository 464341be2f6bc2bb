"""An art of letters, for tests of what every art shares: it reads texts, writes new ones, and says whose one is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from metaart.artists.art import Art, Extra, FileInput, Made, Request, Use
from metaart.artists.works import Work, WorksInput
from metaart.errors import TooLarge, UserError
from metaart.formats.base import JSON, Format
from metaart.options import option, options
from serve.orders import carry_out


def count(files: Sequence[bytes], names: Sequence[str]) -> None:
    if sum(map(len, files)) > 100:
        raise TooLarge(
            expected="at most 100 letters in all", got=f"more, up to {names[-1]}", fix="Write shorter letters."
        )


LETTER = Format("a letter", "letters", "LETTER", "text/plain", (".txt",), count, "100 bytes in all", max_file_bytes=90)


@options()
class LetterOptions:
    """What may be asked of a letter."""

    copies: int = option(default=1, ge=1, le=3, help="how often it is written", unit="times")
    tone: str = option(help="how it sounds")
    steps: int | None = option(default=None, ge=0, le=9, help="adaptation steps", usual="as trained; by hand 2")
    pen: str = option(default="quill", help="what it is written with", local=True)


@options()
class WhoseOptions:
    """What may be asked of a judgement: nothing."""


def write(run: Any, requests: Sequence[Request]) -> list[Made]:
    run.batches.append(len(requests))
    return [_written(request) for request in requests]


def _written(request: Request) -> Made:
    if "poison" in request.options.tone:
        raise KeyError(request.options.tone)
    if "rude" in request.options.tone:
        raise UserError(expected="a polite tone", got="a rude one", fix="Be polite.")
    end = request.files["signature"].data if "signature" in request.files else b""
    data = str(request.artist).encode() * request.options.copies + end
    facts = {"Tone": request.options.tone, "Number": str(request.options.copies)}
    return Made(data, "a letter", facts=facts, file_name="new letter.txt")


def judge(run: Any, requests: Sequence[Request]) -> list[Made]:
    (request,) = requests
    first = request.files["letter"].data[:1]
    found = [work.hand for work in request.works if work.data.startswith(first)]
    sketch = {"sketch": b"-" * len(found)} if "sketch" in request.extras else {}
    answer = {"answer": found, "artists": list(map(str, request.artists))}
    return [Made(json.dumps(answer).encode(), "a hand", extras=sketch)]


WRITE = Use(
    verb="create",
    about="Write a letter.",
    story="Writes one.\n\n    curl http://127.0.0.1:8000{route}\n",
    options=LetterOptions,
    example={"copies": 2, "tone": "warm", "pen": "ball"},
    works=WorksInput(LETTER, most=3, help="letters by one hand"),
    inputs=(FileInput("signature", LETTER, "how it ends", required=False),),
    makes=LETTER,
    commands=("letters",),
    default_out=Path("new.txt"),
    extras=(Extra("sketch", LETTER, "a sketch"),),
    route="letters",
    together=True,
)
JUDGE = WRITE._replace(
    verb="judge",
    about="Say whose a letter is.",
    options=WhoseOptions,
    example={"hands": ["Ann", "Bob"], "sketch": False},
    works=WorksInput(LETTER, "hands", least=2, most=4, help="letters by two hands or more"),
    inputs=(FileInput("letter", LETTER, "the letter to judge"),),
    makes=JSON,
    route="whose-letter",
    together=False,
)
ART = Art("letters", "tests.serve.letters", "write letters", works=WRITE.works, uses=(WRITE, JUDGE))


class Run:
    """Stands for a loaded run; its artists are words that say what it was adapted to."""

    def __init__(self, art: Art = ART) -> None:
        self.art, self.reads = art, art.works
        self.adapted: list[str] = []
        self.batches: list[int] = []

    def adapt_works(self, works: Sequence[Work], *, steps: int | None = None, name: str = "") -> Any:
        for work in works:
            if not work.data.isascii():
                raise UserError(expected="letters", got=work.name, fix="Write in letters.")
        self.adapted.append(
            f"{name}[{b' '.join(work.data for work in works).decode()}]{'' if steps is None else steps}"
        )
        return self.adapted[-1]

    def make(self, use: Use, requests: Sequence[Request]) -> list[Made]:
        return (write if use.verb == "create" else judge)(self, requests) if requests else []


def letter(text: str, name: str = "a.txt") -> Work:
    return Work(name, text.encode())


def handle_of(run: Run) -> SimpleNamespace:
    """What a deployment's handle is to a studio: orders are carried out at once."""

    async def answered(order: Any) -> Any:
        return carry_out(run, [order])[0]  # type: ignore[arg-type]

    return SimpleNamespace(create=SimpleNamespace(remote=lambda order, within_s: answered(order)))
