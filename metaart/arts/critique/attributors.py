"""Ways to say whose work it is: a run, or a classifier on frozen features, in places of a gallery."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from metaart.arts.critique.episodes import Episode, Gallery
from metaart.arts.judging.confidence import strangeness
from metaart.arts.judging.critic import Critic
from metaart.arts.judging.frozen_baselines import Classifier

Method = Callable[[Gallery, Episode, int], tuple[Tensor, Tensor]]
"""A gallery, an episode and a number of examples to logits (works + strangers, hands) and strangeness of them."""


class MetaMethod:
    """A run as a method; where adapting does not move the features, those of a gallery are found once.

    Args:
        critic: the run.
        frozen: the frozen features of each gallery, by `Gallery.key`; used where the run sees them.
    """

    def __init__(self, critic: Critic, frozen: Mapping[int, Tensor]) -> None:
        self._critic, self._frozen = critic, frozen
        self._still: bool | None = None
        self._features: dict[int, Tensor] = {}

    def __call__(self, gallery: Gallery, episode: Episode, shots: int) -> tuple[Tensor, Tensor]:
        """See `Method`."""
        critic, known = self._critic, episode.support[:, :shots].flatten()
        asked = torch.cat([episode.query.flatten(), episode.strangers])
        labels = torch.arange(len(episode.support)).repeat_interleave(shots)
        if self._still:
            features = self._of(gallery)
            seen = critic.impression_of_features(features[known], labels, features[asked])
        else:
            support = {critic.domain.config.sees: self._given(gallery, known), "labels": labels}
            if self._still is None:
                self._still = critic.moves_head_alone(support)
            seen = critic.impression_of(critic.adapt(support), support, self._given(gallery, asked))
        return seen.answers, strangeness(seen.features, seen.examples, labels)

    def _given(self, gallery: Gallery, places: Tensor) -> Tensor:
        """What the learner is called with."""
        return self._frozen[gallery.key][places] if self._critic.domain.config.sees == "frozen" else gallery.ink(places)

    def _of(self, gallery: Gallery) -> Tensor:
        if gallery.key not in self._features:
            parts = torch.split(torch.arange(gallery.first[-1]), 256)
            self._features[gallery.key] = torch.cat(
                [self._critic.features(self._given(gallery, part)) for part in parts]
            )
        return self._features[gallery.key]


def frozen_method(features: Tensor, classifier: Classifier) -> Method:
    """A classifier on the features of a gallery's works, (works, d)."""

    def answer(_: Gallery, episode: Episode, shots: int) -> tuple[Tensor, Tensor]:
        known, asked = episode.support[:, :shots], torch.cat([episode.query.flatten(), episode.strangers])
        labels = torch.arange(len(known)).repeat_interleave(shots)
        examples = features[known.flatten()]
        return classifier(examples, labels)(features[asked]), strangeness(features[asked], examples, labels)

    return answer
