"""Which task comes when: a pure function of seed, step and place in the batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from metaart.errors import UserError
from metaart.tasks import Examples, Task, select, stack


class DrawsWorks(Protocol):
    """What the sampler needs of a hand."""

    name: str
    num_works: int

    def examples(self, works: Sequence[int], variation: np.random.Generator) -> Examples:
        """The works of these indices; the same generator state, the same variation."""


@dataclass(frozen=True)
class EpisodeConfig:
    """What one task holds.

    Attributes:
        support: works to adapt to (shots).
        query: other works of the same hand to be judged on.
        size_power: hands are drawn with probability proportional to (number of works) ** size_power; 0 draws all
            hands alike, 1 all works alike.
    """

    support: int = 5
    query: int = 5
    size_power: float = 0.5

    def __post_init__(self) -> None:
        if self.support < 0 or self.query < 1:
            raise UserError(
                expected="episodes of 0 or more support works and 1 or more query works",
                got=f"support={self.support}, query={self.query}",
                fix="Use --set meta.episode.support=5 --set meta.episode.query=5.",
            )


class TaskSampler:
    """Draws episodes: a hand, a variation of it, disjoint support and query works.

    Task `index` of step `step` depends on (seed, step, index) alone. So a run resumes without any state to restore,
    and N workers that take the indices r, r + N, ... draw together exactly what one worker draws.

    Args:
        hands: what to draw from.
        config: works per task.
        seed: of the whole stream of tasks.
    """

    def __init__(self, hands: Sequence[DrawsWorks], config: EpisodeConfig, seed: int) -> None:
        needed = config.support + config.query
        self.hands = [hand for hand in hands if hand.num_works >= needed]
        if not self.hands:
            most = max((hand.num_works for hand in hands), default=0)
            raise UserError(
                expected=f"at least one hand with {config.support} support + {config.query} query works",
                got=f"{len(hands)} hands, the largest with {most} works",
                fix="Prepare more data, or lower the number of support and query works.",
            )
        self.config, self.seed = config, seed
        weights = np.array([hand.num_works for hand in self.hands], dtype=np.float64) ** config.size_power
        self._probabilities = weights / weights.sum()

    def task(self, step: int, index: int) -> Task:
        """One task; its tensors have the works first."""
        choice, variation_seed = np.random.SeedSequence([self.seed, step, index]).spawn(2)
        rng = np.random.default_rng(choice)
        return self.episode(self._hand(rng), rng, variation_seed)

    def hand(self, step: int, index: int) -> DrawsWorks:
        """The hand of one task."""
        choice, _ = np.random.SeedSequence([self.seed, step, index]).spawn(2)
        return self._hand(np.random.default_rng(choice))

    def episode(self, hand: DrawsWorks, rng: np.random.Generator, variation: np.random.SeedSequence) -> Task:
        """A task of one given hand."""
        num_support, num_query = self.config.support, self.config.query
        works = [int(work) for work in rng.choice(hand.num_works, size=num_support + num_query, replace=False)]
        return Task(
            hand.examples(works[:num_support], np.random.default_rng(variation)),
            hand.examples(works[num_support:], np.random.default_rng(variation)),
        )

    def batch(self, step: int, indices: Iterable[int]) -> Task:
        """The tasks of these indices, stacked; no indices give a batch of the same shapes with no tasks."""
        tasks = [self.task(step, index) for index in indices]
        return stack(tasks) if tasks else select(stack([self.task(step, 0)]), slice(0, 0))

    def _hand(self, rng: np.random.Generator) -> DrawsWorks:
        return self.hands[rng.choice(len(self.hands), p=self._probabilities)]
