"""Bad input over HTTP: a problem that says how to mend it, and the service goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.serve.client import Client, assert_problem

pytestmark = pytest.mark.ray

NOTE = b"\x00\x90\x3c\x40"
END = b"\x00\xff\x2f\x00"


def midi(track: bytes, ticks_per_quarter: int = 96) -> bytes:
    """A file of one track, whatever its clock."""
    header = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01" + ticks_per_quarter.to_bytes(2, "big")
    return header + b"MTrk" + len(track).to_bytes(4, "big") + track


BOMB = midi(NOTE + b"\xff\xff\xff\x7f\x80\x3c\x40" + NOTE + b"\x01\x80\x3c\x40" + END, 16)
LONG = midi(NOTE + b"\xff\xff\xff\x7f\x80\x3c\x40" + END)
SOUND = midi(NOTE + b"\x60\x80\x3c\x40" + END)


@pytest.fixture(autouse=True)
def _goes_on_serving(service: Client) -> Iterator[None]:
    yield
    assert service.compose(examples=service.examples[:1], options={"bars": 1}).status_code == 200


@pytest.mark.parametrize(
    ("example", "status", "got"),
    [
        (b"Dear sir, here is my tune.\n", 415, "Dear sir"),
        (b"", 415, "empty"),
        ("truncated", 415, "ends at byte"),
        (midi(END), 422, "without any"),
        (midi(b"\x00\x99\x24\x40\x60\x89\x24\x40" + END), 422, "without any"),
        (BOMB, 422, "with 16"),
        (LONG, 413, "2,796,202"),
        (midi(NOTE + b"\x60\x80\x3c\x40" + END, 0), 422, "with 0"),
        (midi(NOTE + b"\x60\x80\x3c\x40" + END, 0xE728), 422, "SMPTE"),
        (bytes(2 * 2**20 + 1), 413, "more"),
    ],
    ids=["text", "empty", "truncated", "no-notes", "drums", "bomb", "long", "zero-ticks", "smpte", "one-too-large"],
)
def test_a_file_that_cannot_be_used(service: Client, example: bytes | str, status: int, got: str) -> None:
    data = service.examples[0][:-20] if isinstance(example, str) else example

    body = assert_problem(service.compose(examples=[service.examples[0], data]), status)

    assert got in body["got"]
    assert body["expected"]
    assert body["fix"]


def test_the_bomb_is_as_small_as_they_come() -> None:
    assert len(BOMB) <= 45


def test_a_bad_primer_is_refused_too(service: Client) -> None:
    assert_problem(service.compose(primer=b"not music"), 415)
    body = assert_problem(service.compose(primer=SOUND, options={"bars": 1}), 422)
    assert "1 bars" in body["expected"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"bars": 0}, "bars"),
        ({"bars": 129}, "bars"),
        ({"bars": 2.5}, "bars"),
        ({"temperature": -1}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"seed": -1}, "seed"),
        ({"steps": -1}, "steps"),
        ({"steps": 101}, "steps"),
        ({"alpha": -0.1}, "keys among bars"),
        ("[1, 2]", "JSON object"),
        ("{bars: 4}", "JSON object"),
        ('{"temperature": NaN}', "temperature"),
        ("[" * 4000, "JSON object"),
        ('{"\\ud800": 1}', "keys among bars"),
    ],
)
def test_options_that_cannot_be_used(service: Client, options: dict[str, Any] | str, expected: str) -> None:
    body = assert_problem(service.compose(options=options), 422)
    assert expected in body["expected"]


def test_the_number_of_files_is_bounded(service: Client) -> None:
    few = service.examples[0]
    assert service.compose(examples=[few] * 20, options={"bars": 1}).status_code == 200
    assert "21" in assert_problem(service.compose(examples=[few] * 21), 413)["got"]
    without = httpx.post(f"{service.url}/v1/music", files={"primer": few})
    assert "1 to 20" in assert_problem(without, 422)["expected"]


def test_fifty_megabytes_are_refused_however_they_come(service: Client) -> None:
    url, boundary = f"{service.url}/v1/music", "frontier"
    begin = f'--{boundary}\r\nContent-Disposition: form-data; name="examples"; filename="a.mid"\r\n\r\n'.encode()
    kind = {"content-type": f"multipart/form-data; boundary={boundary}"}

    def files_of_a_megabyte() -> Iterator[bytes]:
        for _ in range(50):
            yield begin + bytes(2**20) + b"\r\n"

    assert_problem(httpx.post(url, files={"examples": bytes(50 * 10**6)}, timeout=60), 413)
    assert_problem(httpx.post(url, content=files_of_a_megabyte(), headers=kind, timeout=60), 413)


def test_forms_that_are_none(service: Client) -> None:
    url, file = f"{service.url}/v1/music", ("a.mid", service.examples[0])
    boundary = {"content-type": "multipart/form-data; boundary=x"}

    assert_problem(httpx.post(url, content=service.examples[0], headers={"content-type": "audio/midi"}), 415)
    assert_problem(httpx.post(url), 415)
    assert_problem(httpx.post(url, json={"bars": 4}), 415)
    assert_problem(httpx.post(url, content=b"--x\r\nnonsense", headers=boundary), 415)
    assert_problem(httpx.post(url, content=b"", headers=boundary), 415)
    assert_problem(httpx.post(url, files={"files": file}), 422)
    twice = [("examples", file), ("options", (None, "{}")), ("options", (None, "{}"))]
    assert_problem(httpx.post(url, files=twice), 422)
    long = json.dumps({"bars": 4}) + " " * 9000
    assert_problem(httpx.post(url, files={"examples": file}, data={"options": long}), 413)


def test_wrong_addresses(service: Client) -> None:
    assert_problem(httpx.get(f"{service.url}/v1/sculpture"), 404)
    answer = httpx.get(f"{service.url}/v1/music")
    assert_problem(answer, 405)
    assert answer.headers["allow"] == "POST"
