"""Which task comes when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.data.sampler import EpisodeConfig, TaskSampler
from metaart.errors import UserError
from metaart.tasks import Examples


class Numbers:
    """A hand whose works are their own numbers, beside a number that the variation draws."""

    def __init__(self, name: str, num_works: int, offset: int) -> None:
        self.name, self.num_works, self.offset = name, num_works, offset

    def examples(self, works: Sequence[int], variation: np.random.Generator) -> Examples:
        drawn = int(variation.integers(2**31))
        return {
            "works": torch.tensor([self.offset + work for work in works], dtype=torch.int64),
            "variation": torch.tensor([drawn for _ in works], dtype=torch.int64),
        }


def hands(*sizes: int) -> list[Numbers]:
    return [Numbers(str(index), size, 1000 * index) for index, size in enumerate(sizes)]


def rows(examples: Examples) -> list[int]:
    return examples["works"].tolist()


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=5).filter(lambda sizes: max(sizes) >= 8),
    st.integers(0, 4),
    st.integers(1, 4),
    st.integers(0, 2**32),
    st.integers(0, 10**6),
)
def test_support_and_query_are_other_works_of_one_hand(
    sizes: list[int], support: int, query: int, seed: int, step: int
) -> None:
    sampler = TaskSampler(hands(*sizes), EpisodeConfig(support, query), seed)
    task = sampler.task(step, 3)
    works = rows(task.support) + rows(task.query)
    assert (len(rows(task.support)), len(rows(task.query))) == (support, query)
    assert len(set(works)) == support + query
    (hand,) = {work // 1000 for work in works}
    assert sampler.hand(step, 3).name == str(hand)
    assert task.names == (str(hand),)
    assert all(work % 1000 < sizes[hand] for work in works)
    variations = {drawn for part in (task.support, task.query) for drawn in part["variation"].tolist()}
    assert len(variations) == 1


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.integers(0, 1000), st.integers(1, 5), st.integers(1, 12))
def test_ranks_draw_together_what_one_process_draws(seed: int, step: int, world: int, tasks: int) -> None:
    config = EpisodeConfig(2, 2)
    alone = TaskSampler(hands(9, 20, 30), config, seed)
    whole = [alone.task(step, index) for index in range(tasks)]
    shared: dict[int, list[int]] = {}
    for rank in range(world):
        sampler = TaskSampler(hands(9, 20, 30), config, seed)
        for index in range(rank, tasks, world):
            assert index not in shared
            task = sampler.task(step, index)
            shared[index] = rows(task.support) + rows(task.query)
    assert shared == {index: rows(task.support) + rows(task.query) for index, task in enumerate(whole)}


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.integers(1, 40), min_size=2, max_size=9),
    st.integers(2, 5),
    st.integers(0, 4),
    st.integers(1, 4),
    st.integers(0, 2**32),
    st.integers(0, 10**6),
)
def test_a_task_of_several_hands_says_whose_each_work_is(
    sizes: list[int], ways: int, support: int, query: int, seed: int, step: int
) -> None:
    sizes = [*sizes, *[8] * ways]
    config = EpisodeConfig(support, query, ways=ways)
    sampler = TaskSampler(hands(*sizes), config, seed)
    task = sampler.task(step, 3)
    again = TaskSampler(hands(*sizes), config, seed).task(step, 3)
    drawn = sampler.drawn(step, 3)
    assert len({hand.name for hand in drawn}) == ways
    assert task.names == again.names == (" | ".join(hand.name for hand in drawn),)
    for side, other, count in zip(task.sides, again.sides, (support, query), strict=True):
        assert side["labels"].dtype == torch.int64
        assert side["labels"].tolist() == [label for label in range(ways) for _ in range(count)]
        assert [drawn[label].name for label in side["labels"]] == [str(work // 1000) for work in rows(side)]
        assert all(torch.equal(value, other[name]) for name, value in side.items())
    works = rows(task.support) + rows(task.query)
    assert len(set(works)) == ways * (support + query)
    assert all(work % 1000 < sizes[work // 1000] for work in works)
    for label in range(ways):
        seen = {
            int(value)
            for side in task.sides
            for value, owner in zip(side["variation"], side["labels"], strict=True)
            if owner == label
        }
        assert len(seen) == 1


def test_the_hands_of_a_task_have_their_own_variations_or_one() -> None:
    task = TaskSampler(hands(20, 20, 20, 20), EpisodeConfig(2, 2, ways=4), 3).task(0, 0)
    assert len(set(task.support["variation"].tolist())) == 4
    shared = TaskSampler(hands(20, 20, 20, 20), EpisodeConfig(2, 2, ways=4, shared_variation=True), 3).task(0, 0)
    assert len({value for side in shared.sides for value in side["variation"].tolist()}) == 1
    assert all(torch.equal(side["works"], other["works"]) for side, other in zip(shared.sides, task.sides, strict=True))


def test_one_hand_has_no_labels_and_too_few_hands_are_refused() -> None:
    assert "labels" not in TaskSampler(hands(20, 20), EpisodeConfig(2, 2), 3).task(0, 0).support
    with pytest.raises(UserError, match=r"at least 3 hands .* 2 large enough"):
        TaskSampler(hands(20, 20, 3), EpisodeConfig(2, 2, ways=3), 3)
    with pytest.raises(UserError, match=r"meta.episode.ways to be a whole number from 1 up"):
        EpisodeConfig(ways=0)


def test_every_label_of_a_task_is_any_hands() -> None:
    """A label must say nothing about a hand by itself."""
    sampler = TaskSampler(hands(20, 20, 20), EpisodeConfig(1, 1, ways=3), 5)
    counts = Counter((label, hand.name) for index in range(600) for label, hand in enumerate(sampler.drawn(0, index)))
    assert len(counts) == 9
    assert all(150 < count < 250 for count in counts.values())


def test_a_batch_is_its_tasks_stacked() -> None:
    sampler = TaskSampler(hands(9, 20), EpisodeConfig(2, 3), 5)
    batch = sampler.batch(7, [4, 0])
    for row, index in enumerate((4, 0)):
        task = sampler.task(7, index)
        assert torch.equal(batch.support["works"][row], task.support["works"])
        assert torch.equal(batch.query["works"][row], task.query["works"])


def test_tasks_differ_by_seed_step_and_place() -> None:
    config = EpisodeConfig(5, 5)
    tasks = {
        tuple(rows(TaskSampler(hands(200), config, seed).task(step, index).support))
        for seed in range(5)
        for step in range(5)
        for index in range(5)
    }
    assert len(tasks) == 125


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_hands_are_drawn_by_a_power_of_their_size(power: float) -> None:
    sizes = np.array([10, 40, 160])
    sampler = TaskSampler(hands(*sizes), EpisodeConfig(2, 2, power), 1)
    drawn = Counter(sampler.hand(0, index).name for index in range(3000))
    wanted = sizes**power / (sizes**power).sum()
    assert np.array([drawn[str(index)] for index in range(3)]) / 3000 == pytest.approx(wanted, abs=0.03)


def test_hands_too_small_are_never_drawn_and_none_large_enough_is_refused() -> None:
    sampler = TaskSampler(hands(3, 4, 50), EpisodeConfig(2, 2), 1)
    assert [hand.name for hand in sampler.hands] == ["1", "2"]
    with pytest.raises(UserError, match="2 hands, the largest with 4"):
        TaskSampler(hands(3, 4), EpisodeConfig(3, 2), 1)
    with pytest.raises(UserError, match="0 hands"):
        TaskSampler([], EpisodeConfig(), 1)


@pytest.mark.parametrize(("support", "query", "refused"), [(-1, 5, "support"), (5, 0, "query")])
def test_an_episode_without_works_is_refused(support: int, query: int, refused: str) -> None:
    with pytest.raises(UserError, match=f"meta.episode.{refused} to be a whole number from"):
        EpisodeConfig(support, query)
