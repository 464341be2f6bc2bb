"""Ways to say whose work it is: a run, or a classifier on frozen features."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from metaart.arts.critique.episodes import AttributionEpisode, SplitWorks
from metaart.arts.judging.confidence import strangeness
from metaart.arts.judging.critic import AT_ONCE, Critic
from metaart.arts.judging.frozen_baselines import Classifier
from metaart.domains.base import Split

Method = Callable[[SplitWorks, AttributionEpisode, int], tuple[Tensor, Tensor]]
"""The works of a split, an episode of them and a number of examples of each hand to logits (works + strangers, hands)
and strangeness (works + strangers,) of what is asked about."""


class MetaAttribution:
    """A run as a method; where adapting does not move the features, those of a split are found once.

    Args:
        critic: the run.
    """

    def __init__(self, critic: Critic) -> None:
        self._critic = critic
        self._features: dict[Split, Tensor] = {}

    def __call__(self, works: SplitWorks, episode: AttributionEpisode, shots: int) -> tuple[Tensor, Tensor]:
        """See `Method`."""
        critic = self._critic
        examples, labels = episode.examples(shots)
        # The same answers for a fraction of the time: each work goes through the network once, not once an episode.
        if critic.moves_head_alone:
            features = self._features_of(works)
            seen = critic.impression_of_features(features[examples], labels, features[episode.asked])
        else:
            support = {critic.domain.view.sees: self._input(works, examples), "labels": labels}
            seen = critic.impression(critic.run.adapted(support), support, self._input(works, episode.asked))
        return seen.answers[:, : len(episode.names)], strangeness(seen.features, seen.examples, labels)

    def _input(self, works: SplitWorks, indices: Tensor) -> Tensor:
        """What the learner is called with for works of a split."""
        return works.frozen[indices] if self._critic.domain.view.sees == "frozen" else works.ink(indices)

    def _features_of(self, works: SplitWorks) -> Tensor:
        if works.split not in self._features:
            parts = torch.split(torch.arange(len(works.pictures)), AT_ONCE)
            self._features[works.split] = torch.cat([self._critic.features(self._input(works, part)) for part in parts])
        return self._features[works.split]


class FrozenMethod:
    """A classifier that is fitted to the frozen features of the examples.

    Args:
        features: of all works of each split, (works, d).
        classifier: examples and labels to logits of other works.
    """

    def __init__(self, features: Mapping[Split, Tensor], classifier: Classifier) -> None:
        self._features, self._classifier = features, classifier

    def __call__(self, works: SplitWorks, episode: AttributionEpisode, shots: int) -> tuple[Tensor, Tensor]:
        """See `Method`."""
        features, (examples, labels) = self._features[works.split], episode.examples(shots)
        asked = features[episode.asked]
        logits = self._classifier(features[examples], labels)(asked)
        return logits, strangeness(asked, features[examples], labels)
