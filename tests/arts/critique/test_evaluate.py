"""The evaluation of attribution: its numbers on answers that were made, and all of it on a tiny run."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from metaart.artists.run import Run
from metaart.arts import load
from metaart.arts.critique import CritiqueEvaluation
from metaart.arts.critique.answers import Answers
from metaart.arts.critique.calibrate import AttributionProtocol, calibrated, sets_by_hands
from metaart.arts.critique.episodes import AttributionEpisode, SplitWorks, draw_episodes, open_works
from metaart.arts.critique.evaluate import evaluate, summary
from metaart.arts.critique.heat_maps import judge_maps
from metaart.arts.critique.methods import MetaAttribution
from metaart.arts.judging.confidence import Calibration, Confidence, load_calibration, save_calibration
from metaart.arts.judging.critic import Critic
from metaart.cli import main
from metaart.config import override
from metaart.domains.critique.domain import CritiqueConfig, CritiqueDomain
from metaart.errors import UserError
from metaart.recipes import recipe
from tests.conftest import TINY_CRITIQUE, trained

SMALL = AttributionProtocol(
    shots=(1, 2), query=3, probe_penalties=(0.01,), calibrated_ways=(2, 50), calibrated_shots=(1, 3, 50),
    ways_asked=(2, 50), maps=2,
)  # fmt: skip
FEW = CritiqueEvaluation(episodes=4, validation_episodes=4, ways=3)


def answers(rightness: list[bool], episodes: int = 16) -> Answers:
    """Two hands, works with a logit gap of 2; right or wrong as asked, own works nearer than strangers."""
    labels = torch.tensor([0, 0, 1, 1])
    named = torch.where(torch.tensor(rightness), labels, 1 - labels)
    logits = 2.0 * torch.nn.functional.one_hot(named, 2).float().expand(episodes, 4, 2)
    hands = [[f"ann {number}", f"bob {number}"] for number in range(episodes)]
    own, strangers = torch.full((episodes, 4), 0.1), torch.full((episodes, 2), 0.9)
    return Answers(logits, own, torch.zeros(episodes, 2, 2), strangers, hands)


def test_the_numbers_of_made_answers() -> None:
    """Three of four right whatever is asked: T makes the confidence 3/4, sets of one hand cover 3/4 of the works."""
    found = answers([True, True, True, False])
    row, accuracy = summary(found, found, AttributionProtocol())
    assert accuracy.tolist() == [0.75] * 16
    assert row["accuracy"] == 0.75
    assert row["interval"] == 0
    assert row["temperature"] == pytest.approx(2 / torch.log(torch.tensor(3.0)).item(), rel=1e-5)
    assert row["ece"] == pytest.approx(0, abs=1e-6)
    assert row["ece_raw"] == pytest.approx(torch.sigmoid(torch.tensor(2.0)).item() - 0.75, abs=1e-6)
    assert row["covered"] == 1.0  # 90 % cannot be had with fewer than both hands
    assert row["set_size"] == 2.0
    assert row["auroc"] == {"1 - probability": 1.0, "distance": 1.0}
    assert row["called_strange"] == {"own": 0.0, "strangers": 1.0}


def test_sets_shrink_where_answers_are_right() -> None:
    found = answers([True] * 4)
    row, _ = summary(found, found, AttributionProtocol())
    assert row["covered"] == 1.0
    assert row["set_size"] == 1.0


def test_few_hands_promise_nothing_of_a_new_one() -> None:
    found = answers([True] * 4, episodes=4)  # 8 hands: one in nine is beyond all of them
    row, _ = summary(found, found, AttributionProtocol())
    assert row["set_size"] == 2.0
    assert row["called_strange"] == {"own": 0.0, "strangers": 0.0}


def small_works(data: Path) -> SplitWorks:
    """The first nine works of each of twelve hands; nobody asks for their frozen features."""
    domain = CritiqueDomain(CritiqueConfig(side=16, layers=2, channels=8, most_hands=3))
    return open_works(domain, data, "test", 9, lambda pictures: pictures.flatten(1)[:, :1])


def test_an_episode_is_of_different_hands_and_works(drawings_data: Path) -> None:
    works = small_works(drawings_data)
    assert works.pictures.shape == (12 * 9, 3, 16, 16)
    assert works.frozen.shape == (12 * 9, 1)
    episodes = draw_episodes(works, 5, ways=3, shots=2, query=3, seed=1)
    for episode in episodes:
        indices = torch.cat([episode.support.flatten(), episode.asked])
        assert len(indices.unique()) == 3 * 5 + 3
        hands = {*(index // 9 for index in episode.support[:, 0].tolist()), int(episode.strangers[0]) // 9}
        assert len(hands) == 4
        assert all((row // 9 == row[0] // 9).all() for row in torch.cat([episode.support, episode.query], 1))
        assert [works.hands[int(row[0]) // 9] for row in episode.support] == episode.names
        examples, labels = episode.examples(1)
        assert examples.tolist() == episode.support[:, 0].tolist()
        assert labels.tolist() == [0, 1, 2]
    with pytest.raises(UserError, match="13 hands with"):
        draw_episodes(works, 1, ways=12, shots=2, query=3, seed=1)


@pytest.fixture
def run(critique_run: Path, tmp_path: Path) -> Run:
    """A run whose convolutions read pictures of 16 px; those of the frozen network are so small that all is a stem."""
    shutil.copytree(critique_run, tmp_path / "run")
    return load(tmp_path / "run")


def judged(run: Run, asked: CritiqueEvaluation = FEW, protocol: AttributionProtocol = SMALL) -> dict[str, Any]:
    return evaluate(run, asked, run.folder, lambda *_: None, protocol)[0]


def test_every_method_is_judged_on_the_same_episodes(run: Run) -> None:
    result = judged(run, dataclasses.replace(FEW, also=(f"again={run.folder}",)))
    assert set(result["shots"]) == {"1", "2"}
    for methods in result["shots"].values():
        assert set(methods) == {"meta: run", "meta: again", "frozen: nearest neighbour", "frozen: class means",
                                "frozen: linear probe"}  # fmt: skip
        assert methods["meta: run"] == methods["meta: again"]
        for row in methods.values():
            assert 0 <= row["accuracy"] <= 1
            assert row["covered"] > 0.8, "90 % were promised"
            assert row["covered"] - 1e-9 <= row["set_size"] < 3, "twelve hands are enough to rule some out"
    level = [row for row in result["paired"] if row["other"] == "meta: again"]
    assert [row["ahead"] for row in level] == [0.0, 0.0]
    assert judged(run)["shots"]["1"]["meta: run"] == result["shots"]["1"]["meta: run"]
    assert [(row["ways"], row["shots"]) for row in result["sets_by_hands"]] == [(2, 1), (2, 2)]


def test_the_calibration_is_of_the_numbers_that_there_are_works_for(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    result, words, files = evaluate(run, FEW, out, lambda *_: None, SMALL)
    assert files == ["reliability.png", "heat-maps.png", "calibration.json"]
    assert f"calibration.json is in {out}" in words
    calibration = load_calibration(out)
    assert calibration is not None
    possible = [(entry.ways, entry.shots) for entry in calibration.entries]
    assert possible == [(2, 1), (2, 3), (3, 1), (3, 3)]  # there are twelve hands of twelve works
    assert result["maps"]["works"] == 2


def test_what_took_long_is_safe_before_maps_are_drawn(run: Run) -> None:
    safe: list[dict[str, Any]] = []
    evaluate(run, FEW, run.folder, lambda result, words: safe.append({**result, "words": words}), SMALL)
    assert len(safe) == 1
    assert set(safe[0]["shots"]) == {"1", "2"}
    assert "maps" not in safe[0]
    assert "paired differences of accuracy" in safe[0]["words"]


def test_a_run_that_tells_few_hands_apart_is_calibrated_for_no_more(drawings_data: Path, tmp_path: Path) -> None:
    """The usual numbers of hands go to 20; with more than its outputs a label would lie beyond them."""
    settings = [f"data={drawings_data}", *TINY_CRITIQUE, "domain.most_hands=3", "meta.episode.ways=3", "meta.steps=1"]
    trained(override(recipe("critique"), settings))(tmp_path / "few")
    few, usual = load(tmp_path / "few"), AttributionProtocol(maps=2, calibrated_shots=(1,), shots=(1,))
    result = judged(few, FEW, usual)
    assert {row["ways"] for row in result["sets_by_hands"]} == {2}
    calibration = load_calibration(few.folder)
    assert calibration is None, "of three hands, not of five, so it is not the run's own"
    result, _, _ = evaluate(few, FEW, tmp_path, lambda *_: None, usual)
    calibration = load_calibration(tmp_path)
    assert calibration is not None
    assert [entry.ways for entry in calibration.entries] == [2, 3]
    with pytest.raises(UserError, match=r"at most 3 hands in an episode, as many as few can tell.*--ways 3"):
        judged(few, dataclasses.replace(FEW, ways=4), usual)


def test_answer_sets_keep_their_promise_among_few_hands_and_many(drawings_data: Path) -> None:
    works = small_works(drawings_data)

    def unsure(_: SplitWorks, episode: AttributionEpisode, shots: int) -> tuple[torch.Tensor, torch.Tensor]:
        """A method that is right with an odds of its own for each work; strangers look like everybody."""
        noise = torch.Generator().manual_seed(int(episode.query.sum()))
        ways, asked = episode.query.shape
        labels = torch.arange(ways).repeat_interleave(asked)
        logits = torch.randn(len(labels) + asked, ways, generator=noise)
        logits[: len(labels)] += 1.5 * torch.nn.functional.one_hot(labels, ways)
        return logits, torch.rand(len(logits), generator=noise)

    protocol = AttributionProtocol(validation_episodes=80, query=3, shots=(2,), calibrated_shots=(2,), coverage=0.85,
                                   calibrated_ways=(2, 5, 11), ways_asked=(2, 3, 5, 9, 11))  # fmt: skip
    calibration = calibrated(unsure, works, protocol)
    for row in sets_by_hands(unsure, works, calibration, protocol):
        assert row["covered"] == pytest.approx(0.88, abs=0.07), row  # a hand of twelve more than 85 %
    only_five = dataclasses.replace(calibration, entries=(calibration.at(2, 5),))
    alike = {row["ways"]: row["covered"] for row in sets_by_hands(unsure, works, only_five, protocol)}
    assert alike[2] > 0.95
    assert alike[11] < protocol.coverage - 0.03, "so the number of hands matters"


def test_features_of_a_split_are_found_once(run: Run, drawings_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    critic, works = Critic(run), small_works(drawings_data)
    first, second = draw_episodes(works, 2, ways=3, shots=2, query=3, seed=1)
    method = MetaAttribution(critic)
    one = method(works, first, 2)
    assert [value.shape for value in one] == [(12, 3), (12,)]
    monkeypatch.setattr(critic, "features", lambda *_: pytest.fail("asked again"))
    method(works, second, 1)
    for value, again in zip(one, method(works, first, 2), strict=True):
        assert torch.equal(value, again)
    with pytest.raises(pytest.fail.Exception):
        method(works._replace(split="validation"), first, 2)


def test_maps_are_judged_in_pairs(run: Run, drawings_data: Path) -> None:
    works = small_works(drawings_data)
    episodes = draw_episodes(works, 3, ways=3, shots=2, query=3, seed=1)
    found = judge_maps(Critic(run), works, episodes, shots=2, steps=4)
    maps = found["maps"]
    for other in ("random", "ink"):
        ahead = maps[other]["deletion"]["mean"] - maps["occlusion"]["deletion"]["mean"]
        assert found["ahead"][other]["deletion"]["mean"] == pytest.approx(ahead)
        ahead = maps["occlusion"]["insertion"]["mean"] - maps[other]["insertion"]["mean"]
        assert found["ahead"][other]["insertion"]["mean"] == pytest.approx(ahead)


def test_the_command_writes_tables_pictures_and_the_calibration(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    asked = ["evaluate", run.folder, "--episodes", 4, "--validation-episodes", 4, "--ways", 3, "--out", out]
    assert main([str(word) for word in asked]) == 0
    words = capsys.readouterr().out
    assert "**5 examples of each hand**" in words
    assert "occlusion ahead of ink, paired" in words
    assert (out / "reliability.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "heat-maps.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((out / "evaluation.json").read_text())["ways"] == 3
    assert (out / "calibration.json").is_file()
    assert not (run.folder / "calibration.json").exists()
    assert f"calibration.json is in {out}, that of {run.folder} stays as it was" in words


def test_a_run_keeps_its_own_calibration_where_less_was_asked(run: Run) -> None:
    before = Calibration(0.9, 0.05, 120, (Confidence(5, 3.25),))
    save_calibration(before, run.folder)
    five = dataclasses.replace(FEW, ways=5)
    _, words, files = evaluate(run, five, run.folder, lambda *_: None, SMALL)
    assert load_calibration(run.folder) == before
    assert "stays as it was" in words
    assert "calibration.json" not in files
    (run.folder / "calibration.json").unlink()
    _, words, files = evaluate(run, five, run.folder, lambda *_: None, SMALL)
    calibration = load_calibration(run.folder)
    assert calibration is not None
    assert calibration.episodes == 4
    assert "stays as it was" not in words
    assert "calibration.json" in files


def test_runs_of_one_name_or_of_another_art_are_refused(run: Run, rating_run: Path) -> None:
    with pytest.raises(UserError, match=r"names of their own beside run, which is .*--also run-2="):
        judged(run, dataclasses.replace(FEW, also=(f"run={run.folder}",)))
    with pytest.raises(UserError, match=r"a run of critique; got .*, a run of rating"):
        judged(run, dataclasses.replace(FEW, also=(f"other={rating_run}",)))
