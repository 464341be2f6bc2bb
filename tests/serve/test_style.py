"""A redrawn photograph over HTTP, and bad input to it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest

import metaart
from metaart.formats.pictures.read import read_picture, write_png
from tests.formats.pictures.drawings import drawing
from tests.serve.client import Client, assert_problem
from tests.serve.conftest import ServedRuns
from tests.serve.pictures import UNUSABLE, picture

pytestmark = pytest.mark.ray

PHOTOGRAPH = picture(5, 0)
EXAMPLES = [picture(0, 0), picture(0, 1)]


def test_a_photograph_is_redrawn_as_the_run_itself_redraws_it(service: Client, served_runs: ServedRuns) -> None:
    answer = service.paint(PHOTOGRAPH, EXAMPLES, {"strength": 0.8, "steps": 2})
    assert answer.status_code == 200, answer.text
    assert (answer.headers["content-type"], answer.headers["metaart-run"]) == ("image/png", served_runs.style.name)
    drawn = read_picture(answer.content)

    run, photograph = metaart.load(served_runs.style), read_picture(PHOTOGRAPH)
    alone = run.create(run.adapt(EXAMPLES, steps=2), photograph=PHOTOGRAPH, strength=0.8)
    assert drawn.shape == photograph.shape
    assert np.abs(drawn.astype(int) - read_picture(alone.data)).max() <= 1
    assert not np.array_equal(drawn, photograph)


def test_without_strength_it_is_the_photograph_and_a_side_bounds_it(service: Client) -> None:
    photograph = read_picture(PHOTOGRAPH)
    assert np.array_equal(read_picture(service.paint(PHOTOGRAPH, EXAMPLES, {"strength": 0}).content), photograph)
    assert read_picture(service.paint(PHOTOGRAPH, EXAMPLES, {"side": 16}).content).shape == (16, 16, 3)


def test_each_is_answered_as_soon_as_it_is_done_and_the_service_stays_ready(service: Client) -> None:
    photograph = write_png(drawing(5, 0, 320))
    began = time.monotonic()

    def paint(number: int) -> float:
        answer = service.paint(photograph, EXAMPLES, {"steps": 20})
        assert answer.status_code == 200, answer.text
        return time.monotonic() - began

    with ThreadPoolExecutor(6) as pool:
        answers = pool.map(paint, range(6))
        time.sleep(0.3)
        ready = httpx.get(f"{service.url}/readyz")
        asked_s = time.monotonic() - began
        took = sorted(answers)
    assert ready.status_code == 200, ready.text
    assert asked_s < took[-1], "while pictures waited"
    assert took[0] < 0.6 * took[-1]


@pytest.mark.parametrize(("data", "status"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_picture_that_cannot_be_used(service: Client, data: bytes, status: int) -> None:
    for photograph, examples in ((data, EXAMPLES), (PHOTOGRAPH, [*EXAMPLES, data])):
        body = assert_problem(service.paint(photograph, examples), status)
        assert body["expected"]
        assert body["fix"]
    assert service.paint(PHOTOGRAPH, EXAMPLES, {"steps": 0}).status_code == 200


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"strength": 1.1}, "strength"),
        ({"strength": "much"}, "strength"),
        ('{"strength": NaN}', "strength"),
        ({"keep_colour": 1}, "keep_colour"),
        ({"side": 15}, "side"),
        ({"side": 2049}, "side"),
        ({"side": 100.5}, "side"),
        ({"steps": -1}, "steps"),
        ({"steps": 101}, "steps to be a whole number from 0 to 100"),
        ({"method": "gatys"}, "keys among strength, keep_colour, side, steps"),
        ({"alpha": 0.1}, "keys among strength"),
    ],
)
def test_options_that_cannot_be_used(service: Client, options: dict[str, Any] | str, expected: str) -> None:
    body = assert_problem(service.paint(PHOTOGRAPH, EXAMPLES, options), 422)
    assert expected in body["expected"]


def test_files_must_be_there_and_are_bounded(service: Client) -> None:
    assert "no photograph" in assert_problem(service.paint(None, EXAMPLES), 422)["got"]
    assert "no examples" in assert_problem(service.paint(PHOTOGRAPH, []), 422)["got"]
    assert_problem(service.paint(PHOTOGRAPH, [EXAMPLES[0]] * 21), 413)
    assert_problem(service.paint(bytes(16 * 2**20 + 1), EXAMPLES), 413)
