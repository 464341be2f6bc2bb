"""What is learned of a toy art: which letter follows which, in the hand of a poet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from metaart.data.location import Where
from metaart.data.shards import Dataset
from metaart.domains.base import Domain, Hand, Split
from metaart.functional.sequence import next_token_nll
from metaart.options import option, options
from metaart.sequences.windows import window
from metaart.tasks import Examples, Head
from tests.verse.medium import LETTERS, tokens_of


@options(section="domain")
class VerseConfig:
    """How verses are learned."""

    max_letters: int = option(default=40, ge=4, help="letters of a verse that are read, its beginning included")
    width: int = option(default=8, ge=1, help="of what is remembered of a letter")


class Poet(Hand):
    """A poet; varied, his letters are shifted in the alphabet."""

    def __init__(self, name: str, verses: Sequence[Any], config: VerseConfig, varied: bool) -> None:
        self.name, self.num_works = name, len(verses)
        self._verses, self._config, self._varied = verses, config, varied

    def examples(self, works: Sequence[int], variation: np.random.Generator) -> Examples:
        """{"tokens": (works, max_letters)}."""
        shift = int(variation.integers(1, 26)) if self._varied else 0
        tokens = [tokens_of(self._verses[work].text.encode(), self.name) for work in works]
        shifted = [np.where(letters > 2, (letters - 3 + shift) % 26 + 3, letters) for letters in tokens]
        return {"tokens": window(shifted, self._config.max_letters)}


class Bigrams(nn.Module):
    """A learner that remembers one letter: an embedding and a linear layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embedding, self.readout = nn.Embedding(len(LETTERS), width), nn.Linear(width, len(LETTERS))

    def forward(self, tokens: Tensor) -> tuple[Tensor]:
        """(works, time) to logits (works, time, letters); there is no state to hand on."""
        return (self.readout(self.embedding(tokens)),)


class VerseDomain(Domain):
    """Next-letter prediction; the loss is in nats per letter."""

    unit, head = "nats per letter", Head("readout")

    def __init__(self, config: VerseConfig = VerseConfig()) -> None:  # noqa: B008
        self.config = config

    def hands(self, data: Where | None, split: Split, *, varied: bool) -> list[Hand]:
        """The poets of a split."""
        dataset = Dataset.open(data, medium="text")
        return [Poet(group, dataset.works(group), self.config, varied) for group in dataset.groups(split)]

    def learner(self) -> nn.Module:
        """One letter to the next."""
        return Bigrams(self.config.width)

    def loss(self, predict: Callable[..., Any], examples: Examples) -> Tensor:
        """Mean next-letter negative log-likelihood."""
        tokens = examples["tokens"]
        return next_token_nll(predict(tokens[..., :-1])[0], tokens)

    def targets(self, examples: Examples) -> int:
        """Letters that are predicted."""
        return int(torch.count_nonzero(examples["tokens"][..., 1:]))
