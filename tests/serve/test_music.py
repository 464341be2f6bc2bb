"""A new piece over HTTP."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Any

import httpx
import mido
import pytest

import metaart
from tests.formats.scores.readers import by_mido, by_pretty_midi, by_symusic, signatures_by_mido
from tests.serve.client import Client
from tests.serve.conftest import ServedRuns

pytestmark = pytest.mark.ray


def bars_of(midi: bytes) -> float:
    """How many bars a file lasts, as mido reads it."""
    ticks_per_quarter = mido.MidiFile(file=io.BytesIO(midi)).ticks_per_beat
    marks = [*signatures_by_mido(midi), (max(end for _, end, _, _ in by_mido(midi)), 4, 4)]
    return sum((then[0] - here[0]) / (4 * ticks_per_quarter * here[1] / here[2]) for here, then in pairwise(marks))


def quarters(pitches: list[int]) -> bytes:
    """A file of quarter notes in 4/4."""
    track = mido.MidiTrack([mido.MetaMessage("time_signature", numerator=4, denominator=4)])
    for pitch in pitches:
        track += [mido.Message("note_on", note=pitch, velocity=90), mido.Message("note_off", note=pitch, time=96)]
    buffer = io.BytesIO()
    mido.MidiFile(ticks_per_beat=96, tracks=[track]).save(file=buffer)
    return buffer.getvalue()


def test_answers_with_a_midi_file_that_all_readers_read_alike(service: Client) -> None:
    answer = service.compose(options={"bars": 8, "temperature": 1.0, "top_p": 0.9, "seed": 3, "steps": 2})

    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "audio/midi"
    assert answer.headers["content-disposition"] == 'attachment; filename="metaart-seed3.mid"'
    assert (answer.headers["metaart-bars"], answer.headers["metaart-seed"]) == ("8", "3")
    assert answer.headers["metaart-run"] == "tiny"
    rows = by_symusic(answer.content)
    assert rows
    assert rows == by_mido(answer.content) == by_pretty_midi(answer.content)
    assert all(21 <= pitch <= 108 for _, _, pitch, _ in rows)
    assert bars_of(answer.content) == 8


def test_options_may_be_left_out(service: Client) -> None:
    answer = httpx.post(f"{service.url}/v1/music", files={"examples": service.examples[0]}, timeout=60)

    assert answer.status_code == 200, answer.text
    assert bars_of(answer.content) == 16
    assert (answer.headers["metaart-bars"], answer.headers["metaart-seed"]) == ("16", "1")


def test_the_same_request_gives_the_same_bytes_whatever_is_asked_beside_it(service: Client, tiny_run: Any) -> None:
    def wish(number: int) -> dict[str, Any]:
        options = {"bars": 2 + number % 5, "temperature": 0.5 + number / 10, "seed": number, "steps": number % 3}
        return {"examples": service.examples[: 1 + number % 3], "options": options}

    wishes = [wish(number) for number in range(6)]
    together = [answer.content for answer in service.compose_many([*wishes, wishes[2]])]
    alone = [service.compose(**wish).content for wish in wishes]
    run = metaart.load(tiny_run)
    by_hand = run.create(run.adapt(service.examples[:3], steps=2), bars=4, temperature=0.7, seed=2).data

    assert together == [*alone, alone[2]]
    assert alone[2] == by_hand
    assert len(set(alone)) == 6


def test_a_primer_is_how_the_piece_begins(service: Client) -> None:
    pitches = [60, 62, 64, 65, 67, 65, 64, 62]
    answer = service.compose(primer=quarters(pitches), options={"bars": 5, "seed": 11})

    assert answer.status_code == 200, answer.text
    rows = by_mido(answer.content)
    assert [(start, pitch) for start, _, pitch, _ in rows[:8]] == [(480 * n, pitch) for n, pitch in enumerate(pitches)]
    assert len(rows) > 8
    assert bars_of(answer.content) == 5


def test_health_and_documentation_are_there(service: Client, served_runs: ServedRuns) -> None:
    assert httpx.get(f"{service.url}/healthz").json() == {"status": "ok"}
    ready = httpx.get(f"{service.url}/readyz")
    runs = {art: run.name for art, run in served_runs._asdict().items()}
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "runs": runs})
    page = httpx.get(f"{service.url}/docs")
    assert page.status_code == 200
    assert "curl -F examples=@a.mid" in page.text
    paths = httpx.get(f"{service.url}/openapi.json").json()["paths"]
    for route in {f"/v1/{art}" for art in runs} & set(paths):
        described = paths[route]["post"]
        assert set(described["requestBody"]["content"]) == {"multipart/form-data"}
        assert {"200", "413", "415", "422", "503"} <= set(described["responses"])
    assert {"/v1/music", "/v1/critique"} <= set(paths)
