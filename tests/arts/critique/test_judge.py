"""Judging works, from files to files."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from metaart.artists.run import Creator
from metaart.arts.critique.judge import NONE, Example, judge
from metaart.arts.judging.confidence import (
    NEVER,
    Calibration,
    Confidence,
    load_calibration,
    save_calibration,
    strangeness,
)
from metaart.arts.judging.critic import Critic, background
from metaart.arts.judging.heat import heat_picture
from metaart.arts.music.judge import judge_tune, surprise_by_bar
from metaart.cli import main
from metaart.domains.critique.domain import MAX_WORKS
from metaart.domains.music.domain import Music
from metaart.domains.viewing.qualities import NAMES
from metaart.errors import TooLarge, UserError
from metaart.formats.pictures.read import Pixels, read_picture, write_png
from tests.formats.pictures.drawings import drawing


def picture(hand: int, work: int) -> bytes:
    return write_png(drawing(hand, work, 24))


@pytest.fixture(scope="session")
def hands_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hands")
    for hand in range(3):
        (folder / f"hand {hand}").mkdir()
        for work in range(4):
            (folder / f"hand {hand}" / f"{work}.png").write_bytes(picture(hand, work))
    return folder


@pytest.fixture(scope="session")
def ratings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rated")
    for work in range(6):
        (folder / f"{work}.png").write_bytes(picture(1, work))
    (folder / "scores.csv").write_text("file,score\n" + "".join(f"{work}.png,{work + 2}\n" for work in range(6)))
    return folder / "scores.csv"


EXAMPLES = [
    Example(f"{hand}/{work}", picture(hand, work), hand=f"hand {hand}") for hand in range(3) for work in range(4)
]


def test_a_work_among_the_examples_is_its_own_nearest_and_its_hands(critique_run: Path) -> None:
    critic = Critic(critique_run)
    judged = judge(critic, EXAMPLES[5].data, EXAMPLES, heat_map=True)
    assert judged.nearest[0].name == "1/1"
    assert judged.nearest[0].distance == pytest.approx(0, abs=1e-4)
    assert sum(judged.probabilities.values()) == pytest.approx(1, abs=1e-3)
    assert list(judged.probabilities) == sorted(judged.probabilities, key=lambda hand: -judged.probabilities[hand])
    assert set(judged.probabilities) == {"hand 0", "hand 1", "hand 2"}
    assert judged.answer == next(iter(judged.probabilities))
    assert judged.coverage is None
    assert [quality.name for quality in judged.qualities] == list(NAMES)
    assert judged.heat_map is not None
    assert read_picture(judged.heat_map).shape == (384, 384, 3)
    assert json.loads(json.dumps(judged.plain()))["answer"] == judged.answer


def test_the_explanation_names_only_what_was_computed(critique_run: Path) -> None:
    judged = judge(Critic(critique_run), picture(2, 9), EXAMPLES)
    text = " ".join(judged.explanation)
    for quality in judged.qualities:
        assert f"{quality.name.capitalize()} {quality.value:.2f} ({quality.words})" in text
    assert judged.nearest[0].name in text
    assert len(judged.explanation) == 2 + len(NAMES)


def test_the_order_of_the_hands_changes_nothing(critique_run: Path) -> None:
    critic, work = Critic(critique_run), picture(0, 7)
    one, other = judge(critic, work, EXAMPLES), judge(critic, work, EXAMPLES[::-1])
    assert one.probabilities == pytest.approx(other.probabilities, abs=2e-4)
    assert one.strangeness == other.strangeness


@pytest.fixture
def calibrated(critique_run: Path, tmp_path: Path) -> Path:
    run = tmp_path / "run"
    shutil.copytree(critique_run, run)
    save_calibration(Calibration(0.9, 0.05, 60, (Confidence(1, 3.0, 0.95, NEVER), Confidence(5, 1e3, 1.0, -1.0))), run)
    return run


def test_calibration_decides_how_sure_and_whether_at_all(calibrated: Path) -> None:
    judged = judge(Critic(calibrated), picture(0, 7), EXAMPLES)
    assert judged.answer == NONE  # nothing is less strange than -1
    assert any("none of these" in sentence for sentence in judged.explanation)
    assert list(judged.probabilities.values()) == pytest.approx([1 / 3] * 3, abs=0.05)  # divided by 1000
    assert judged.plausible == list(judged.probabilities)
    assert judged.coverage == 0.9


def test_calibration_goes_through_its_file(calibrated: Path) -> None:
    known = load_calibration(calibrated)
    assert known is not None
    assert [known.at(shots).shots for shots in (1, 2, 3, 4, 50)] == [1, 1, 1, 5, 5]
    save_calibration(known, calibrated)
    assert load_calibration(calibrated) == known
    many = dataclasses.replace(
        known, entries=tuple(Confidence(shots, ways=ways) for ways in (2, 5, 20) for shots in (1, 5))
    )
    found = [
        (many.at(shots, ways).ways, many.at(shots, ways).shots)
        for ways, shots in ((2, 9), (3, 2), (4, 1), (10, 3), (99, 5))
    ]
    assert found == [(2, 5), (2, 1), (5, 1), (5, 1), (20, 5)]  # 10 is as many times 5 as 20 is times 10
    for text in ('{"entries": []}', '{"entries": [{"shot": 1}]}', "[]", "{"):
        (calibrated / "calibration.json").write_text(text)
        with pytest.raises(UserError):
            load_calibration(calibrated)


def test_strangeness_by_hand() -> None:
    """Means at 0 and 4 on a line: 16 apart squared; a work at 1 is 1/16 from the nearest, one at 6 is 4/16."""
    examples = torch.tensor([[-1.0], [1.0], [4.0]])
    found = strangeness(torch.tensor([[1.0], [6.0]]), examples, torch.tensor([0, 0, 1]))
    torch.testing.assert_close(found, torch.tensor([1 / 16, 4 / 16]))


def test_a_heat_map_is_red_for_and_blue_against() -> None:
    heat = np.zeros((16, 16), np.float32)
    heat[:8, :8], heat[8:, 8:] = 1, -1
    drawn = heat_picture(np.full((16, 16, 3), 255, np.uint8), heat, side=64).astype(int)
    assert drawn[12, 12, 0] > drawn[12, 12, 2] + 50
    assert drawn[52, 52, 2] > drawn[52, 52, 0] + 50
    assert drawn[12, 52].tolist() == [255, 255, 255]
    assert (heat_picture(np.zeros((16, 16, 3), np.uint8), heat * 0) == 110).all()


def test_the_background_is_the_border() -> None:
    inside = torch.zeros(3, 8, 8)
    inside[:, 2:6, 2:6] = 1
    inside[0] += 0.5
    assert background(inside).tolist() == [0.5, 0, 0]


def test_a_curators_scores_are_learned_from_a_table(rating_run: Path, ratings: Path, tmp_path: Path) -> None:
    work, out, drawn = tmp_path / "work.png", tmp_path / "judged.json", tmp_path / "why.png"
    work.write_bytes(picture(1, 8))
    asked = ["create", "critique", "--run", str(rating_run), "--work", str(work), "--ratings", str(ratings)]
    assert main([*asked, "--json", str(out), "--heat-map", str(drawn)]) == 0
    judged = json.loads(out.read_text())
    low, high = judged["interval"]
    assert 1 <= low <= judged["answer"] <= high <= 10
    assert {near["verdict"] for near in judged["nearest"]} <= {2, 3, 4, 5, 6, 7}
    assert judged["strangeness"] is None
    assert read_picture(drawn.read_bytes()).shape == (384, 384, 3)


def test_the_command_prints_a_readable_answer(
    critique_run: Path, hands_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "work.png"
    work.write_bytes(picture(1, 8))
    asked = [
        "create",
        "critique",
        "--run",
        str(critique_run),
        "--work",
        str(work),
        "--examples-from",
        str(hands_folder),
    ]
    assert main(asked) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] in ("hand 0", "hand 1", "hand 2")
    assert said[1].startswith(f"  {said[0]}: 0.")
    assert "(not calibrated" in said[4]


def test_what_does_not_go_together_is_refused(
    critique_run: Path, rating_run: Path, hands_folder: Path, ratings: Path, tiny_run: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    work = tmp_path / "work.png"
    work.write_bytes(picture(1, 8))
    for run, given, said in (
        (critique_run, ["--ratings", ratings], "metaart train rating"),
        (rating_run, ["--examples-from", hands_folder], "metaart train critique"),
        (tiny_run, ["--ratings", ratings], "--examples-from for a run of music"),
    ):
        asked = ["create", "critique", "--run", run, "--work", work, *given]
        assert main([str(word) for word in asked]) == 2
        assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("examples", "said"),
    [
        (EXAMPLES[:4], "2 to 6 hands"),
        ([Example(str(hand), picture(hand, 0), hand=str(hand)) for hand in range(7)], "2 to 6 hands"),
        ([Example("bad", b"no picture", hand="a"), EXAMPLES[0]], "PNG, JPEG or WebP"),
        (EXAMPLES * (MAX_WORKS // len(EXAMPLES) + 1), f"at most {MAX_WORKS}"),
    ],
)
def test_examples_that_cannot_be_used_are_refused(critique_run: Path, examples: list[Example], said: str) -> None:
    with pytest.raises(UserError, match=said):
        judge(Critic(critique_run), picture(0, 0), examples)


def test_a_rating_needs_scores(rating_run: Path) -> None:
    critic = Critic(rating_run)
    with pytest.raises(UserError, match="2 or more rated"):
        judge(critic, picture(0, 0), [Example("a", picture(0, 1), score=3)])
    for score in (0.0, 10.01, float("nan"), float("inf"), 10**400):
        with pytest.raises(UserError, match="from 1 to 10"):
            judge(
                critic, picture(0, 0), [Example("a", picture(0, 1), score=3), Example("b", picture(0, 2), score=score)]
            )


def test_every_file_is_decoded_once(critique_run: Path, rating_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[str] = []

    def read(data: bytes, *, name: str, **more: int) -> Pixels:
        decoded.append(name)
        return read_picture(data, name=name, **more)

    monkeypatch.setattr("metaart.domains.critique.domain.read_picture", read)
    scored = [Example(example.name, example.data, score=5) for example in EXAMPLES]
    for run, examples in ((critique_run, EXAMPLES), (rating_run, scored)):
        decoded.clear()
        judge(Critic(run), picture(2, 9), examples, name="it", heat_map=True)
        assert sorted(decoded) == sorted(["it", *(example.name for example in examples)])


def test_too_many_pixels_in_all_are_refused_before_one_is_decoded(
    critique_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (4000, 4000)).save(buffer, "WEBP", lossless=True)
    monkeypatch.setattr("metaart.domains.critique.domain.read_picture", lambda *_, **__: pytest.fail("decoded"))
    examples = [Example(str(number), buffer.getvalue(), hand=str(number % 2)) for number in range(MAX_WORKS)]
    with pytest.raises(TooLarge, match="200,000,000 pixels in all"):
        judge(Critic(critique_run), picture(0, 0), examples)


def test_a_critic_is_of_critique(tiny_run: Path) -> None:
    with pytest.raises(UserError, match="a run of critique"):
        Critic(tiny_run)


def test_a_tune_is_its_composers(tiny_run: Path, midi_folder: Path, tmp_path: Path) -> None:
    creator, composers = Creator(tiny_run), sorted(midi_folder.iterdir())[:2]
    examples = [
        Example(f"{folder.name}/{file.name}", file.read_bytes(), hand=folder.name)
        for folder in composers
        for file in sorted(folder.iterdir())[:3]
    ]
    judged = judge_tune(creator, examples[0].data, examples)
    assert judged.answer == min(judged.nats, key=lambda composer: judged.nats[composer])
    assert sum(judged.probabilities.values()) == pytest.approx(1, abs=1e-3)
    assert [bar.bar for bar in judged.bars] == list(range(1, len(judged.bars) + 1))
    worst = max(judged.bars, key=lambda bar: bar.nats)
    assert f"{worst.bar} ({worst.nats:.2f}" in judged.explanation[1]
    tune = tmp_path / "tune.mid"
    tune.write_bytes(examples[0].data)
    folder = tmp_path / "composers"
    for composer in composers:
        shutil.copytree(composer, folder / composer.name)
    asked = ["create", "critique", "--run", str(tiny_run), "--work", str(tune), "--examples-from", str(folder)]
    assert main(asked) == 0
    with pytest.raises(UserError, match="2 to 20 composers"):
        judge_tune(creator, examples[0].data, examples[:3])


def test_the_surprise_of_bars_by_hand() -> None:
    domain = Music()
    bar, pad = domain.vocabulary.bar, domain.vocabulary.pad
    tokens = torch.tensor([1, bar, 9, 9, bar, 9, pad])
    found = surprise_by_bar(torch.tensor([1.0, 2.0, 3.0, 5.0, 7.0, 0.0]), tokens, domain)
    assert [(entry.bar, entry.nats) for entry in found] == [(1, 2.0), (2, 6.0)]
