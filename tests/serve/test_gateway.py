"""The web application over models that carry orders out in this process: no Ray, no sockets."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import httpx
import pytest
from PIL import Image

from metaart.artists.art import Art, Made
from metaart.arts import ARTS
from serve.gateway import make_app
from serve.orders import Answer, Failed, Order, TooLate
from serve.studio import ServedModel, Studio
from serve.uploads import Form
from tests.serve import letters
from tests.serve.pictures import picture

Files = Sequence[tuple[str, tuple[str, bytes]]]
PICTURES = [("examples", ("a.png", picture(0, 0))), ("examples", ("b.png", picture(1, 0)))]
STYLE: Files = [("photograph", ("me.png", picture(2, 0))), *PICTURES]
CRITIQUE: Files = [("work", ("new.png", picture(2, 0))), *PICTURES]
LETTERS: Files = [("examples", ("a.txt", b"Dear Ann")), ("examples", ("b.txt", b"Dear Bob"))]
WHOSE: Files = [("letter", ("c.txt", b"Dear")), *LETTERS]
DONE = Made(b"{}", "done")
OURS = [art for art in ARTS.values() if art.uses and art.home.startswith("metaart.")]


class Handle:
    """A deployment of one replica, which answers as it is asked to."""

    def __init__(self, answer: Callable[[Order], Answer] = lambda order: DONE, takes_s: float = 0.0) -> None:
        self.create, self._answer, self._takes_s = self, answer, takes_s
        self.orders: list[Order] = []
        self.within_s: list[float] = []
        self.cancelled = 0

    def remote(self, order: Order, within_s: float) -> asyncio.Task[Answer]:
        self.orders.append(order)
        self.within_s.append(within_s)
        return asyncio.ensure_future(self._answered(order))

    async def _answered(self, order: Order) -> Answer:
        try:
            await asyncio.sleep(self._takes_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self._answer(order)


def studio(
    handle: Any,
    timeout_s: float = 30.0,
    running: Collection[str] = ("music", "style", "critique"),
    arts: Iterable[str] = ("music", "style", "critique", "rating"),
) -> Studio:
    return Studio({art: ServedModel(handle, f"the {art}") for art in arts}, timeout_s, lambda: running)


def asked(
    studio: Studio, address: str, files: Files | None = None, options: Any = None, arts: Iterable[Art] = OURS
) -> httpx.Response:
    """What the application answers."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(make_app(studio, arts), raise_app_exceptions=False)
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
        ("/v1/music", '{"temperature": 1e999}', "temperature to be a number above 0"),
        ("/v1/music", '{"bars": ' + "[" * 300 + "]" * 300 + "}", "JSON object"),
        ("/v1/music", '{"bars": "\\ud800"}', "JSON object"),
        ("/v1/style", {"strength": 10**400}, "strength to be a number from 0"),
        ("/v1/style", {"strength": -(10**400)}, "strength to be a number from 0"),
        ("/v1/style", {"side": 10**400}, "side to be a whole number from 16"),
        ("/v1/style", {"steps": 101}, "steps to be a whole number from 0 to 100"),
        ("/v1/critique", {"scores": [10**400, 5]}, "scores from 1 to 10"),
        ("/v1/critique", '{"scores": [5, NaN]}', "scores from 1 to 10"),
        ("/v1/critique", '{"scores": [Infinity, 5]}', "scores from 1 to 10"),
    ],
)
def test_numbers_beyond_all_bounds_are_the_callers_mistake(
    examples: tuple[bytes, ...], address: str, options: Any, expected: str
) -> None:
    handle = Handle()
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

    def answer(order: Order) -> Made:
        forms.append(sum(type(thing) is Form for thing in gc.get_objects()))
        return DONE

    files = files or [("examples", ("a.mid", examples[0])), ("primer", ("b.mid", examples[1]))]
    handle = Handle(answer, takes_s=0.2)  # until the thread that read it lets go of it
    answered = asked(studio(handle), address, files, options)
    assert answered.status_code == 200, answered.text
    assert forms == [0]


def test_one_kind_of_order_says_all_that_was_asked(examples: tuple[bytes, ...]) -> None:
    handle = Handle()
    files = [("examples", ("a.mid", examples[0])), ("primer", ("b.mid", examples[1]))]
    asked(studio(handle), "/v1/music", files, {"bars": 3, "steps": None})
    asked(studio(handle), "/v1/critique", CRITIQUE, {"scores": [7, 3.5], "heat_map": False})
    asked(studio(handle), "/v1/critique", CRITIQUE, {"hands": ["a", "b"]})
    music, rating, critique = handle.orders
    assert (music.route, music.options.bars, music.options.steps, music.extras) == ("music", 3, None, frozenset())
    assert [work.data for work in music.works] == [examples[0]]
    assert (music.files["primer"].name, music.files["primer"].data) == ("b.mid", examples[1])
    assert [(work.name, work.score) for work in rating.works] == [("a.png", 7), ("b.png", 3.5)]
    assert [work.hand for work in critique.works] == ["a", "b"]
    assert critique.extras == {"heat_map"} > rating.extras
    assert critique.files["work"].data == CRITIQUE[0][1][1]


def test_too_many_pixels_in_all_are_refused_before_a_replica_has_them() -> None:
    buffer = io.BytesIO()
    Image.new("1", (4000, 4000)).save(buffer, format="PNG")
    handle = Handle()
    files = [(field, ("large.png", buffer.getvalue())) for field in ("photograph", *["examples"] * 12)]
    answered = asked(studio(handle), "/v1/style", files)
    assert answered.status_code == 413
    assert answered.json()["expected"] == "pictures of at most 200,000,000 pixels in all"
    assert answered.json()["got"] == "208,000,000 in the first 13 of 13"
    assert answered.json()["fix"]
    assert handle.orders == []
    assert asked(studio(handle), "/v1/style", files[:-1]).status_code == 200


def test_an_order_knows_how_long_it_is_waited_for_and_is_cancelled_then() -> None:
    handle = Handle(takes_s=30)
    began = time.monotonic()
    answer = asked(studio(handle, timeout_s=0.3), "/v1/style", STYLE)
    assert time.monotonic() - began < 10
    assert (answer.status_code, answer.json()["detail"]) == (503, "No answer within 0.3 seconds.")
    assert int(answer.headers["retry-after"]) > 0
    assert handle.cancelled == 1
    assert 0 < handle.within_s[0] <= 0.3


def test_counting_files_counts_as_time_too_and_others_are_answered_meanwhile() -> None:
    def slow(files: Sequence[bytes], names: Sequence[str]) -> None:
        time.sleep(1)

    works = letters.WRITE.works._replace(format=letters.LETTER._replace(check=slow))
    art = letters.ART._replace(uses=(letters.WRITE._replace(works=works),))
    handle = Handle()
    answer = asked(studio(handle, 0.2, arts=["letters"]), "/v1/letters", LETTERS, {"tone": "warm"}, [art])
    assert (answer.status_code, answer.json()["detail"]) == (503, "No answer within 0.2 seconds.")
    assert handle.orders == []


def test_notes_are_counted_over_all_files(examples: tuple[bytes, ...]) -> None:
    body = b"\x00\x90\x3c\x40" + b"\x18\x3c\x00\x00\x3c\x40" * 10_000 + b"\x18\x3c\x00\x00\xff\x2f\x00"
    many = b"MThd\0\0\0\x06\0\0\0\x01\x03\xc0MTrk" + len(body).to_bytes(4, "big") + body
    handle = Handle()
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
    handle = Handle()
    answer = asked(studio(handle), "/readyz")
    assert (answer.status_code, answer.json()["detail"]) == (503, "No replica of rating runs.")
    ready = asked(studio(handle, running=("music", "style", "critique", "rating", "gateway")), "/readyz")
    assert (ready.status_code, ready.json()["runs"]["rating"]) == (200, "the rating")
    assert handle.orders == []


def test_a_question_that_no_model_answers_is_refused_and_what_is_not_served_at_all_is_not_there() -> None:
    handle = Handle()
    only = studio(handle, arts=["critique"])
    answer = asked(only, "/v1/critique", CRITIQUE, {"scores": [1, 10]})
    assert (answer.status_code, answer.json()["got"]) == (422, "scores")
    assert answer.json()["expected"] == "a question that this service answers: hands"
    assert "rating=RUN of `metaart train rating`" in answer.json()["fix"]
    assert asked(only, "/v1/music", STYLE).status_code == 404
    assert asked(only, "/v1/critique", CRITIQUE, {"hands": ["a", "b"]}).status_code == 200


def letter(address: str, files: Files, options: Any) -> httpx.Response:
    """What the service answers with a model of an art that serve/ has never heard of."""
    served = studio(letters.handle_of(letters.Run()), arts=["letters"])
    return asked(served, address, files, options, [letters.ART])


def test_an_art_is_served_from_its_description_alone() -> None:
    files = [*LETTERS, ("signature", ("s.txt", b"Cy"))]
    answer = letter("/v1/letters", files, {"tone": "warm & wide", "copies": 2, "steps": 3})
    assert answer.status_code == 200, answer.text
    assert answer.content == b"[Dear Ann Dear Bob]3" * 2 + b"Cy"
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["content-disposition"] == 'attachment; filename="new letter.txt"'
    assert answer.headers["metaart-run"] == "the letters"
    assert (answer.headers["metaart-tone"], answer.headers["metaart-number"]) == ("warm %26 wide", "2")

    whose = letter("/v1/whose-letter", WHOSE, {"hands": ["Ann", "Bob"]})
    assert whose.json() == {
        "answer": ["Ann", "Bob"], "artists": ["Ann[Dear Ann]", "Bob[Dear Bob]"], "sketch": "LS0=", "run": "the letters",
    }  # fmt: skip
    assert whose.headers["metaart-run"] == "the letters"
    plain = letter("/v1/whose-letter", WHOSE, {"hands": ["Ann", "Bob"], "sketch": False})
    assert plain.json()["sketch"] is None


@pytest.mark.parametrize(
    ("address", "files", "options", "status", "part", "text"),
    [
        ("letters", LETTERS, {}, 422, "expected", "tone to be given (how it sounds)"),
        ("letters", LETTERS, {"tone": 1}, 422, "expected", "tone to be text"),
        ("letters", LETTERS, {"tone": "", "pen": "ball"}, 422, "expected", "keys among copies, tone, steps"),
        ("letters", LETTERS, {"tone": "", "pen": "ball"}, 422, "got", "the unknown key 'pen'"),
        ("letters", LETTERS, {"tone": "", "sketch": True}, 422, "got", "the unknown key 'sketch'"),
        ("letters", LETTERS, "[", 422, "fix", '{"copies": 2, "tone": "warm"}'),
        ("letters", [], {"tone": ""}, 415, "expected", "multipart/form-data"),
        ("letters", WHOSE, {"tone": ""}, 422, "expected", "examples, signature, options"),
        ("letters", LETTERS[:1] * 4, {"tone": ""}, 413, "expected", "at most 3 files"),
        ("letters", [("examples", ("a", bytes(91)))], {"tone": ""}, 413, "expected", "at most 90 bytes for a"),
        ("letters", [("examples", ("a", bytes(51)))] * 2, {"tone": ""}, 413, "expected", "100 letters in all"),
        ("letters", [("examples", ("é", "é".encode()))], {"tone": ""}, 422, "got", "é"),
        ("letters", LETTERS, {"tone": "rude"}, 422, "got", "a rude one"),
        ("whose-letter", WHOSE, {}, 422, "expected", "the option hands"),
        ("whose-letter", WHOSE, {}, 422, "fix", '{"hands": ["Ann", "Bob"]}'),
        ("whose-letter", WHOSE[1:], {"hands": ["Ann", "Bob"]}, 422, "got", "no letter"),
        ("whose-letter", WHOSE[:1], {"hands": []}, 422, "expected", "letter and examples (2 to 4 letters)"),
        ("whose-letter", WHOSE[:2], {"hands": ["Ann"]}, 422, "expected", "2 to 4 letters as examples"),
        ("whose-letter", WHOSE, {"hands": ["Ann", "Bob\n"]}, 422, "expected", "a list of 2 names"),
        ("whose-letter", WHOSE, {"hands": ["Ann", "Bob"], "sketch": 1}, 422, "expected", "sketch to be true or false"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_from_the_description(
    address: str, files: Files, options: Any, status: int, part: str, text: str
) -> None:
    answer = letter(f"/v1/{address}", files, options)
    assert answer.status_code == status, answer.text
    assert text in answer.json()[part], answer.text


def test_the_gateway_needs_neither_pytorch_nor_what_reads_files_to_begin() -> None:
    code = "import metaart.arts, serve.gateway, sys; sys.exit(bool({'torch', 'symusic', 'PIL'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
