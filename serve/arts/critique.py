"""`POST /v1/critique`: a work and a curator's examples in, a judgement with its reasons out."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from metaart.arts.critique.judge import Example, check_score, judge
from metaart.arts.judging.critic import Critic
from metaart.domains.critique.domain import MAX_WORKS
from metaart.errors import UserError
from serve.description import json_options, many_files, multipart, one_file, success
from serve.options import read_options
from serve.orders import CarryOut, one_by_one
from serve.problems import responses
from serve.uploads import PICTURES, Form

OPTIONS = ("hands", "scores", "heat_map")

DESCRIPTION = f"""
POST /v1/critique

Judges a picture by 2 to {MAX_WORKS} examples: whose hand it is (`hands`, one name for each example), or how the curator
would rate it who rated them (`scores`, one from 1 to 10 for each example).

    curl -F work=@new.png -F examples=@a.png -F examples=@b.png -F examples=@c.png \\
         -F 'options={{"hands": ["Hokusai", "Hokusai", "Turner"]}}' http://127.0.0.1:8000/v1/critique

The answer is JSON: the hand or `none of these` with calibrated probabilities, or the score with an interval; the
nearest examples, measured qualities, sentences that name only what was computed, and a heat map as PNG in base64.
"""

_FORM = multipart(
    ["work", "examples", "options"],
    work=one_file("the picture to judge: PNG, JPEG or WebP"),
    examples=many_files(
        2, MAX_WORKS, "pictures, at most 16 MiB and 16 megapixels each; with the work 64 MiB and 200 megapixels in all"
    ),
    options=json_options(
        "a JSON object with `hands` or `scores`, one entry for each example; `heat_map`: false leaves it out",
        '{"hands": ["Hokusai", "Turner"], "heat_map": true}',
    ),
)

router = APIRouter(tags=["critique"])


@dataclass(frozen=True)
class Question:
    """A work to judge by examples."""

    work: bytes
    name: str
    examples: tuple[Example, ...]
    heat_map: bool


@router.post(
    "/v1/critique",
    summary="Judge a picture by a few examples",
    description=DESCRIPTION,
    response_class=Response,
    responses={200: success("application/json", "The judgement"), **responses(408, 413, 415, 422, 503)},
    openapi_extra=_FORM,
)
async def critique(request: Request) -> Response:
    """Read the upload, check its form, have the work judged by the run that answers the question."""
    form = await request.app.state.desk.read(
        request, files={"work": 1, "examples": MAX_WORKS}, fields=frozenset({"options"}), bounds=PICTURES
    )
    studio = request.app.state.studio
    art, question = question_from(form)
    del form  # or the upload would be held twice until it is answered
    if art not in studio.models:
        raise UserError(
            expected=f"a question that this service answers: {'hands' if art == 'rating' else 'scores'}",
            got="scores" if art == "rating" else "hands",
            fix=f"Ask another service, or start this one with {art}=RUN of `metaart train {art}`.",
        )
    judged = json.loads(await studio.create(art, question))
    body = {**judged, "run": studio.models[art].run}
    return Response(await asyncio.to_thread(json.dumps, body), media_type="application/json")


def opened(run: str | None, art: str) -> CarryOut:
    """A run of critique, loaded; it reads, adapts and judges one question after the other."""
    critic = Critic(run, art)
    return partial(one_by_one, partial(answered, critic))


def answered(critic: Critic, question: Question) -> bytes:
    """A judgement as JSON, its heat map in base64 or null.

    Raises:
        UserError: files that cannot be used.
    """
    judged = judge(critic, question.work, question.examples, name=question.name, heat_map=question.heat_map)
    picture = None if judged.heat_map is None else base64.b64encode(judged.heat_map).decode()
    return json.dumps({**judged.plain(), "heat_map": picture}).encode()


def question_from(form: Form) -> tuple[str, Question]:
    """The art that answers a form, and its question.

    Raises:
        UserError: files or options that are missing, or that do not fit each other.
    """
    options = read_options(form, OPTIONS, {"hands": ["Hokusai", "Turner"]})
    works, uploads = form.files.get("work", []), form.files.get("examples", [])
    if not works or not uploads:
        raise UserError(
            expected="the files work and examples",
            got="no work" if not works else "no examples",
            fix="Send -F work=@new.png -F examples=@a.png -F examples=@b.png ...",
        )
    heat_map = options.get("heat_map", True)
    if not isinstance(heat_map, bool):
        raise UserError(expected="heat_map to be true or false", got=repr(heat_map)[:80], fix="Leave it out.")
    given = [name for name in ("hands", "scores") if name in options]
    if len(given) != 1:
        raise UserError(
            expected="one of the options hands and scores",
            got=" and ".join(given) or "neither",
            fix='Send for example options={"hands": ["Hokusai", "Turner"]}, one for each example.',
        )
    verdicts = _verdicts(options[given[0]], given[0], len(uploads))
    examples = tuple(
        Example(upload.name, bytes(upload.data), **({"hand": verdict} if given == ["hands"] else {"score": verdict}))
        for upload, verdict in zip(uploads, verdicts, strict=True)
    )
    if given == ["scores"]:
        for example in examples:
            check_score(example)
    question = Question(bytes(works[0].data), works[0].name, examples, heat_map)
    return ("critique" if given == ["hands"] else "rating"), question


def _verdicts(values: Any, name: str, count: int) -> list[Any]:
    def fits(value: Any) -> bool:
        if name == "hands":
            return isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable()
        return isinstance(value, int | float) and not isinstance(value, bool)

    if not isinstance(values, list) or len(values) != count or not all(map(fits, values)):
        kind = "names" if name == "hands" else "numbers from 1 to 10"
        raise UserError(
            expected=f"{name} to be a list of {count} {kind}, one for each example",
            got=repr(values)[:120],
            fix="Give them in the order of the examples.",
        )
    return values
