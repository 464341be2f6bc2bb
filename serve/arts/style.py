"""`POST /v1/style`: a photograph and a few pictures by one hand in, the photograph redrawn in that hand out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from metaart.artists.run import Creator, check_steps
from metaart.arts.style.create import Wish, adapt_to, painter
from metaart.arts.style.finish import check_strength
from metaart.arts.style.tiling import MAX_SIDE
from metaart.domains.style.domain import MAX_FILES
from metaart.errors import UserError
from metaart.formats.pictures.header import check_together
from metaart.formats.pictures.read import read_picture, write_png
from serve.description import json_options, many_files, multipart, one_file, success
from serve.options import read_options
from serve.orders import CarryOut, one_by_one
from serve.problems import responses
from serve.uploads import PICTURES, Form

OPTIONS = ("strength", "keep_colour", "side", "steps")
_NEVER_SET = Wish()

DESCRIPTION = f"""
POST /v1/style

Adapts the model to 1 to {MAX_FILES} pictures by one hand and redraws a photograph in it.

    curl -F photograph=@me.jpg -F examples=@a.png -F examples=@b.png -F 'options={{"strength": 0.8}}' \\
         -o new.png http://127.0.0.1:8000/v1/style

The answer is a PNG of the photograph's size, at most {MAX_SIDE} px a side.
"""

_FORM = multipart(
    ["photograph", "examples"],
    photograph=one_file("what is redrawn: PNG, JPEG or WebP"),
    examples=many_files(
        1, MAX_FILES, "by one hand, at most 16 MiB and 16 megapixels each; all pictures 64 MiB and 200 megapixels"
    ),
    options=json_options(
        "a JSON object; every key may be left out", '{"strength": 1.0, "keep_colour": false, "side": 2048, "steps": 5}'
    ),
)

router = APIRouter(tags=["style"])


@dataclass(frozen=True)
class Commission:
    """A photograph to redraw in the hand of examples; every file is bytes that nobody vouches for."""

    photograph: bytes
    name: str
    examples: tuple[bytes, ...]
    names: tuple[str, ...]
    wish: Wish


@router.post(
    "/v1/style",
    summary="Redraw a photograph in the hand of a few pictures",
    description=DESCRIPTION,
    response_class=Response,
    responses={200: success("image/png", "The photograph, redrawn"), **responses(408, 413, 415, 422, 503)},
    openapi_extra=_FORM,
)
async def stylise(request: Request) -> Response:
    """Read the upload, check its form, have it painted."""
    form = await request.app.state.desk.read(
        request, files={"photograph": 1, "examples": MAX_FILES}, fields=frozenset({"options"}), bounds=PICTURES
    )
    studio, commission = request.app.state.studio, commission_from(form)
    del form  # or the upload would be held twice until it is answered
    png = await studio.create("style", commission)
    return Response(png, media_type="image/png", headers={"Metaart-Run": quote(studio.models["style"].run, safe=" ")})


def opened(run: str | None) -> CarryOut:
    """A run of style, loaded; it reads, adapts and paints one commission after the other."""
    creator = Creator(run, "style")
    return partial(one_by_one, partial(painted, creator))


def painted(creator: Creator, commission: Commission) -> bytes:
    """The PNG of a commission.

    Raises:
        TooLarge: too many pixels, in one file or in all.
        UserError: files that cannot be used.
    """
    wish = commission.wish
    check_together([commission.photograph, *commission.examples], [commission.name, *commission.names])
    photograph = read_picture(commission.photograph, name=commission.name, max_side=wish.side)
    hand = adapt_to(creator, commission.examples, commission.names, wish.steps)
    return write_png(painter(creator, hand, wish)(photograph))


def commission_from(form: Form) -> Commission:
    """What a form asks for.

    Raises:
        UserError: a file that is missing, or an option that cannot be used.
    """
    options = read_options(form, OPTIONS, {"strength": _NEVER_SET.strength, "keep_colour": True})
    photographs, uploads = form.files.get("photograph", []), form.files.get("examples", [])
    if not photographs or not uploads:
        raise UserError(
            expected="the files photograph and examples",
            got="no photograph" if not photographs else "no examples",
            fix="Send -F photograph=@me.jpg -F examples=@a.png ...",
        )
    return Commission(
        bytes(photographs[0].data),
        photographs[0].name,
        tuple(bytes(upload.data) for upload in uploads),
        tuple(upload.name for upload in uploads),
        _wish(options),
    )


def _wish(options: dict[str, Any]) -> Wish:
    check_steps(options.get("steps"))
    keep, side, strength = (
        options.get(name, getattr(_NEVER_SET, name)) for name in ("keep_colour", "side", "strength")
    )
    if not isinstance(keep, bool):
        raise UserError(expected="keep_colour to be true or false", got=repr(keep)[:80], fix="Leave it out.")
    for name, value, kinds in (("side", side, (int,)), ("strength", strength, (int, float))):
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise UserError(expected=f"{name} to be a number", got=repr(value)[:80], fix="Leave it out.")
    check_strength(strength)
    return Wish(float(strength), keep, side, options.get("steps"))
