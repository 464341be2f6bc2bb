"""Which task comes when: a pure function of seed, step and index in the batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
import torch

from metaart.errors import UserError
from metaart.options import option, options
from metaart.tasks import Examples, Task, select, stack


class DrawsWorks(Protocol):
    """What the sampler needs of a hand."""

    name: str
    num_works: int

    def examples(self, works: Sequence[int], variation: np.random.Generator) -> Examples:
        """The works of these indices; the same generator state, the same variation."""


@options(section="meta.episode")
class EpisodeConfig:
    """What one task holds.

    With 2 or more `ways` the examples gain "labels": (works,) int64, the index of a work's hand in the task, from 0;
    with 1 there is nothing to tell apart.
    """

    support: int = option(default=5, ge=0, help="works to adapt to (shots), of each hand")
    query: int = option(default=5, ge=1, help="other works of the same hand to be judged on, of each hand")
    size_power: float = option(
        default=0.5,
        help="hands are drawn with probability proportional to (number of works) ** size_power; 0 draws all hands "
        "alike, 1 all works alike",
    )
    ways: int = option(default=1, ge=1, help="hands of a task, all different")
    shared_variation: bool = option(default=False, help="whether all hands of a task are varied alike")


class TaskSampler:
    """Draws episodes: hands, a variation of each, disjoint support and query works.

    Task `index` of step `step` depends on (seed, step, index) alone. So a run resumes without any state to restore,
    and N workers that take the indices r, r + N, ... draw together exactly what one worker draws.

    Args:
        hands: what to draw from.
        config: hands and works per task.
        seed: of the whole stream of tasks.
    """

    def __init__(self, hands: Sequence[DrawsWorks], config: EpisodeConfig, seed: int) -> None:
        needed = config.support + config.query
        self.hands = [hand for hand in hands if hand.num_works >= needed]
        if len(self.hands) < config.ways:
            most = max((hand.num_works for hand in hands), default=0)
            least = "at least one hand" if config.ways == 1 else f"at least {config.ways} hands"
            raise UserError(
                expected=f"{least} with {config.support} support + {config.query} query works",
                got=f"{len(hands)} hands, the largest with {most} works, {len(self.hands)} large enough",
                fix="Prepare more data, or lower the number of hands, support and query works.",
            )
        self.config, self.seed = config, seed
        weights = np.array([hand.num_works for hand in self.hands], dtype=np.float64) ** config.size_power
        self._probabilities = weights / weights.sum()

    def task(self, step: int, index: int) -> Task:
        """One task; its tensors have the works first, those of the first hand before those of the second."""
        # Two streams: however much a variation draws, the works that are chosen stay the same.
        choice, variation = np.random.SeedSequence([self.seed, step, index]).spawn(2)
        rng = np.random.default_rng(choice)
        drawn = self._drawn(rng)
        if self.config.ways == 1:
            return self.episode(drawn[0], rng, variation)
        seeds = [variation] * len(drawn) if self.config.shared_variation else variation.spawn(len(drawn))
        return _joined([self.episode(hand, rng, own) for hand, own in zip(drawn, seeds, strict=True)])

    def hand(self, step: int, index: int) -> DrawsWorks:
        """The hand of one task, the first where it has several."""
        return self.drawn(step, index)[0]

    def drawn(self, step: int, index: int) -> list[DrawsWorks]:
        """The hands of one task, in the order of their labels."""
        choice, _ = np.random.SeedSequence([self.seed, step, index]).spawn(2)
        return self._drawn(np.random.default_rng(choice))

    def episode(self, hand: DrawsWorks, rng: np.random.Generator, variation: np.random.SeedSequence) -> Task:
        """A task of one given hand."""
        num_support, num_query = self.config.support, self.config.query
        works = [int(work) for work in rng.choice(hand.num_works, size=num_support + num_query, replace=False)]
        # Two generators of one seed: both sides see the same variation of the hand.
        return Task(
            hand.examples(works[:num_support], np.random.default_rng(variation)),
            hand.examples(works[num_support:], np.random.default_rng(variation)),
            (hand.name,),
        )

    def batch(self, step: int, indices: Iterable[int]) -> Task:
        """The tasks of these indices, stacked; no indices give a batch of the same shapes with no tasks."""
        tasks = [self.task(step, index) for index in indices]
        # A worker without tasks takes part in an evaluation all the same, and needs tensors of these shapes.
        return stack(tasks) if tasks else select(stack([self.task(step, 0)]), slice(0, 0))

    def _drawn(self, rng: np.random.Generator) -> list[DrawsWorks]:
        if self.config.ways == 1:  # the draw that runs of one hand have always made
            return [self.hands[rng.choice(len(self.hands), p=self._probabilities)]]
        chosen = rng.choice(len(self.hands), size=self.config.ways, replace=False, p=self._probabilities)
        return [self.hands[index] for index in chosen]


def _joined(tasks: Sequence[Task]) -> Task:
    """Tasks of one hand each as one task whose examples say by "labels" which hand a work is of."""

    def join(sides: Sequence[Examples]) -> Examples:
        labels = [
            torch.full((next(iter(side.values())).shape[0],), label, dtype=torch.int64)
            for label, side in enumerate(sides)
        ]
        joined = {name: torch.cat([side[name] for side in sides]) for name in sides[0]}
        return {**joined, "labels": torch.cat(labels)}

    names = (" | ".join(name for task in tasks for name in task.names),)
    return Task(join([task.support for task in tasks]), join([task.query for task in tasks]), names)
