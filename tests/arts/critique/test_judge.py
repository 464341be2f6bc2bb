"""Whose hand a picture is, from files to files and by artists."""

from __future__ import annotations

import dataclasses
import io
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from metaart.artists.art import Request
from metaart.artists.artist import blended
from metaart.artists.run import Run
from metaart.artists.works import Work
from metaart.arts import load
from metaart.arts.judging import MAX_WORKS
from metaart.arts.judging.confidence import NEVER, Calibration, Confidence, save_calibration
from metaart.arts.judging.judgement import NONE
from metaart.cli import main
from metaart.config import override
from metaart.domains.viewing.qualities import NAMES
from metaart.errors import TooLarge, UserError
from metaart.formats.pictures.read import read_picture
from metaart.recipes import recipe
from tests.arts.judging.examples import OF_HANDS, judged, judged_by, picture, plain, write_hands
from tests.conftest import TINY_CRITIQUE, trained


@pytest.fixture(scope="module")
def run(critique_run: Path) -> Run:
    return load(critique_run)


@pytest.fixture(scope="module")
def frozen_run(drawings_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that sees frozen features, as the one that ships does."""
    settings = [f"data={drawings_data}", *TINY_CRITIQUE, "domain.sees=frozen", "domain.width=6", "meta.episode.ways=3"]
    folder = tmp_path_factory.mktemp("runs") / "frozen"
    trained(override(recipe("critique"), settings))(folder)
    return load(folder)


def test_a_work_among_the_examples_is_its_own_nearest_and_its_hands(run: Run) -> None:
    made = judged(run, OF_HANDS[5].data, OF_HANDS, ["heat_map"])
    found = plain(made)
    assert found["nearest"][0]["name"] == "1/1"
    assert found["nearest"][0]["verdict"] == "hand 1"
    assert found["nearest"][0]["distance"] == pytest.approx(0, abs=1e-4)
    shares = found["probabilities"]
    assert sum(shares.values()) == pytest.approx(1, abs=1e-3)
    assert list(shares) == sorted(shares, key=lambda hand: -shares[hand])
    assert set(shares) == {"hand 0", "hand 1", "hand 2"}
    assert found["answer"] == next(iter(shares))
    assert found["coverage"] is None
    assert found["interval"] is None
    assert [quality["name"] for quality in found["qualities"]] == list(NAMES)
    assert set(made.extras) == {"heat_map"}
    assert read_picture(made.extras["heat_map"], name="it").shape == (384, 384, 3)
    assert judged(run, OF_HANDS[5].data, OF_HANDS).extras == {}


def test_the_explanation_names_only_what_was_computed(run: Run) -> None:
    found = plain(judged(run, picture(2, 9), OF_HANDS))
    text = " ".join(found["explanation"])
    for quality in found["qualities"]:
        assert f"{quality['name'].capitalize()} {quality['value']:.2f} ({quality['words']})" in text
        assert f"have {found['usual'][quality['name']]:.2f} on average" in text
    assert found["nearest"][0]["name"] in text
    assert len(found["explanation"]) == 2 + len(NAMES)


def test_the_order_of_the_hands_changes_nothing(run: Run) -> None:
    one, other = (plain(judged(run, picture(0, 7), works)) for works in (OF_HANDS, OF_HANDS[::-1]))
    assert one["probabilities"] == pytest.approx(other["probabilities"], abs=2e-4)
    assert one["strangeness"] == other["strangeness"]


def test_an_artist_from_its_file_judges_to_the_same_bytes(run: Run, frozen_run: Run, tmp_path: Path) -> None:
    for one in (run, frozen_run):
        artist = one.adapt_works(OF_HANDS, name="three hands")
        again = one.artist(artist.save(tmp_path / f"{one.name}.artist"))
        assert artist.notes["hands"] == ["hand 0", "hand 1", "hand 2"]
        first, second = (judged_by(one, of, picture(1, 8), ["heat_map"]) for of in (artist, again))
        assert first.data == second.data
        assert first.words == second.words
        assert first.extras == second.extras
        assert again.notes == artist.notes
    assert set(artist.weights) == {"head.weight", "head.bias"}
    assert set(artist.beside) == {"frames", "frozen", "labels"}


def test_what_an_artist_needs_is_in_its_file(run: Run) -> None:
    artist = run.adapt_works(OF_HANDS)
    for beside in ({}, artist.beside | {"labels": artist.beside["labels"][:3]}):
        with pytest.raises(UserError, match="with the works that it was adapted to"):
            judged_by(run, dataclasses.replace(artist, beside=beside), picture(0, 0))


def test_what_is_asked_beside_others_is_answered_as_alone(run: Run) -> None:
    artist, use = run.adapt_works(OF_HANDS), run.art.uses[0]
    alone = [judged_by(run, artist, picture(hand, 9)) for hand in range(3)]
    requests = [Request([artist], use.options(), {"work": Work("it", picture(hand, 9))}) for hand in range(3)]
    assert run.make(use, requests) == alone


@pytest.fixture
def calibrated(critique_run: Path, tmp_path: Path) -> Run:
    folder = tmp_path / "run"
    shutil.copytree(critique_run, folder)
    entries = (Confidence(1, 3.0, 0.95, NEVER), Confidence(5, 1e3, 1.0, -1.0))
    save_calibration(Calibration(0.9, 0.05, 60, entries), folder)
    return load(folder)


def test_calibration_decides_how_sure_and_whether_at_all(calibrated: Run) -> None:
    found = plain(judged(calibrated, picture(0, 7), OF_HANDS))
    assert found["answer"] == NONE  # nothing is less strange than -1
    assert any("none of these" in sentence for sentence in found["explanation"])
    assert list(found["probabilities"].values()) == pytest.approx([1 / 3] * 3, abs=0.05)  # divided by 1000
    assert found["plausible"] == list(found["probabilities"])
    assert found["coverage"] == 0.9


def test_the_hand_with_the_fewest_examples_decides_how_sure(calibrated: Run) -> None:
    """With one example of a hand the entry for one shot is taken, whatever there is of the others."""
    few = plain(judged(calibrated, picture(0, 7), [*OF_HANDS[:9]]))
    assert few["answer"] != NONE


def test_the_command_prints_a_readable_answer(
    critique_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work, out = tmp_path / "work.png", tmp_path / "judged.json"
    work.write_bytes(picture(1, 8))
    asked = ["create", "critique", "--run", critique_run, "--work", work, "--examples-from",
             write_hands(tmp_path / "hands"), "--json", out]  # fmt: skip
    assert main([str(word) for word in asked]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] in ("hand 0", "hand 1", "hand 2")
    assert lines[1].startswith(f"  {lines[0]}: 0.")
    assert "(not calibrated" in lines[4]
    assert lines[-1] == f"written: {out}"
    assert b'\n "answer": ' in out.read_bytes()


@pytest.mark.parametrize(
    ("works", "words"),
    [
        (OF_HANDS[:4], "2 to 6 hands"),
        ([Work(str(hand), picture(hand, 0), hand=str(hand)) for hand in range(7)], "2 to 6 hands"),
        ([OF_HANDS[0], OF_HANDS[1]._replace(hand="")], "2 to 6 hands"),
        ([Work("bad", b"no picture", hand="a"), OF_HANDS[0]], "PNG, JPEG or WebP"),
        (OF_HANDS * (MAX_WORKS // len(OF_HANDS) + 1), f"2 to {MAX_WORKS} pictures"),
    ],
)
def test_works_that_cannot_be_used_are_refused(run: Run, works: list[Work], words: str) -> None:
    with pytest.raises(UserError, match=words):
        run.adapt_works(works)


def test_a_hand_whose_works_are_all_passed_over_is_no_hand(run: Run) -> None:
    bad = [Work("bad", b"no picture", hand="hand 9"), *OF_HANDS]
    artist = run.adapt_works(bad, strict=False)
    assert [verdict.accepted for verdict in artist.verdicts] == [False] + [True] * 12
    assert artist.notes["hands"] == ["hand 0", "hand 1", "hand 2"]
    assert plain(judged_by(run, artist, picture(0, 9))) == plain(judged(run, picture(0, 9), OF_HANDS))


def test_every_file_is_decoded_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[str] = []
    frame = run.domain.frame  # type: ignore[attr-defined]

    def counted(data: bytes, name: str) -> object:
        decoded.append(name)
        return frame(data, name)

    monkeypatch.setattr(run.domain, "frame", counted, raising=False)
    judged(run, picture(2, 9), OF_HANDS, ["heat_map"])
    assert sorted(decoded) == sorted(["it", *(work.name for work in OF_HANDS)])


def test_too_many_pixels_in_all_are_refused_before_one_is_decoded(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (4000, 4000)).save(buffer, "WEBP", lossless=True)
    monkeypatch.setattr(run.domain, "frame", lambda *_: pytest.fail("decoded"), raising=False)
    works = [Work(str(number), buffer.getvalue(), hand=str(number % 2)) for number in range(MAX_WORKS)]
    for strict in (True, False):
        with pytest.raises(TooLarge, match="200,000,000 pixels in all"):
            run.adapt_works(works, strict=strict)


def test_artists_of_hands_are_not_blended(run: Run) -> None:
    artist = run.adapt_works(OF_HANDS)
    with pytest.raises(UserError, match="sets of examples"):
        blended([artist, artist])
    assert torch.equal(blended([artist]).beside["labels"], artist.beside["labels"])
