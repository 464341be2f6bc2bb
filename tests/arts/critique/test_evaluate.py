"""The evaluation of attribution: its numbers on answers that were made, and all of it on a tiny run."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import torch

from metaart.arts.critique.episode_answers import Answers, AttributionConfig, calibrated, sets_by_hands
from metaart.arts.critique.episodes import Episode, Gallery, draw_episodes, open_gallery
from metaart.arts.critique.evaluate import evaluate_attribution, summary
from metaart.arts.critique.heat_map_quality import judge_maps
from metaart.arts.judging.confidence import Calibration, Confidence, load_calibration, save_calibration
from metaart.arts.judging.critic import Critic
from metaart.cli import main
from metaart.errors import UserError
from tests.contract.arts import small_domain

SMALL = AttributionConfig(
    episodes=4, validation_episodes=4, ways=3, shots=(1, 2), query=3, probe_penalties=(0.01,),
    calibrated_ways=(2, 50), calibrated_shots=(1, 3, 50), ways_asked=(2, 50),
)  # fmt: skip


def answers(rightness: list[bool], episodes: int = 16) -> Answers:
    """Two hands, works with a logit gap of 2; right or wrong as said, own works nearer than strangers."""
    labels = torch.tensor([0, 0, 1, 1])
    told = torch.where(torch.tensor(rightness), labels, 1 - labels)
    logits = 2.0 * torch.nn.functional.one_hot(told, 2).float().expand(episodes, 4, 2)
    hands = [[f"ann {number}", f"bob {number}"] for number in range(episodes)]
    own, strangers = torch.full((episodes, 4), 0.1), torch.full((episodes, 2), 0.9)
    return Answers(logits, own, torch.zeros(episodes, 2, 2), strangers, hands)


def test_the_numbers_of_made_answers() -> None:
    """Three of four right whatever is asked: T makes the confidence 3/4, sets of one hand cover 3/4 of the works."""
    said = answers([True, True, True, False])
    row, accuracy = summary(said, said, AttributionConfig())
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
    said = answers([True] * 4)
    row, _ = summary(said, said, AttributionConfig())
    assert row["covered"] == 1.0
    assert row["set_size"] == 1.0


def test_few_hands_promise_nothing_of_a_new_one() -> None:
    said = answers([True] * 4, episodes=4)  # 8 hands: one in nine is beyond all of them
    row, _ = summary(said, said, AttributionConfig())
    assert row["set_size"] == 2.0
    assert row["called_strange"] == {"own": 0.0, "strangers": 0.0}


def test_an_episode_is_of_different_hands_and_works(drawings_data: Path) -> None:
    gallery = open_gallery(small_domain("critique"), drawings_data, "test", 9)  # type: ignore[arg-type]
    assert gallery.pictures.shape == (12 * 9, 3, 16, 16)
    episodes = draw_episodes(gallery, 5, ways=3, shots=2, query=3, seed=1)
    for episode in episodes:
        places = torch.cat([episode.support.flatten(), episode.query.flatten(), episode.strangers])
        assert len(places.unique()) == 3 * 5 + 3
        hands = {*(place // 9 for place in episode.support[:, 0].tolist()), int(episode.strangers[0]) // 9}
        assert len(hands) == 4
        assert all((row // 9 == row[0] // 9).all() for row in torch.cat([episode.support, episode.query], 1))
        assert [gallery.hands[int(row[0]) // 9] for row in episode.support] == episode.names
    with pytest.raises(UserError, match="13 hands with"):
        draw_episodes(gallery, 1, ways=12, shots=2, query=3, seed=1)


@pytest.fixture
def run(critique_run: Path, tmp_path: Path) -> Path:
    """A run whose convolutions read pictures of 16 px; those of the frozen network are so small that all is a stem."""
    shutil.copytree(critique_run, tmp_path / "run")
    return tmp_path / "run"


def test_every_method_is_judged_on_the_same_episodes(run: Path) -> None:
    result = evaluate_attribution(run, SMALL, also={"again": run}, calibration_to=run, progress=False)
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
    known = load_calibration(run)
    assert known is not None
    possible = [(entry.ways, entry.shots) for entry in known.entries]
    assert possible == [(2, 1), (2, 3), (3, 1), (3, 3)]  # there are twelve hands of twelve works
    assert [(row["ways"], row["shots"]) for row in result["sets_by_hands"]] == [(2, 1), (2, 2)]
    assert (
        evaluate_attribution(run, SMALL, progress=False)["shots"]["1"]["meta: run"] == result["shots"]["1"]["meta: run"]
    )


def test_answer_sets_keep_their_promise_among_few_hands_and_many(drawings_data: Path) -> None:
    gallery = open_gallery(small_domain("critique"), drawings_data, "test", 9)  # type: ignore[arg-type]

    def unsure(gallery: Gallery, episode: Episode, shots: int) -> tuple[torch.Tensor, torch.Tensor]:
        """A method that is right with an odds of its own for each work; strangers look like everybody."""
        noise = torch.Generator().manual_seed(int(episode.query.sum()))
        ways, works = episode.query.shape
        labels = torch.arange(ways).repeat_interleave(works)
        logits = torch.randn(len(labels) + works, ways, generator=noise)
        logits[: len(labels)] += 1.5 * torch.nn.functional.one_hot(labels, ways)
        return logits, torch.rand(len(logits), generator=noise)

    config = AttributionConfig(validation_episodes=80, query=3, shots=(2,), calibrated_shots=(2,), coverage=0.85,
                               calibrated_ways=(2, 5, 11), ways_asked=(2, 3, 5, 9, 11))  # fmt: skip
    known = calibrated(unsure, gallery, config)
    for row in sets_by_hands(unsure, gallery, known, config):
        assert row["covered"] == pytest.approx(0.88, abs=0.07), row  # a hand of twelve more than 85 %
    only_five = dataclasses.replace(known, entries=(known.at(2, 5),))
    alike = {row["ways"]: row["covered"] for row in sets_by_hands(unsure, gallery, only_five, config)}
    assert alike[2] > 0.95
    assert alike[11] < config.coverage - 0.03, "so the number of hands matters"


def test_features_that_are_known_already_give_the_same_answers(run: Path, drawings_data: Path) -> None:
    critic = Critic(run)
    gallery = open_gallery(critic.domain, drawings_data, "test", 9)
    (episode,) = draw_episodes(gallery, 1, ways=3, shots=2, query=3, seed=1)
    labels = torch.arange(3).repeat_interleave(2)
    support = {"pictures": gallery.ink(episode.support.flatten()), "labels": labels}
    works = gallery.ink(episode.query.flatten())
    assert critic.moves_head_alone(support)
    one = critic.impression(critic.adapt(support), support, works)
    other = critic.impression_of_features(
        critic.features(critic.domain.given(support["pictures"])), labels, critic.features(critic.domain.given(works))
    )
    torch.testing.assert_close(one.answers, other.answers, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(one.features, other.features)


def test_maps_are_judged_in_pairs(run: Path, drawings_data: Path) -> None:
    critic = Critic(run)
    gallery = open_gallery(critic.domain, drawings_data, "test", 9)
    episodes = draw_episodes(gallery, 3, ways=3, shots=2, query=3, seed=1)
    judged = judge_maps(critic, gallery, episodes, shots=2, steps=4)
    maps = judged["maps"]
    for other in ("random", "ink"):
        ahead = maps[other]["deletion"]["mean"] - maps["occlusion"]["deletion"]["mean"]
        assert judged["ahead"][other]["deletion"]["mean"] == pytest.approx(ahead)
        ahead = maps["occlusion"]["insertion"]["mean"] - maps[other]["insertion"]["mean"]
        assert judged["ahead"][other]["insertion"]["mean"] == pytest.approx(ahead)


def test_the_command_writes_tables_a_picture_and_the_calibration(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("metaart.arts.critique.evaluate_both.AttributionConfig", lambda *_: SMALL)
    monkeypatch.setattr("metaart.arts.critique.evaluate_both.MAPS", 2)
    assert main(["evaluate", str(run), "--episodes", "4", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "**2 examples of each hand**" in said
    assert "occlusion ahead of ink, paired" in said
    assert (tmp_path / "out" / "reliability.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["ways"] == 3
    assert (tmp_path / "out" / "calibration.json").is_file()
    assert not (run / "calibration.json").exists()
    assert f"calibration.json is in {tmp_path / 'out'}, that of {run} stays as it was" in said


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ([], ""),
        (["--validation-episodes", "150"], ""),
        (["--validation-episodes", "119"], "119 validation episodes, the run's own of 120"),
        (["--ways", "10"], "10 hands, the run's own of 5"),
        (["--data", "other"], "of other, the run's own"),
        (["--out", "elsewhere"], "that is where the results are kept"),
    ],
)
def test_the_runs_own_calibration_is_that_of_the_usual_evaluation(
    asked: list[str], why: str, run: Path, drawings_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("metaart.arts.critique.evaluate_both.AttributionConfig", lambda *_: SMALL)
    monkeypatch.setattr("metaart.arts.critique.evaluate_both.MAPS", 2)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(drawings_data, "other")
    before = Calibration(0.9, 0.05, 120, (Confidence(5, 3.25),))
    save_calibration(before, run)
    assert main(["evaluate", "run", "--episodes", "4", *asked]) == 0
    said = capsys.readouterr().out
    assert (load_calibration(run) == before) is bool(why)
    assert why in said
    assert ("stays as it was" in said) is bool(why)
    elsewhere = tmp_path / "elsewhere"
    assert load_calibration(elsewhere) is None if "--out" not in asked else load_calibration(elsewhere) is not None


def test_a_run_without_a_calibration_takes_one_of_few_episodes(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metaart.arts.critique.evaluate_both.AttributionConfig", lambda *_: SMALL)
    monkeypatch.setattr("metaart.arts.critique.evaluate_both.MAPS", 2)
    assert main(["evaluate", str(run), "--episodes", "4", "--validation-episodes", "4"]) == 0
    known = load_calibration(run)
    assert known is not None
    assert known.episodes == 4


def test_two_runs_of_one_name_are_refused(run: Path) -> None:
    with pytest.raises(UserError, match=r"names of their own beside run, which is .*--also run-2="):
        evaluate_attribution(run, SMALL, also={"run": run}, progress=False)
