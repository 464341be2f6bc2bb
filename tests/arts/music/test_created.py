import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from metaart.artists.run import Run
from metaart.arts import load
from metaart.arts.music.created import JudgeConfig, judge_created
from metaart.arts.music.features import Features
from metaart.arts.music.report import CREATED, KINDS, REAL, UNADAPTED, judgement_table, plot_created
from metaart.arts.music.resemblance import EXAMPLES, copies, distances, likeliness
from metaart.data.shards import Dataset
from metaart.errors import UserError

SMALL = JudgeConfig(pieces=2, bars=4)


@pytest.fixture(scope="module")
def run(tiny_run: Path) -> Run:
    return load(tiny_run)


@pytest.fixture(scope="module")
def judged(run: Run) -> dict[str, Any]:
    return judge_created(run, hands=24, config=SMALL, progress=False)


def test_every_test_hand_is_judged_and_too_few_are_said(judged: dict[str, Any], music_data: Path) -> None:
    assert sorted(row["hand"] for row in judged["rows"]) == sorted(Dataset.open(music_data).groups("test"))
    assert judged["hands"] == len(judged["rows"]) == 2
    assert any("24 hands were asked for; the data has 2" in note for note in judged["notes"])


def test_the_result_is_json_without_what_json_cannot_say(judged: dict[str, Any]) -> None:
    assert json.loads(json.dumps(judged, allow_nan=False)) == judged


def test_totals_are_means_over_the_rows(judged: dict[str, Any]) -> None:
    for what, kinds in judged["totals"].items():
        for kind, totals in kinds.items():
            for name, total in totals.items():
                values = [row[what][kind][name] for row in judged["rows"] if row[what][kind][name] is not None]
                assert total["count"] == len(values)
                if values:
                    assert total["mean"] == pytest.approx(np.mean(values))


def test_shares_are_shares_and_ranks_are_ranks(judged: dict[str, Any]) -> None:
    for row in judged["rows"]:
        for kind in KINDS:
            assert 0 <= row["likelihood"][kind]["pairs"] <= 1
            assert 1 <= row["likelihood"][kind]["rank"] <= 2
            assert row["distance"][kind]["own"] >= 0
        for rates in row["copy"].values():
            assert rates["share"] is None or 0 <= rates["share"] <= rates["largest"] <= 1


def test_each_hand_has_pieces_of_its_own_without_adaptation_too(judged: dict[str, Any]) -> None:
    one, two = (row["distance"][UNADAPTED] for row in judged["rows"])
    assert one["own"] != two["other"], "the same pieces would be as far from either hand"


def test_the_same_run_is_judged_the_same_twice(judged: dict[str, Any], run: Run) -> None:
    assert judge_created(run, hands=24, config=SMALL, progress=False) == judged


def test_the_table_names_every_kind_and_chance(judged: dict[str, Any]) -> None:
    table = judgement_table(judged)
    for words in (CREATED, UNADAPTED, REAL, EXAMPLES, "chance", "24 hands were asked for"):
        assert words in table
    rows = [line for line in table.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in rows)


def test_pieces_created_one_by_one_are_those_created_at_once(judged: dict[str, Any], run: Run) -> None:
    alone = judge_created(run, hands=24, config=dataclasses.replace(SMALL, batch=1), progress=False)
    assert alone == judged


def test_the_picture_shows_every_hand(judged: dict[str, Any], tmp_path: Path) -> None:
    plot_created(judged, tmp_path / "created.png")
    with Image.open(tmp_path / "created.png") as picture:
        assert picture.format == "PNG"


def test_only_music_is_judged(critique_run: Path) -> None:
    with pytest.raises(UserError, match="a run of music"):
        judge_created(load(critique_run), config=SMALL, progress=False)


def test_fewer_than_two_hands_are_refused(run: Run) -> None:
    with pytest.raises(UserError, match="two test hands or more"):
        judge_created(run, hands=1, progress=False)
    with pytest.raises(UserError, match="0 of 2"):
        judge_created(run, config=JudgeConfig(least_held_out=1000), progress=False)


def like(entropy: float, interval: int) -> Features:
    """A made-up piece."""
    intervals, durations = np.zeros(25), np.zeros(13)
    intervals[interval] = durations[0] = 1.0
    return Features(np.array([entropy, 1.0, math.nan]), intervals, durations)


def test_pieces_like_their_hand_are_nearer_to_it_and_swapped_ones_are_not() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, size=(2, 6))
    held = [
        [like(center + n, interval) for n in row]
        for (center, interval), row in zip([(2, 3), (3, 9)], noise, strict=True)
    ]
    same = [[like(2, 3)] * 4, [like(3, 9)] * 4]
    measured = distances({"same": same, "swapped": same[::-1], "real": held}, "real")
    assert measured["same"]["nearer"].tolist() == measured["real"]["nearer"].tolist() == [1, 1]
    assert measured["swapped"]["nearer"].tolist() == [0, 0]
    np.testing.assert_allclose(measured["same"]["own"], measured["swapped"]["other"][::-1])
    np.testing.assert_allclose(measured["real"]["other"].mean(), 1, rtol=1e-6)
    assert np.isnan(measured["same"]["groove_consistency own"]).all(), "no piece was long enough"


def test_a_real_work_is_compared_with_the_other_works_of_its_hand() -> None:
    held = [[like(0, 3), like(0, 3), like(6, 3)], [like(2, 9), like(2, 9), like(2, 9)]]
    measured = distances({"real": held}, "real")
    values = np.array([0, 0, 6, 2, 2, 2])
    own = np.mean([abs(0 - 3), abs(0 - 3), abs(6 - 0)]) / values.std()
    other = np.mean([2, 2, 4, 0, 0, 0]) / values.std()
    assert measured["real"]["pitch_class_entropy own"][0] == pytest.approx(own / other)


def test_likeliness_of_known_numbers() -> None:
    nats = np.array([[1.0, 3.0, 2.0], [2.0, 1.0, 2.0], [3.0, 2.0, 5.0]])
    measured = likeliness(nats, np.array([0, 1, 2]))
    assert measured["pairs"].tolist() == [1, 1, 0]
    assert measured["first"].tolist() == [1, 1, 0]
    assert measured["rank"].tolist() == [1, 1, 3]
    assert measured["ahead"].tolist() == [1.5, 1.5, -3]


def test_models_that_are_all_alike_win_half_of_the_pairs() -> None:
    measured = likeliness(np.ones((4, 8)), np.repeat(np.arange(4), 2))
    assert measured["pairs"].tolist() == [0.5] * 4
    assert measured["rank"].tolist() == [2.5] * 4


def test_an_example_is_compared_with_the_others_and_not_with_itself() -> None:
    runs: Sequence[tuple[int, ...]] = [(1,), (2,), (3,)]
    examples = [[runs, [(1,), (9,)]]]
    measured = copies({"copied": [[runs]], "new": [[[(7,)], [(8,), (1,)]]], "short": [[[]]]}, examples)
    assert measured["copied"]["share"].tolist() == [1]
    assert measured["new"]["share"].tolist() == [0.25]
    assert measured["new"]["largest"].tolist() == [0.5]
    assert np.isnan(measured["short"]["share"]).all()
    assert measured[EXAMPLES]["share"].tolist() == [pytest.approx((1 / 3 + 1 / 2) / 2)]
