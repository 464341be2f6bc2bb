"""Ways to rate works by a few that were rated: a run, or ridge regression from what can be seen of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from metaart.arts.judging.critic import Critic
from metaart.arts.judging.frozen_baselines import ridge, standardise
from metaart.arts.rating.episodes import RatingEpisode
from metaart.domains.viewing.qualities import qualities
from metaart.tasks import Examples, Task

REFERENCE_EPISODES = 40
"""Whose works asked about decide the standard of features."""

Method = Callable[[Task], Tensor]
"""A task to standardised scores of its query works, (works,)."""

Describe = Callable[[Examples], Tensor]
"""Examples to features, (works, d)."""


class MetaRating:
    """A run as a method.

    Args:
        critic: the run.
    """

    def __init__(self, critic: Critic) -> None:
        self._critic = critic

    def __call__(self, task: Task) -> Tensor:
        """See `Method`."""
        critic = self._critic
        # As this run sees them: the episodes are drawn by the domain of another.
        support = {**critic.domain.see(task.support["pictures"]), "scores": task.support["scores"]}
        params = critic.run.adapted(support)
        return critic.impression(params, support, critic.domain.input_of(task.query["pictures"])).answers[:, 0]


class Standardised:
    """Features, each standardised over works that validation curators are asked about.

    Args:
        describe: gives the features.
        episodes: of validation curators.
    """

    def __init__(self, describe: Describe, episodes: Sequence[RatingEpisode]) -> None:
        self._describe = describe
        some = [describe(episode.task.query) for episode in episodes[:REFERENCE_EPISODES]]
        self._reference = torch.cat(some)

    def __call__(self, examples: Examples) -> Tensor:
        """See `Describe`."""
        return standardise(self._describe(examples), self._reference)


class RidgeAnswers:
    """What ridge regression from features answers in episodes; features are found once for all penalties.

    Args:
        describe: gives the features.
        episodes: in which it answers.
    """

    def __init__(self, describe: Describe, episodes: Sequence[RatingEpisode]) -> None:
        self._episodes = episodes
        self._features = [(describe(episode.task.support), describe(episode.task.query)) for episode in episodes]

    def at(self, penalty: float) -> list[Tensor]:
        """Standardised scores of the query works of each episode, (works,)."""
        return [
            ridge(support, episode.task.support["scores"], penalty)(query)
            for episode, (support, query) in zip(self._episodes, self._features, strict=True)
        ]


def measured(examples: Examples) -> Tensor:
    """The measured qualities of pictures, (works, qualities)."""
    # Back from ink to pixels: qualities are measured on what a person sees.
    pixels = ((1 - examples["pictures"]) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return torch.from_numpy(qualities(pixels)).float()


def features_of(critic: Critic, examples: Examples) -> Tensor:
    """What the last layer of a run is given before adaptation, (works, features)."""
    return critic.features(critic.domain.input_of(examples["pictures"]))
