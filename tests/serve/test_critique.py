"""A judgement over HTTP, and bad input to it: a problem that says how to mend it, and the service goes on."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest
from PIL import Image

import metaart
from metaart.artists.works import Work
from tests.serve.client import Client, assert_problem
from tests.serve.conftest import ServedRuns
from tests.serve.pictures import UNUSABLE, picture

pytestmark = pytest.mark.ray

HANDS = ["hand 0", "hand 0", "hand 1", "hand 1"]


WORK = picture(0, 9)
EXAMPLES = [picture(0, 0), picture(0, 1), picture(1, 0), picture(1, 1)]


def test_a_hand_is_named_as_the_run_itself_names_it(service: Client, served_runs: ServedRuns) -> None:
    answer = service.judge(WORK, EXAMPLES, {"hands": HANDS})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()

    works = [Work(f"{n}.png", data, hand=hand) for n, (data, hand) in enumerate(zip(EXAMPLES, HANDS, strict=True))]
    run = metaart.load(served_runs.critique)
    made = run.judge(run.adapt_works(works), work=WORK, extras=["heat_map"])
    alone = json.loads(made.data)
    assert {name: body[name] for name in alone} == alone
    assert base64.b64decode(body["heat_map"]) == made.extras["heat_map"]
    assert sum(body["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert answer.headers["metaart-run"] == served_runs.critique.name
    assert body["run"] == served_runs.critique.name
    drawn = Image.open(io.BytesIO(base64.b64decode(body["heat_map"])))
    assert drawn.format == "PNG"


def test_a_score_comes_with_an_interval_and_no_picture_where_none_is_asked_for(service: Client) -> None:
    answer = service.judge(WORK, EXAMPLES, {"scores": [2, 3.5, 8, 9], "heat_map": False})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    low, high = body["interval"]
    assert 1 <= low <= body["answer"] <= high <= 10
    assert body["heat_map"] is None


@pytest.mark.parametrize(("data", "status"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_picture_that_cannot_be_used(service: Client, data: bytes, status: int) -> None:
    for work, examples in ((data, EXAMPLES), (WORK, [*EXAMPLES[:3], data])):
        body = assert_problem(service.judge(work, examples, {"hands": HANDS}), status)
        assert body["expected"]
        assert body["fix"]
    assert service.judge(WORK, EXAMPLES, {"hands": HANDS, "heat_map": False}).status_code == 200


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "one of the options"),
        ({"hands": HANDS, "scores": [1, 2, 3, 4]}, "one of the options"),
        ({"hands": HANDS[:2]}, "a list of 4 names"),
        ({"hands": ["a", "a", "a", "a"]}, "2 to"),
        ({"hands": ["a", "b", "", "a"]}, "a list of 4 names"),
        ({"scores": [1, 2, 3, True]}, "a list of 4 numbers"),
        ({"scores": [1, 2, 3, 11]}, "scores from 1 to 10"),
        ('{"scores": [1, 2, 3, NaN]}', "scores from 1 to 10"),
        ({"hands": HANDS, "heat_map": "yes"}, "heat_map"),
        ({"labels": HANDS}, "keys among"),
    ],
)
def test_options_that_cannot_be_used(service: Client, options: dict[str, Any] | str, expected: str) -> None:
    body = assert_problem(service.judge(WORK, EXAMPLES, options), 422)
    assert expected in body["expected"]


def test_a_work_and_examples_must_be_there(service: Client) -> None:
    body = assert_problem(service.judge(None, EXAMPLES, {"hands": HANDS}), 422)
    assert "no work" in body["got"]
    body = assert_problem(service.judge(WORK, [], {"hands": []}), 422)
    assert "no examples" in body["got"]


def test_the_number_and_size_of_files_are_bounded(service: Client) -> None:
    assert_problem(service.judge(WORK, [EXAMPLES[0]] * 201, {"hands": ["a"] * 201}), 413)
    assert_problem(service.judge(bytes(16 * 2**20 + 1), EXAMPLES, {"hands": HANDS}), 413)
