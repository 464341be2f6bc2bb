"""Episodes of rating: works that a made curator rated, and others that are to be rated; the same for every method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from metaart.data.location import Where
from metaart.data.sampler import EpisodeConfig, TaskSampler
from metaart.domains.base import Split
from metaart.domains.rating.domain import RatingDomain
from metaart.domains.rating.hands import CuratorHand
from metaart.tasks import Task

GOES_BY = ("qualities", "damage")


@dataclass(frozen=True)
class RatingProtocol:
    """How rating is judged.

    Attributes:
        episodes: of test curators, the same for every method.
        validation_episodes: of validation curators, on which penalties and intervals are chosen.
        shots: rated examples.
        query: works that are then asked about.
        calibrated_shots: numbers of examples for which the run's intervals are made.
        coverage: of intervals.
        penalties: tried for ridge regression.
        frozen_side: to which pictures are scaled for the frozen network, px.
        seed: of the episodes.
    """

    episodes: int = 600
    validation_episodes: int = 120
    shots: int = 10
    query: int = 20
    calibrated_shots: tuple[int, ...] = (3, 5, 10, 20)
    coverage: float = 0.9
    penalties: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0)
    frozen_side: int = 64
    seed: int = 7


class RatingEpisode(NamedTuple):
    """One curator's examples and works to be rated, what the curator goes by, and the curator's name."""

    task: Task
    goes_by: str
    curator: str


def draw_episodes(
    domain: RatingDomain, data: Where, split: Split, count: int, shots: int, protocol: RatingProtocol
) -> list[RatingEpisode]:
    """Episodes of the made curators of a split, with so many examples each."""
    # Unvaried: each curator keeps a taste of its own, which is known.
    hands = domain.hands(data, split, varied=False)
    tastes = {hand.name: hand.taste for hand in hands if isinstance(hand, CuratorHand)}
    sampler = TaskSampler(hands, EpisodeConfig(shots, protocol.query, size_power=0.0), protocol.seed)
    episodes = []
    for index in range(count):
        task = sampler.task(0, index)
        (curator,) = task.names
        taste = tastes[curator]
        assert taste is not None
        episodes.append(RatingEpisode(task, "damage" if taste.damage else "qualities", curator))
    return episodes
