"""What a method answers in episodes, as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from metaart.arts.critique.episodes import AttributionEpisode, SplitWorks
from metaart.arts.critique.methods import Method


class Answers(NamedTuple):
    """What a method answers in all episodes.

    Attributes:
        logits: of the hands' own works, (episodes, works, hands); works come hand after hand.
        strange: how strange it found them, (episodes, works).
        logits_of_strangers: (episodes, strangers, hands).
        strange_of_strangers: (episodes, strangers).
        hands: names, one for each of the logits of an episode.
    """

    logits: Tensor
    strange: Tensor
    logits_of_strangers: Tensor
    strange_of_strangers: Tensor
    hands: list[list[str]]

    def labels(self) -> Tensor:
        """Whose the works are, (episodes, works)."""
        episodes, works, hands = self.logits.shape
        return torch.arange(hands).repeat_interleave(works // hands).expand(episodes, works)

    def right(self) -> Tensor:
        """Whether the likeliest hand is the right one, (episodes, works) bool."""
        return self.logits.argmax(-1) == self.labels()

    def by_hand(self, sets: Tensor) -> Tensor:
        """Share of a hand's works whose answer set, (episodes, works, hands), has it: (episodes, hands)."""
        has = sets.gather(-1, self.labels()[..., None])
        return has.double().reshape(len(sets), len(self.hands[0]), -1).mean(-1)

    def hands_asked(self) -> list[str]:
        """Whose each hand's column of each episode is, (episodes * hands,)."""
        return [name for names in self.hands for name in names]


def collect(method: Method, works: SplitWorks, episodes: Sequence[AttributionEpisode], shots: int) -> Answers:
    """What a method answers in episodes with so many examples of each hand."""
    answers = [method(works, episode, shots) for episode in episodes]
    logits, strange = torch.stack([one for one, _ in answers]), torch.stack([one for _, one in answers])
    # The strangers come last (`AttributionEpisode.asked`).
    own = episodes[0].query.numel()
    names = [episode.names for episode in episodes]
    return Answers(logits[:, :own], strange[:, :own], logits[:, own:], strange[:, own:], names)
