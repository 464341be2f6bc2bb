"""How a curator would rate a picture, from a table to files and by artists."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metaart.artists.run import Run
from metaart.artists.works import Work
from metaart.arts import load
from metaart.cli import main
from metaart.domains.viewing.qualities import NAMES
from metaart.errors import UserError
from metaart.formats.pictures.read import read_picture
from tests.arts.judging.examples import RATED, judged, judged_by, picture, plain, write_hands, write_ratings


@pytest.fixture(scope="module")
def run(rating_run: Path) -> Run:
    return load(rating_run)


def test_a_curators_scores_are_learned_from_a_table(rating_run: Path, tmp_path: Path) -> None:
    work, out, drawn = tmp_path / "work.png", tmp_path / "judged.json", tmp_path / "why.png"
    work.write_bytes(picture(1, 8))
    asked = ["create", "critique", "--run", rating_run, "--work", work, "--ratings", write_ratings(tmp_path / "rated"),
             "--json", out, "--heat-map", drawn]  # fmt: skip
    assert main([str(word) for word in asked]) == 0
    found = json.loads(out.read_text())
    low, high = found["interval"]
    assert 1 <= low <= found["answer"] <= high <= 10
    assert {near["verdict"] for near in found["nearest"]} <= {2, 3, 4, 5, 6, 7}
    assert found["strangeness"] is None
    assert found["probabilities"] == {}
    assert read_picture(drawn.read_bytes(), name="it").shape == (384, 384, 3)


def test_the_words_say_what_was_computed(run: Run) -> None:
    made = judged(run, picture(1, 8), RATED)
    found, lines = plain(made), made.words.splitlines()
    assert lines[0] == f"{found['answer']:.1f}"
    assert "(not calibrated" in lines[1]
    assert lines[2] == f"Score {found['answer']:.1f} of 10."
    near = found["nearest"][0]
    assert lines[3].startswith(f"Nearest example: {near['name']}, rated {near['verdict']:g}, at {near['distance']:.2f}")
    assert len(lines) == 4 + len(NAMES)
    assert lines[2:] == found["explanation"]


def test_scores_stay_as_they_were_given(run: Run) -> None:
    """7 is not 7.0 in JSON."""
    works = [RATED[0]._replace(score=7), RATED[1]._replace(score=7.5)]
    verdicts = {near["name"]: near["verdict"] for near in plain(judged(run, picture(1, 8), works))["nearest"]}
    assert repr(verdicts["0.png"]) == "7"
    assert repr(verdicts["1.png"]) == "7.5"


def test_an_artist_from_its_file_judges_to_the_same_bytes(run: Run, tmp_path: Path) -> None:
    artist = run.adapt_works(RATED, name="a curator")
    again = run.artist(artist.save(tmp_path / "a.artist"))
    first, second = (judged_by(run, of, picture(1, 8), ["heat_map"]) for of in (artist, again))
    assert (first.data, first.words, first.extras) == (second.data, second.words, second.extras)
    assert set(first.extras) == {"heat_map"}
    assert again.notes == {"names": [work.name for work in RATED], "scores": [2, 3, 4, 5, 6, 7]}


def test_other_scores_are_another_curator(run: Run) -> None:
    high, low = ([work._replace(score=score) for work in RATED] for score in (9, 2))
    assert plain(judged(run, picture(1, 8), high))["answer"] > plain(judged(run, picture(1, 8), low))["answer"]


def test_a_rating_needs_scores(run: Run) -> None:
    with pytest.raises(UserError, match="2 to 200 pictures as examples"):
        run.adapt_works(RATED[:1])
    for score in (0.0, 10.01, float("nan"), float("inf"), 10**400):
        with pytest.raises(UserError, match="from 1 to 10"):
            run.adapt_works([RATED[0], Work("b", picture(0, 2), score=score)])


def test_every_file_is_decoded_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[str] = []
    frame = run.domain.frame  # type: ignore[attr-defined]

    def counted(data: bytes, name: str) -> object:
        decoded.append(name)
        return frame(data, name)

    monkeypatch.setattr(run.domain, "frame", counted, raising=False)
    judged(run, picture(2, 9), RATED, ["heat_map"])
    assert sorted(decoded) == sorted(["it", *(work.name for work in RATED)])


def test_what_does_not_go_together_is_refused(
    critique_run: Path, rating_run: Path, tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "work.png"
    work.write_bytes(picture(1, 8))
    hands, ratings = write_hands(tmp_path / "hands"), write_ratings(tmp_path / "rated")
    for run, way, words in (
        (critique_run, ["--ratings", ratings], "metaart train rating"),
        (rating_run, ["--examples-from", hands], "metaart train critique"),
        (tiny_run, ["--ratings", ratings], "--examples-from for"),
    ):
        asked = ["create", "critique", "--run", run, "--work", work, *way]
        assert main([str(word) for word in asked]) == 2
        assert words in capsys.readouterr().err
