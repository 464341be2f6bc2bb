"""Whose tune is it: judged by artists of two composers."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from metaart.artists.art import Request
from metaart.artists.artist import Artist
from metaart.artists.requests import artists_of
from metaart.artists.run import Run
from metaart.artists.works import Work, works_of_hands
from metaart.arts import load
from metaart.arts.judging.confidence import Calibration, Confidence, save_calibration
from metaart.arts.music import COMPOSERS, JUDGE
from metaart.arts.music.judge import TEMPERATURE, judge_tune
from metaart.cli import main
from metaart.errors import UserError
from metaart.options import NoOptions


@pytest.fixture(scope="module")
def run(tiny_run: Path) -> Run:
    return load(tiny_run)


@pytest.fixture(scope="module")
def folder(midi_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tunes each of two composers."""
    folder = tmp_path_factory.mktemp("composers")
    for composer in sorted(midi_folder.iterdir())[:2]:
        (folder / composer.name).mkdir()
        for file in sorted(composer.iterdir())[:3]:
            shutil.copy(file, folder / composer.name)
    return folder


@pytest.fixture(scope="module")
def composers(run: Run, folder: Path) -> list[Artist]:
    return artists_of(run, JUDGE, works_of_hands(folder, COMPOSERS))


@pytest.fixture(scope="module")
def tune(folder: Path) -> Work:
    path = folder / "composer-0" / "00.mid"
    return Work(str(path), path.read_bytes())


def test_a_tune_is_its_composers(run: Run, composers: list[Artist], tune: Work) -> None:
    assert [composer.name for composer in composers] == ["composer-0", "composer-1"]
    judged = judge_tune(run, tune, composers)
    assert judged.answer == min(judged.nats, key=lambda composer: judged.nats[composer])
    assert sum(judged.probabilities.values()) == pytest.approx(1, abs=1e-3)
    assert [bar.bar for bar in judged.bars] == list(range(1, len(judged.bars) + 1))
    worst = max(judged.bars, key=lambda bar: bar.nats)
    assert f"{worst.bar} ({worst.nats:.2f}" in judged.explanation[1]
    with pytest.raises(UserError, match="2 to 20 composers"):
        judge_tune(run, tune, composers[:1])
    with pytest.raises(UserError, match="2 to 20 composers"):
        judge_tune(run, tune, composers[:1] * 21)


def test_probabilities_are_those_of_whole_tunes_at_the_temperature(
    run: Run, composers: list[Artist], tune: Work
) -> None:
    judged = judge_tune(run, tune, composers)
    tokens = run.support([tune])[0].examples["tokens"][:1]
    totals = {}
    for composer in composers:
        logits, _ = run.predict(run.params(composer))(tokens[:, :-1])
        shares = logits[0].softmax(-1)
        each = [-math.log(float(shares[at, token])) for at, token in enumerate(tokens[0, 1:].tolist()) if token]
        totals[composer.name] = sum(each)
        assert judged.nats[composer.name] == pytest.approx(sum(each) / len(each), abs=1e-4)
    likely = {name: math.exp(-(nats - min(totals.values())) / TEMPERATURE) for name, nats in totals.items()}
    for name, weight in likely.items():
        assert judged.probabilities[name] == pytest.approx(weight / sum(likely.values()), abs=1e-3)


def test_a_run_is_believed_as_far_as_its_calibration_says(
    tiny_run: Path, composers: list[Artist], tune: Work, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    plain = judge_tune(load(folder), tune, composers)
    save_calibration(Calibration(0.9, 0.0, 3, (Confidence(3, 1e9), Confidence(30, 1e-3))), folder)
    unsure = judge_tune(load(folder), tune, composers)
    assert set(unsure.probabilities.values()) == {0.5}
    assert (plain.nats, plain.bars) == (unsure.nats, unsure.bars)


def test_the_composer_of_fewest_examples_decides_how_far(
    tiny_run: Path, composers: list[Artist], tune: Work, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    save_calibration(Calibration(0.9, 0.0, 3, (Confidence(1, 1e9), Confidence(3, 1e-3))), folder)
    run = load(folder)
    few = run.adapt_works([tune], name="few")
    assert set(judge_tune(run, tune, [composers[0], few]).probabilities.values()) == {0.5}
    assert set(judge_tune(run, tune, composers).probabilities.values()) == {0.0, 1.0}


def test_requests_are_judged_in_order_as_json_and_in_words(run: Run, composers: list[Artist], tune: Work) -> None:
    requests = [Request(artists, NoOptions(), {"work": tune}) for artists in (composers, composers[::-1])]
    made = run.make(JUDGE, requests)
    for one in made:
        judgement = json.loads(one.data)
        assert list(judgement) == ["answer", "probabilities", "nats", "bars", "explanation"]
        assert one.words.splitlines()[0] == judgement["answer"]
        assert one.words.splitlines()[1:3] == [
            f"  {name}: {share:.2f}" for name, share in judgement["probabilities"].items()
        ]
        assert one.words.endswith("\n".join(judgement["explanation"]))
    assert made[0].data == made[1].data, "the order in which composers come does not matter"


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:30], lambda data: b"a poem"])
def test_a_work_that_cannot_be_read_is_named(
    damage: Callable[[bytes], bytes], run: Run, composers: list[Artist], tune: Work
) -> None:
    with pytest.raises(UserError, match=r"new\.mid"):
        judge_tune(run, Work("new.mid", damage(tune.data)), composers)


def test_the_command_judges_tunes(
    tiny_run: Path, folder: Path, tune: Work, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["create", "critique", "--run", str(tiny_run), "--work", tune.name, "--examples-from", str(folder)]
    assert main([*asked, "--json", str(tmp_path / "judged.json")]) == 0
    output = capsys.readouterr().out
    judgement = json.loads((tmp_path / "judged.json").read_bytes())
    assert output.splitlines()[0] == judgement["answer"]
    assert output.splitlines()[-1] == f"written: {tmp_path / 'judged.json'}"
    assert torch.tensor(list(judgement["probabilities"].values())).sum() == pytest.approx(1, abs=1e-3)
