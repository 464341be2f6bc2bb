"""Losses of contenders on episodes, worked out by hand on the sine waves."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from metaart.algorithms import Batching
from metaart.algorithms.maml import MAML, MAMLConfig
from metaart.build import build_domain
from metaart.config import RunConfig
from metaart.data.sampler import TaskSampler
from metaart.domains import Domain
from metaart.evaluation.measuring import Episodes, Losses, Measurer
from metaart.evaluation.resumable import Measurements
from metaart.evaluation.rivals import LEARNED, FineTuning
from metaart.recipes import recipe
from metaart.tasks import Examples, Task, select, unstack

CONFIG: RunConfig = recipe("sinusoid")


@pytest.fixture(scope="module")
def domain() -> Domain:
    return build_domain(CONFIG)


@pytest.fixture(scope="module")
def sampler(domain: Domain) -> TaskSampler:
    return TaskSampler(domain.hands(None, "test", varied=False), CONFIG.meta.episode, seed=5)


def first_three(examples: Examples) -> Examples:
    return {name: value[..., :3, :] for name, value in examples.items()}


VIEWS = {"all": lambda examples: examples, "first": first_three}


def measurer(domain: Domain) -> Measurer:
    return Measurer(domain, VIEWS, Measurements(None, {}), progress=False)


def tuner(domain: Domain, *rates: float) -> FineTuning:
    torch.manual_seed(0)
    theta = {name: value.detach() for name, value in domain.learner().named_parameters()}
    return FineTuning("tuner", 0, domain, theta, "sgd", rates)


@pytest.mark.parametrize(("count", "batch", "sizes"), [(5, 2, [2, 2, 1]), (4, 2, [2, 2]), (3, 9, [3]), (0, 4, [])])
def test_episodes_are_the_first_of_the_sampler_whatever_the_batches(
    sampler: TaskSampler, count: int, batch: int, sizes: list[int]
) -> None:
    episodes = Episodes.drawn(sampler, "test", count, batch)
    assert [len(tasks.names) for tasks in episodes.batches] == sizes
    for index, task in enumerate(task for tasks in episodes.batches for task in unstack(tasks)):
        alone = select(sampler.batch(0, [index]), 0)
        for mine, other in ((task.support, alone.support), (task.query, alone.query)):
            assert all(torch.equal(mine[name], value) for name, value in other.items())


def test_a_digest_says_whether_two_episodes_are_the_same(sampler: TaskSampler) -> None:
    episodes = Episodes.drawn(sampler, "test", 3, 2)
    assert episodes.digest() == Episodes.drawn(sampler, "test", 3, 2).digest()
    assert episodes.digest() != Episodes.drawn(sampler, "test", 4, 2).digest()
    first = episodes.batches[0]

    def turned(task: Task) -> Task:
        return task._replace(support=dict(reversed(task.support.items())))

    def nudged(task: Task) -> Task:
        return task._replace(query={name: value + 1e-6 for name, value in task.query.items()})

    rest = episodes.batches[1:]
    assert Episodes("test", [turned(first), *rest]).digest() == episodes.digest()
    assert Episodes("test", [nudged(first), *rest]).digest() != episodes.digest()


def test_losses_are_those_after_so_many_steps_by_hand(domain: Domain, sampler: TaskSampler) -> None:
    episodes, contender = Episodes.drawn(sampler, "test", 3, 2), tuner(domain, 0.01)
    losses = measurer(domain).losses(contender, 0.01, episodes, (0, 2, 5))
    assert losses.shape == (3, 2, 3)
    by_hand = MAML(domain.base_learner(), MAMLConfig(order=1, alpha=0.01), Batching("loop"))
    by_hand.load_theta(contender.at(0.01).theta())
    for index, task in enumerate(task for tasks in episodes.batches for task in unstack(tasks)):
        for column, steps in enumerate((0, 2, 5)):
            params = by_hand.adapt(task.support, steps)
            for view, look in enumerate(VIEWS.values()):
                loss = float(domain.loss(by_hand.predict(params), look(task.query)).detach())
                assert losses[index, view, column] == pytest.approx(loss, rel=1e-4)


class Scripted(Measurer):
    """Mean losses by rate as they are written down; keeps what it is asked."""

    def __init__(self, losses: dict[float, list[list[float]]], steps: Sequence[int]) -> None:
        self.script, self.steps = losses, list(steps)
        self.calls: list[tuple[float, str, tuple[int, ...]]] = []

    def losses(self, contender: Any, rate: float, episodes: Episodes, steps: Sequence[int]) -> Losses:
        self.calls.append((rate, episodes.split, tuple(steps)))
        columns = [self.steps.index(number) for number in steps]
        shift = 100.0 if episodes.split == "test" else 0.0
        return np.array(self.script[rate])[None][:, :, columns] + shift + np.zeros((2, 1, 1))


def test_each_view_and_number_of_steps_has_the_rate_that_validation_chose() -> None:
    """And each rate is measured on test episodes once, for no more steps than ask for it."""
    steps = (0, 1, 5)
    scripted = Scripted({0.1: [[9, 3, 7], [9, 1, 8]], 0.2: [[9, 4, 5], [9, 2, 6]], 0.4: [[9, 8, 8], [9, 8, 8]],
                         0.05: [[9, 6, 9], [9, 5, 9]]}, steps)  # fmt: skip
    contender: Any = SimpleNamespace(rates=(0.1, 0.2))
    losses, best, tried = scripted.at_best_rates(
        contender, Episodes("validation", []), Episodes("test", []), steps, extensions=3
    )
    assert best is not None
    assert tried == [0.05, 0.1, 0.2, 0.4]
    assert best.tolist() == [[0.1, 0.1, 0.2], [0.1, 0.1, 0.2]]
    assert losses.tolist() == [[[109, 103, 105], [109, 101, 106]]] * 2
    assert [entry for entry in scripted.calls if entry[1] == "test"] == [(0.1, "test", (0, 1)), (0.2, "test", (5,))]


def test_a_method_that_learned_its_rates_is_measured_once() -> None:
    scripted = Scripted({LEARNED: [[1, 2], [3, 4]]}, (0, 1))
    contender: Any = SimpleNamespace(rates=())
    losses, best, tried = scripted.at_best_rates(
        contender, Episodes("validation", []), Episodes("test", []), (0, 1), extensions=3
    )
    assert losses.tolist() == [[[101, 102], [103, 104]]] * 2
    assert (best, tried) == (None, [])
    assert scripted.calls == [(LEARNED, "test", (0, 1))]


def test_a_baseline_is_counted_from_each_support_set_and_takes_no_steps(domain: Domain, sampler: TaskSampler) -> None:
    episodes = Episodes.drawn(sampler, "test", 3, 2)

    def mean(support: Examples) -> Any:
        return lambda inputs: support["y"].mean() * torch.ones_like(inputs)

    losses = measurer(domain).baseline(mean, episodes.batches, (0, 1, 5))
    assert losses.shape == (3, 2, 3)
    for index, task in enumerate(task for tasks in episodes.batches for task in unstack(tasks)):
        for view, look in enumerate(VIEWS.values()):
            by_hand = (look(task.query)["y"] - task.support["y"].mean()).square().mean()
            assert losses[index, view].tolist() == pytest.approx([float(by_hand)] * 3)
