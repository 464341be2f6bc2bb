import dataclasses
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from metaart.algorithms import Batching
from metaart.algorithms.maml import MAML, MAMLConfig
from metaart.artists.run import Run
from metaart.arts import load
from metaart.arts.music.views import baselines, views
from metaart.build import build_domain, build_sampler
from metaart.config import RunConfig
from metaart.data.shards import Dataset
from metaart.errors import UserError
from metaart.evaluation import adaptation, measuring
from metaart.evaluation.adaptation import BEFORE, EvaluationConfig, evaluate
from metaart.evaluation.measuring import curve
from metaart.evaluation.options import AdaptationOptions
from metaart.evaluation.resumable import FOLDER
from metaart.evaluation.statistics import half_width, half_width_by_hand
from metaart.tasks import select

SMALL = EvaluationConfig(
    episodes=12,
    validation_episodes=4,
    steps=(0, 1, 2),
    sgd_rates=(0.4, 0.8),
    adam_rates=(0.004, 0.008),
    scratch_rates=(0.01, 0.02),
    extensions=1,
    batch=5,
)
META, SGD, BIGRAMS = "meta: music", "fine-tuning, SGD", "bigrams of the support set"


@pytest.fixture(scope="module")
def run(tiny_run: Path) -> Run:
    return load(tiny_run)


@pytest.fixture(scope="module")
def result(run: Run) -> dict[str, Any]:
    return judged(run)


def judged(run: Run, config: EvaluationConfig = SMALL, **options: Any) -> dict[str, Any]:
    """A run of music, judged as its art has it."""
    domain: Any = run.domain
    return evaluate(run, config, views=views(domain), baselines=baselines(domain), progress=False, **options)


def episodes(config: RunConfig, split: Any = "test", number: int = SMALL.episodes) -> Any:
    domain = build_domain(config)
    sampler = build_sampler(dataclasses.replace(config, seed=SMALL.seed), config.meta, domain, split)
    return sampler.batch(0, range(number)), [sampler.hand(0, index).name for index in range(number)]


def test_the_curve_at_step_k_is_the_loss_after_adapting_k_steps(run: Run, tiny_config: RunConfig) -> None:
    algorithm, looks = run.algorithm, views(run.domain)  # type: ignore[arg-type]
    tasks, _ = episodes(tiny_config, number=3)
    measured = curve(algorithm, looks, tasks, (0, 1, 3))
    assert measured.shape == (3, 2, 3)
    for index in range(3):
        task = select(tasks, index)
        for column, steps in enumerate((0, 1, 3)):
            adapted = algorithm.adapt(task.support, steps)
            for view, look in enumerate(looks.values()):
                by_hand = algorithm.query_loss(adapted, look(task.query))
                torch.testing.assert_close(measured[index, view, column], by_hand.detach(), rtol=1e-5, atol=1e-6)


def test_the_opening_ends_before_the_third_bar(tiny_config: RunConfig) -> None:
    domain: Any = build_domain(tiny_config)
    tasks, _ = episodes(tiny_config, number=2)
    opening, whole = views(domain)["opening"](tasks.query)["tokens"], tasks.query["tokens"]
    bar = domain.vocabulary.bar
    for short, long in zip(opening.flatten(0, 1), whole.flatten(0, 1), strict=True):
        heard = short[short != domain.vocabulary.pad]
        assert (heard == bar).sum() <= 2
        assert torch.equal(heard, long[: len(heard)])
        assert len(heard) == len(long) or long[len(heard)] in (bar, domain.vocabulary.pad)


def test_means_and_paired_intervals_equal_those_worked_out_by_hand(
    result: dict[str, Any], run: Run, tiny_config: RunConfig
) -> None:
    looks = views(run.domain)  # type: ignore[arg-type]
    tasks, hands = episodes(tiny_config)
    own = curve(run.algorithm, looks, tasks, SMALL.steps).double().numpy()
    for view, name in enumerate(looks):
        for column, steps in enumerate(SMALL.steps):
            cell = result["methods"][META]["views"][name][str(steps)]
            assert cell["mean"] == pytest.approx(own[:, view, column].mean(), rel=1e-5)
            assert cell["interval"] == pytest.approx(half_width(own[:, view, column]), rel=1e-3)
    rate = result["methods"][SGD]["views"]["whole"]["1"]["rate"]
    tuner = MAML(run.domain.base_learner(), MAMLConfig(order=1, alpha=rate), Batching("loop"))
    tuner.load_theta(run.pooled or {})
    other = curve(tuner, looks, tasks, (1,)).double().numpy()
    ahead = other[:, 0, 0] - own[:, 0, 1]
    (row,) = [
        row for row in result["paired"] if (row["other"], row["view"], row["steps"]) == (SGD, "whole", 1)
    ]  # fmt: skip
    assert row["ahead"] == pytest.approx(ahead.mean(), rel=1e-4)
    assert row["interval"] == pytest.approx(half_width(ahead), rel=1e-3)
    assert row["interval_by_hand"] == pytest.approx(half_width_by_hand(ahead, hands), rel=1e-3)


def test_bigrams_are_counted_on_each_support_set_alone(result: dict[str, Any], tiny_config: RunConfig) -> None:
    domain: Any = build_domain(tiny_config)
    tasks, _ = episodes(tiny_config)
    size, losses = domain.vocabulary.size, []
    for index in range(SMALL.episodes):
        task = select(tasks, index)
        support, query = (part["tokens"].tolist() for part in (task.support, task.query))
        pairs = [(a, b) for work in support for a, b in pairwise(work) if b]
        unigram = np.full(size, 0.1)
        for _, after in pairs:
            unigram[after] += 1
        unigram /= unigram.sum()
        nats = []
        for work in query:
            for before, after in pairwise(work):
                if after:
                    seen = [b for a, b in pairs if a == before]
                    kinds = max(len(set(seen)), 1)
                    nats.append(-np.log((seen.count(after) + kinds * unigram[after]) / (len(seen) + kinds)))
        losses.append(np.mean(nats))
    for steps in SMALL.steps:
        cell = result["methods"][BIGRAMS]["views"]["whole"][str(steps)]
        assert cell["mean"] == pytest.approx(np.mean(losses), rel=1e-4)


def test_every_rival_is_there_and_the_result_is_json(result: dict[str, Any], music_data: Path) -> None:
    assert list(result["methods"]) == [
        META, SGD, "fine-tuning, Adam", "from scratch on the support set", BIGRAMS
    ]  # fmt: skip
    assert {row["other"] for row in result["paired"]} == {BEFORE, *result["methods"]} - {META}
    assert set(result["hands"]) <= set(Dataset.open(music_data).groups("test"))
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    before = [row for row in result["paired"] if row["other"] == BEFORE and row["steps"] == 0]
    assert all(row["ahead"] == 0 for row in before)


def test_an_evaluation_that_was_stopped_goes_on(
    run: Run, result: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, measure = [0], measuring.curve

    def counted(*arguments: Any) -> Tensor:
        calls[0] += 1
        if calls[0] == stop_at:
            raise KeyboardInterrupt
        return measure(*arguments)

    monkeypatch.setattr(measuring, "curve", counted)
    stop_at = 8
    with pytest.raises(KeyboardInterrupt):
        judged(run, out=tmp_path)
    measured = sorted((tmp_path / FOLDER).rglob("*.npy"))
    assert len(measured) >= 2
    measured[0].write_bytes(measured[0].read_bytes()[:-9])  # as a machine leaves it that loses its power
    before, stop_at = calls[0], 0
    assert judged(run, out=tmp_path) == result
    assert not (tmp_path / FOLDER).exists()
    again, calls[0] = calls[0] - before, 0
    assert judged(run) == result
    assert again < calls[0], "what was measured is not measured again"


def test_rates_are_those_that_were_best_on_validation(result: dict[str, Any], run: Run, tiny_config: RunConfig) -> None:
    tasks, _ = episodes(tiny_config, "validation", SMALL.validation_episodes)
    tried = result["methods"][SGD]["tried"]
    losses = {}
    for rate in tried:
        tuner = MAML(run.domain.base_learner(), MAMLConfig(order=1, alpha=rate), Batching("loop"))
        tuner.load_theta(run.pooled or {})
        whole = {"whole": measuring.whole}
        losses[rate] = curve(tuner, whole, tasks, (2,)).mean(0)[0, 0].item()
    assert result["methods"][SGD]["views"]["whole"]["2"]["rate"] == min(tried, key=lambda rate: losses[rate])


def test_test_hands_have_no_say_in_the_rates(result: dict[str, Any], run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other test episodes, other losses, the same rates."""
    genuine = adaptation.build_sampler

    def others(config: Any, stage: Any, domain: Any, split: Any) -> Any:
        seeded = dataclasses.replace(config, seed=99) if split == "test" else config
        return genuine(seeded, stage, domain, split)

    monkeypatch.setattr(adaptation, "build_sampler", others)
    other = judged(run)
    for name, method in result["methods"].items():
        for view, cells in method["views"].items():
            for steps, cell in cells.items():
                assert other["methods"][name]["views"][view][steps]["rate"] == cell["rate"]
        assert other["methods"][name]["tried"] == method["tried"]
        assert other["methods"][name]["views"]["whole"]["2"]["mean"] != method["views"]["whole"]["2"]["mean"]


def test_a_run_without_a_pooled_stage_is_judged_beside_the_rest(tmp_path: Path) -> None:
    """The sine waves: one hand, no bigrams, no pretraining."""
    from metaart.config import override
    from metaart.recipes import recipe
    from metaart.training.plan import plan_run
    from metaart.training.run import prepare_run, train_run

    config = override(recipe("sinusoid"), ["meta.steps=2", "meta.validation_tasks=4", "batching.mode=loop"])
    plan = plan_run(config, tmp_path / "run")
    prepare_run(plan, resume=False)
    train_run(plan)
    few = EvaluationConfig(episodes=4, validation_episodes=4, steps=(0, 1), scratch_rates=(0.01,), extensions=0)
    found = evaluate(load(tmp_path / "run"), few, progress=False)
    assert list(found["methods"]) == ["meta: sinusoid", "from scratch on the support set"]
    assert all(row["interval_by_hand"] is None for row in found["paired"]), "all waves are of one hand"


def test_what_starts_from_nothing_may_be_left_out(run: Run, music_data: Path) -> None:
    few = EvaluationConfig(
        episodes=4, validation_episodes=4, steps=(0, 1), sgd_rates=(0.1,), adam_rates=(0.001,), extensions=0,
        from_nothing=False,
    )  # fmt: skip
    methods = judged(run, few, data=music_data)["methods"]
    assert [*methods] == ["meta: music", "fine-tuning, SGD", "fine-tuning, Adam"]


def test_a_rival_that_is_not_there_or_was_not_pooled_is_named(run: Run, critique_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        run.others([f"pooled={tmp_path / 'nowhere'}"])
    with pytest.raises(UserError, match=r"pooled\.safetensors"):
        judged(run, rivals={"pooled": load(critique_run)})


@pytest.mark.parametrize("wrong", [{"episodes": 1}, {"validation_episodes": 0}, {"steps": ()}, {"steps": (-1,)}])
def test_numbers_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    name = next(iter(wrong))
    with pytest.raises(UserError, match=name):
        EvaluationConfig(**wrong)
    with pytest.raises(UserError, match=name):
        AdaptationOptions(**wrong)
