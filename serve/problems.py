"""Errors over HTTP: every one has a body of `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from metaart.errors import TooLarge, UserError, WrongFormat

MEDIA_TYPE = "application/problem+json"

SCHEMA = {
    "type": "object",
    "description": "RFC 9457, with what was expected, what came instead and how to mend it",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "expected": {"type": "string"},
        "got": {"type": "string"},
        "fix": {"type": "string"},
    },
}


class UnavailableError(Exception):
    """The service cannot answer now, though nothing is wrong with the request (HTTP 503).

    Args:
        detail: why.
        retry_after_s: when to try again, seconds.
    """

    def __init__(self, detail: str, retry_after_s: int = 5) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


def problem(
    status: HTTPStatus,
    detail: str,
    *,
    kind: str | None = None,
    title: str | None = None,
    extra: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem response.

    Args:
        status: of the answer.
        detail: what went wrong this time.
        kind: last part of the problem's type; without one it is `about:blank`, which says no more than the status.
        title: of the problem's type; the status phrase if left out.
        extra: further members of the body.
        headers: further headers.
    """
    body = {
        "type": f"urn:problem-type:metaart:{kind}" if kind else "about:blank",
        "title": title or status.phrase,
        "status": status.value,
        "detail": detail,
        **(extra or {}),
    }
    # Escapes keep lone surrogates, which an upload can contain, from breaking the encoding of the answer.
    content = json.dumps(body, ensure_ascii=True).encode("ascii")
    return Response(content, status.value, headers, media_type=MEDIA_TYPE)


def responses(*statuses: int) -> dict[int | str, dict[str, object]]:
    """The problem answers of an endpoint, for its OpenAPI description."""
    content = {MEDIA_TYPE: {"schema": SCHEMA}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def install(app: FastAPI) -> None:
    """Make an app answer every error with a problem."""
    app.add_exception_handler(UserError, _user_error)
    app.add_exception_handler(UnavailableError, _unavailable)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)


def _user_error(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, UserError)
    extra = {"expected": error.expected, "got": error.got, "fix": error.fix}
    if isinstance(error, TooLarge):
        status, kind, title = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", "More than is accepted"
    elif isinstance(error, WrongFormat):
        status, kind, title = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "wrong-format", "Not in the format asked for"
    else:
        status, kind, title = HTTPStatus.UNPROCESSABLE_ENTITY, "unusable", "Input that cannot be used"
    return problem(status, str(error), kind=kind, title=title, extra=extra)


def _unavailable(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, UnavailableError)
    headers = {"Retry-After": str(error.retry_after_s)}
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), kind="unavailable", headers=headers)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    detail = f"{request.method} {request.url.path}: {error.detail}. GET /docs lists what there is."
    return problem(status, detail, headers=error.headers)


def _unexpected(request: Request, error: Exception) -> Response:  # noqa: ARG001
    detail = "The service failed on this request; its log has the reason."
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)
