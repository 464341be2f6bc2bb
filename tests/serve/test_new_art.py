"""An art that serve/ has no line about, over HTTP: it is registered in the process that starts the service alone."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

import metaart
from tests.serve.client import TIMEOUT, Client, assert_problem
from tests.serve.conftest import ServedRuns

pytestmark = pytest.mark.ray

VERSES = [b"the owl and the pussycat went to sea", b"in a beautiful pea green boat"]


def ask(service: Client, verses: list[bytes], options: dict[str, Any]) -> httpx.Response:
    """POST /v1/verse."""
    files = [("examples", (f"{number}.txt", data)) for number, data in enumerate(verses)]
    return httpx.post(f"{service.url}/v1/verse", files=files, data={"options": json.dumps(options)}, timeout=TIMEOUT)


def test_a_replica_in_another_process_answers_as_the_run_itself_does(service: Client, served_runs: ServedRuns) -> None:
    answer = ask(service, VERSES, {"letters": 20, "seed": 3})
    assert answer.status_code == 200, answer.text
    run = metaart.load(served_runs.verse, "verse")
    alone = run.create(run.adapt(VERSES), letters=20, seed=3)
    assert answer.content == alone.data
    assert len(alone.data) == 21
    assert answer.headers["content-type"].startswith("text/plain")
    assert (answer.headers["metaart-run"], answer.headers["metaart-seed"]) == (served_runs.verse.name, "3")


def test_what_is_asked_beside_others_comes_out_the_same(service: Client) -> None:
    wishes = [{"letters": 5 + number, "seed": number, "steps": number % 3} for number in range(6)]
    alone = [ask(service, VERSES, wish).content for wish in wishes]
    with ThreadPoolExecutor(len(wishes)) as pool:
        together = list(pool.map(lambda wish: ask(service, VERSES, wish).content, wishes))
    assert together == alone
    assert len(set(alone)) == 6


def test_what_is_wrong_is_refused_with_a_reason(service: Client) -> None:
    assert "letters" in assert_problem(ask(service, VERSES, {"letters": 0}), 422)["expected"]
    assert "keys among letters, seed, steps" in assert_problem(ask(service, VERSES, {"bars": 1}), 422)["expected"]
    assert "1.txt, which begins with '12345'" in assert_problem(ask(service, [*VERSES[:1], b"12345"], {}), 422)["got"]
    assert_problem(ask(service, [b"a" * 5000], {}), 413)
    assert ask(service, VERSES, {}).status_code == 200


def test_it_is_described_as_all_others_are(service: Client) -> None:
    described = httpx.get(f"{service.url}/openapi.json").json()["paths"]["/v1/verse"]["post"]
    form = described["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["options"]["properties"]["letters"]["maximum"] == 200
    assert set(described["responses"]["200"]["content"]) == {"text/plain"}
    assert "http://127.0.0.1:8000/v1/verse" in httpx.get(f"{service.url}/docs").text
    assert httpx.get(f"{service.url}/readyz").json()["runs"]["verse"]
