"""The HTTP side: reads and checks uploads, asks the models, answers; it computes nothing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import torch
from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from ray import serve

from metaart import __version__
from metaart.artists.run import run_folder
from metaart.training.run import load_config
from serve.arts import ARTS
from serve.problems import install, responses
from serve.studio import Model, Studio
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
        runs: their run directories, by art; None is the run that ships with the package.
        timeout_s: how long a request may take, seconds.
    """

    def __init__(self, handles: Mapping[str, Any], runs: Mapping[str, str | None], timeout_s: float) -> None:
        torch.set_num_threads(1)
        models = {}
        for art, handle in handles.items():
            folder = run_folder(runs[art], art)
            _, domain = load_config(folder)
            models[art] = Model(handle, domain, folder.name)
        application = serve.get_replica_context().app_name
        self._studio = Studio(models, timeout_s, lambda: running(application))

    def __serve_build_asgi_app__(self) -> FastAPI:
        return make_app(self._studio)


def running(application: str) -> set[str]:
    """The deployments of an application with a replica that is loaded and that Ray Serve finds well."""
    found = serve.status().applications.get(application)
    deployments = found.deployments if found else {}
    return {
        name
        for name, deployment in deployments.items()
        if any(state == "RUNNING" and count for state, count in deployment.replica_states.items())
    }


def make_app(studio: Studio) -> FastAPI:
    """The web application over a studio."""
    app = FastAPI(title="metaart", version=__version__, description=ABOUT, docs_url=None, redoc_url=None)
    app.state.studio, app.state.desk = studio, UploadDesk()
    install(app)
    for router in {id(ARTS[art].router): ARTS[art].router for art in studio.models}.values():
        app.include_router(router)

    @app.get("/healthz", summary="Does the process live?", tags=["health"])
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", summary="Does every model run?", tags=["health"], responses=responses(503))
    async def readyz() -> dict[str, Any]:
        return {"status": "ready", "runs": await studio.ready()}

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:  # noqa: ARG001
        return docs_page([*studio.models])

    return app


def docs_page(arts: Sequence[str]) -> HTMLResponse:
    """FastAPI's page; its scripts come from the network, so until they are there it shows the text that matters."""
    page = bytes(get_swagger_ui_html(openapi_url="openapi.json", title="metaart").body).decode()
    each = "\n".join(dict.fromkeys(ARTS[art].description for art in arts))
    text = f"{ABOUT}\n{each}\nThe whole description is at openapi.json."
    return HTMLResponse(page.replace('<div id="swagger-ui">', f'<div id="swagger-ui"><pre>{escape(text)}</pre>'))
