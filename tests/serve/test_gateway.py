"""The web application over models that carry orders out in this process: no Ray, no sockets."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

import httpx
import pytest

from metaart.domains import Domain
from metaart.domains.music.domain import Music
from metaart.formats.pictures.header import Bounds
from serve.arts import music
from serve.arts.style import painted
from serve.gateway import make_app
from serve.orders import Answer, Failed, TooLate
from serve.studio import Model, Studio
from serve.uploads import Form
from tests.serve.pictures import picture

Files = Sequence[tuple[str, tuple[str, bytes]]]
PICTURES = [("examples", ("a.png", picture(0, 0))), ("examples", ("b.png", picture(1, 0)))]
STYLE: Files = [("photograph", ("me.png", picture(2, 0))), *PICTURES]
CRITIQUE: Files = [("work", ("new.png", picture(2, 0))), *PICTURES]


class Handle:
    """A deployment of one replica, which answers as it is told."""

    def __init__(self, answer: Callable[[Any], Answer], takes_s: float = 0.0) -> None:
        self.create, self._answer, self._takes_s = self, answer, takes_s
        self.orders: list[Any] = []
        self.within_s: list[float] = []
        self.cancelled = 0

    def remote(self, order: Any, within_s: float) -> asyncio.Task[Answer]:
        self.orders.append(order)
        self.within_s.append(within_s)
        return asyncio.ensure_future(self._answered(order))

    async def _answered(self, order: Any) -> Answer:
        try:
            await asyncio.sleep(self._takes_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self._answer(order)


def studio(
    handle: Handle, timeout_s: float = 30.0, running: Collection[str] = ("music", "style", "critique")
) -> Studio:
    domain: Domain = Music()
    arts = ("music", "style", "critique", "rating")
    return Studio({art: Model(handle, domain, f"the {art}") for art in arts}, timeout_s, lambda: running)


def asked(studio: Studio, address: str, files: Files | None = None, options: Any = None) -> httpx.Response:
    """What the application answers."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(make_app(studio), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            if files is None:
                return await client.get(address)
            text = options if isinstance(options, str) else json.dumps(options or {})
            return await client.post(address, files=files, data={"options": text})

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("address", "options", "expected"),
    [
        ("/v1/music", {"temperature": 10**400}, "temperature to be a number above 0"),
        ("/v1/music", {"top_p": 10**400}, "top_p to be a number above 0"),
        ("/v1/music", {"seed": 10**400}, "seed to be a whole number"),
        ("/v1/music", {"bars": -(10**400)}, "bars to be a whole number"),
        ("/v1/music", {"steps": 10**400}, "steps to be a whole number"),
        ("/v1/music", f'{{"temperature": {"9" * 5000}}}', "JSON object"),
        ("/v1/style", {"strength": 10**400}, "a strength from 0"),
        ("/v1/style", {"strength": -(10**400)}, "a strength from 0"),
        ("/v1/style", {"side": 10**400}, "a side from 16"),
        ("/v1/critique", {"scores": [10**400, 5]}, "scores from 1 to 10"),
        ("/v1/critique", '{"scores": [5, NaN]}', "scores from 1 to 10"),
        ("/v1/critique", '{"scores": [Infinity, 5]}', "scores from 1 to 10"),
    ],
)
def test_numbers_beyond_all_bounds_are_the_callers_mistake(
    examples: tuple[bytes, ...], address: str, options: Any, expected: str
) -> None:
    handle = Handle(lambda order: b"{}")
    files = {"/v1/music": [("examples", ("a.mid", examples[0]))], "/v1/style": STYLE, "/v1/critique": CRITIQUE}[address]
    answer = asked(studio(handle), address, files, options)
    assert answer.status_code == 422, answer.text
    assert expected in answer.json()["expected"]
    assert handle.orders == []
    assert (
        asked(studio(handle), address, files, {"scores": [1, 10]} if "critique" in address else {}).status_code == 200
    )


@pytest.mark.parametrize(("address", "files", "options"), [
    ("/v1/style", STYLE, {}), ("/v1/critique", CRITIQUE, {"hands": ["a", "b"]}), ("/v1/music", None, {"bars": 99}),
])  # fmt: skip
def test_an_upload_is_held_once_while_it_is_computed(
    examples: tuple[bytes, ...], address: str, files: Files | None, options: Any
) -> None:
    forms: list[int] = []

    def answer(order: Any) -> bytes:
        forms.append(sum(type(thing) is Form for thing in gc.get_objects()))
        return b"{}"

    files = files or [("examples", ("a.mid", examples[0])), ("primer", ("b.mid", examples[1]))]
    handle = Handle(answer, takes_s=0.2)  # until the thread that read it lets go of it
    answered = asked(studio(handle), address, files, options)
    assert answered.status_code == 200, answered.text
    assert forms == [0]


def test_too_many_pixels_in_all_are_refused_before_one_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bounds, "__init__", lambda self: None)
    monkeypatch.setattr(Bounds, "max_pixels_together", 3 * 24 * 24 - 1)

    def answer(order: Any) -> Answer:
        with pytest.raises(ValueError, match="1,727 pixels in all; got 1,728 in the first 3 of 3") as caught:
            painted(None, order)  # type: ignore[arg-type]
        return caught.value  # type: ignore[return-value]

    answered = asked(studio(Handle(answer)), "/v1/style", STYLE)
    assert answered.status_code == 413
    assert answered.json()["fix"]


def test_an_order_knows_how_long_it_is_waited_for_and_is_cancelled_then() -> None:
    handle = Handle(lambda order: b"", takes_s=30)
    began = time.monotonic()
    answer = asked(studio(handle, timeout_s=0.3), "/v1/style", STYLE)
    assert time.monotonic() - began < 10
    assert (answer.status_code, answer.json()["detail"]) == (503, "No answer within 0.3 seconds.")
    assert int(answer.headers["retry-after"]) > 0
    assert handle.cancelled == 1
    assert 0 < handle.within_s[0] <= 0.3


def test_reading_counts_as_time_too(examples: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(music, "order_from", lambda *_: time.sleep(1))
    handle = Handle(lambda order: b"")
    answer = asked(studio(handle, timeout_s=0.2), "/v1/music", [("examples", ("a.mid", examples[0]))])
    assert (answer.status_code, answer.json()["detail"]) == (503, "No answer within 0.2 seconds.")
    assert handle.orders == []


def test_notes_are_counted_over_all_files(examples: tuple[bytes, ...]) -> None:
    body = b"\x00\x90\x3c\x40" + b"\x18\x3c\x00\x00\x3c\x40" * 10_000 + b"\x18\x3c\x00\x00\xff\x2f\x00"
    many = b"MThd\0\0\0\x06\0\0\0\x01\x03\xc0MTrk" + len(body).to_bytes(4, "big") + body
    handle = Handle(lambda order: b"")
    files = [("examples", (f"{number}.mid", many)) for number in range(5)]
    answer = asked(studio(handle), "/v1/music", files)
    assert answer.status_code == 413
    assert "50,000 notes" in answer.json()["expected"]
    assert "4.mid with 50,001 or more, the files before it included" in answer.json()["got"]
    primed = [*files[:4], ("primer", ("last.mid", many))]
    assert "last.mid" in asked(studio(handle), "/v1/music", primed).json()["got"]
    assert handle.orders == []


def test_what_came_too_late_or_failed_is_no_answer() -> None:
    assert asked(studio(Handle(lambda order: TooLate())), "/v1/style", STYLE).status_code == 503
    assert asked(studio(Handle(lambda order: Failed("KeyError"))), "/v1/style", STYLE).status_code == 500


def test_it_is_ready_once_every_art_has_a_replica() -> None:
    handle = Handle(lambda order: b"")
    answer = asked(studio(handle), "/readyz")
    assert (answer.status_code, answer.json()["detail"]) == (503, "No replica of rating runs.")
    ready = asked(studio(handle, running=("music", "style", "critique", "rating", "gateway")), "/readyz")
    assert (ready.status_code, ready.json()["runs"]["rating"]) == (200, "the rating")
    assert handle.orders == []
