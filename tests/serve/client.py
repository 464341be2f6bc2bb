"""Requests to the service over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

TIMEOUT = 120.0


@dataclass(frozen=True)
class Client:
    """A caller of one service, with examples at hand."""

    url: str
    examples: tuple[bytes, ...]

    def compose(
        self,
        *,
        examples: Sequence[bytes] | None = None,
        primer: bytes | None = None,
        options: dict[str, Any] | str | None = None,
        timeout: float = TIMEOUT,
    ) -> httpx.Response:
        """POST /v1/music."""
        files = [("examples", (f"{n}.mid", data)) for n, data in enumerate(examples or self.examples)]
        if primer is not None:
            files.append(("primer", ("primer.mid", primer)))
        text = options if isinstance(options, str) else json.dumps(options or {})
        return httpx.post(f"{self.url}/v1/music", files=files, data={"options": text}, timeout=timeout)

    def paint(
        self, photograph: bytes | None, examples: Sequence[bytes], options: dict[str, Any] | str | None = None
    ) -> httpx.Response:
        """POST /v1/style."""
        files = [] if photograph is None else [("photograph", ("photograph.png", photograph))]
        files += [("examples", (f"{n}.png", data)) for n, data in enumerate(examples)]
        text = options if isinstance(options, str) else json.dumps(options or {})
        return httpx.post(f"{self.url}/v1/style", files=files, data={"options": text}, timeout=TIMEOUT)

    def judge(
        self, work: bytes | None, examples: Sequence[bytes], options: dict[str, Any] | str, timeout: float = TIMEOUT
    ) -> httpx.Response:
        """POST /v1/critique."""
        files = [] if work is None else [("work", ("work.png", work))]
        files += [("examples", (f"{n}.png", data)) for n, data in enumerate(examples)]
        text = options if isinstance(options, str) else json.dumps(options)
        return httpx.post(f"{self.url}/v1/critique", files=files, data={"options": text}, timeout=timeout)

    def compose_many(self, wishes: Sequence[dict[str, Any]]) -> list[httpx.Response]:
        """All of these at the same time, answers in their order."""
        with ThreadPoolExecutor(len(wishes)) as pool:
            return list(pool.map(lambda wish: self.compose(**wish), wishes))


def assert_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """Check that an answer is the problem of RFC 9457 with this status; its body."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert all(isinstance(body[name], str) and body[name] for name in ("type", "title", "detail"))
    return body
