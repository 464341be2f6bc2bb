"""One route for whatever art: a form in, what was made of it out."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response

from serve.answers import answer_of
from serve.description import operation, responses_of, story_of
from serve.endpoints import OPTIONS, Endpoint
from serve.forms import order_from


def router_of(endpoint: Endpoint) -> APIRouter:
    """The route of an endpoint."""
    router = APIRouter(tags=[endpoint.route])
    files = {name: field.most for name, field in endpoint.files.items()}
    bounds = endpoint.bounds

    @router.post(
        endpoint.address,
        name=endpoint.route,
        summary=" ".join(use.about for use in endpoint.uses.values()),
        description=story_of(endpoint),
        response_class=Response,
        responses=responses_of(endpoint),
        openapi_extra=operation(endpoint),
    )
    async def create(request: Request) -> Response:
        """Read the upload, count its files, check its options, have it made."""
        form = await request.app.state.desk.read(request, files=files, fields=frozenset({OPTIONS}), bounds=bounds)
        studio = request.app.state.studio
        async with studio.in_time():
            # In a thread: files are counted in Python, and other requests must not wait for it.
            art, order = await asyncio.to_thread(order_from, endpoint, form, studio.models)
            del form  # or the upload would be held twice until it is answered
            made = await studio.create(art, order)
        return await asyncio.to_thread(answer_of, endpoint.uses[art], made, studio.models[art].run)

    return router
