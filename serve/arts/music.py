"""`POST /v1/music`: a few MIDI files in, a new one in their hand out."""

from __future__ import annotations

import asyncio
from functools import partial
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from metaart.artists.run import Creator, check_steps
from metaart.arts.music.compose import ComposeRequest
from metaart.domains.music.domain import MAX_FILES, Music
from metaart.formats.scores.midi import check_together
from serve.description import json_options, many_files, multipart, one_file, success
from serve.options import read_options
from serve.orders import CarryOut, Order, carry_out
from serve.problems import responses
from serve.uploads import Form

OPTIONS = ("bars", "temperature", "top_p", "seed", "steps")
_NEVER_SET = ComposeRequest()

DESCRIPTION = f"""
POST /v1/music

Adapts the model to 1 to {MAX_FILES} MIDI files by one hand and composes a new piece in it.

    curl -F examples=@a.mid -F examples=@b.mid -F 'options={{"bars": 16, "seed": 7}}' \\
         -o new.mid http://127.0.0.1:8000/v1/music

The same files and options give the same bytes, whatever else is asked meanwhile. The answer's headers
`Metaart-Run`, `Metaart-Bars` and `Metaart-Seed` say how to ask for it again.
"""

_FORM = multipart(
    ["examples"],
    examples=many_files(
        1, MAX_FILES, "MIDI files by one hand, format 0 or 1, at most 2 MiB each; all files 16 MiB and 50,000 notes"
    ),
    primer=one_file("a MIDI file that the new piece begins with"),
    options=json_options(
        "a JSON object; every key may be left out",
        '{"bars": 16, "temperature": 0.9, "top_p": 0.95, "seed": 1, "steps": 5}',
    ),
)

router = APIRouter(tags=["music"])


@router.post(
    "/v1/music",
    summary="Compose in the hand of a few pieces",
    description=DESCRIPTION,
    response_class=Response,
    responses={200: success("audio/midi", "The new piece"), **responses(408, 413, 415, 422, 503)},
    openapi_extra=_FORM,
)
async def compose(request: Request) -> Response:
    """Read the upload, check all of it, have it composed."""
    form = await request.app.state.desk.read(
        request, files={"examples": MAX_FILES, "primer": 1}, fields=frozenset({"options"})
    )
    studio = request.app.state.studio
    model = studio.models["music"]
    async with studio.in_time():
        # In a thread: files are counted and read in Python, and other requests must not wait for it.
        order = await asyncio.to_thread(order_from, model.domain, form)
        del form  # or the upload would be held until it is answered
        midi = await studio.create("music", order)
    headers = {
        "Content-Disposition": f'attachment; filename="metaart-seed{order.wish.seed}.mid"',
        "Metaart-Run": quote(model.run, safe=" "),
        "Metaart-Bars": str(order.wish.bars),
        "Metaart-Seed": str(order.wish.seed),
    }
    return Response(midi, media_type="audio/midi", headers=headers)


def opened(run: str | None) -> CarryOut:
    """A run of music, loaded."""
    return partial(carry_out, Creator(run, "music"))


def order_from(domain: Music, form: Form) -> Order:
    """The order that a form says, with every file read and every option checked.

    Raises:
        UserError: anything that cannot be used.
    """
    options = read_options(form, OPTIONS, {"bars": _NEVER_SET.bars, "seed": _NEVER_SET.seed})
    steps = options.pop("steps", None)
    check_steps(steps)
    plain = ComposeRequest(**options)
    uploads, primer = form.files.get("examples", []), form.files.get("primer", [])
    names = [upload.name for upload in uploads]
    files = [bytes(upload.data) for upload in uploads]
    check_together([*files, *(bytes(upload.data) for upload in primer)], [*names, *(upload.name for upload in primer)])
    support = domain.read(files, names)
    if not primer:
        return Order(support, plain, steps)
    opening = domain.primer(bytes(primer[0].data), bars=plain.bars, name=primer[0].name)
    return Order(support, ComposeRequest(plain.bars, plain.temperature, plain.top_p, plain.seed, opening), steps)
