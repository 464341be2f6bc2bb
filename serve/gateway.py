"""The HTTP side: reads and counts uploads, asks the models, answers; it loads no run and parses no file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from ray import serve

from metaart import __version__
from metaart.artists.art import Art
from serve.description import story_of
from serve.endpoints import Endpoint, endpoints
from serve.problems import install, responses
from serve.routes import router_of
from serve.studio import ServedModel, Studio
from serve.uploads import UploadDesk

ABOUT = """
Few-shot learning for art. A model that was meta-trained on many hands adapts to a few works of one more, and creates
in that hand. Every error is `application/problem+json` (RFC 9457) and says what was expected, what came and how to
mend it.
"""


class Gateway:
    """The ingress deployment.

    Args:
        handles: of the deployed models, by art.
        runs: names of their runs, by art.
        arts: all that could be served, so that what is asked of one that is not finds an answer.
        timeout_s: how long a request may take, seconds.
    """

    def __init__(
        self, handles: Mapping[str, Any], runs: Mapping[str, str], arts: Iterable[Art], timeout_s: float
    ) -> None:
        models = {art: ServedModel(handle, runs[art]) for art, handle in handles.items()}
        application = serve.get_replica_context().app_name
        self._studio, self._arts = Studio(models, timeout_s, lambda: running(application)), list(arts)

    def __serve_build_asgi_app__(self) -> FastAPI:
        return make_app(self._studio, self._arts)


def running(application: str) -> set[str]:
    """The deployments of an application with a replica that is loaded and that Ray Serve finds well."""
    found = serve.status().applications.get(application)
    deployments = found.deployments if found else {}
    return {
        name
        for name, deployment in deployments.items()
        if any(state == "RUNNING" and count for state, count in deployment.replica_states.items())
    }


def make_app(studio: Studio, arts: Iterable[Art]) -> FastAPI:
    """The web application over a studio."""
    app = FastAPI(title="metaart", version=__version__, description=ABOUT, docs_url=None, redoc_url=None)
    app.state.studio, app.state.desk = studio, UploadDesk()
    install(app)
    served = [endpoint for endpoint in endpoints(arts).values() if set(endpoint.uses) & set(studio.models)]
    for endpoint in served:
        app.include_router(router_of(endpoint))

    @app.get("/healthz", summary="Does the process live?", tags=["health"])
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", summary="Does every model run?", tags=["health"], responses=responses(503))
    async def readyz() -> dict[str, Any]:
        return {"status": "ready", "runs": await studio.ready()}

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:  # noqa: ARG001
        return docs_page(served)

    return app


def docs_page(served: Iterable[Endpoint]) -> HTMLResponse:
    """FastAPI's page; its scripts come from the network, so until they are there it shows the text that matters."""
    page = bytes(get_swagger_ui_html(openapi_url="openapi.json", title="metaart").body).decode()
    text = "\n".join([ABOUT, *map(story_of, served), "The whole description is at openapi.json."])
    return HTMLResponse(page.replace('<div id="swagger-ui">', f'<div id="swagger-ui"><pre>{escape(text)}</pre>'))
