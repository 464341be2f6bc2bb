"""The seam at which an art form plugs in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from metaart.data.base import Split
from metaart.data.location import Where
from metaart.tasks import BaseLearner, Examples, Head

__all__ = ["Domain", "Hand", "Split"]


class Hand(ABC):
    """One artist, composer, poet or curator: the works that tasks are drawn from.

    Attributes:
        name: unique among the hands of a data set.
        num_works: how many there are to draw from.
    """

    name: str
    num_works: int

    @abstractmethod
    def examples(self, works: Sequence[int], variation: np.random.Generator) -> Examples:
        """The works of these indices as tensors, all in the same variation of the hand.

        Two calls with generators of the same seed see the same variation: a task's support and query sets do.
        """


class Domain(ABC):
    """An art form: where its hands come from, what learns them, and what is minimised.

    Attributes:
        unit: of the loss.
        head: the linear layer with which the learner answers; None where there is no such layer, and then algorithms
            that treat it apart are refused.
    """

    unit: str = "loss"
    head: Head | None = None

    @abstractmethod
    def hands(self, data: Where | None, split: Split, *, varied: bool) -> list[Hand]:
        """The hands of a split; `varied` switches task augmentation on (training) or off (evaluation)."""

    @abstractmethod
    def learner(self) -> nn.Module:
        """A freshly initialised network, without buffers."""

    @abstractmethod
    def loss(self, predict: Callable[..., Any], examples: Examples) -> Tensor:
        """The mean loss of a learner on examples, a scalar."""

    def base_learner(self) -> BaseLearner:
        """What an algorithm is built from: a freshly initialised learner, and what it is to get better at."""
        return BaseLearner(self.learner(), self.loss, self.loss, self.head, self.targets)

    def units(self, examples: Examples) -> int:
        """What passing these examples once costs: works here, tokens where a work is a sequence."""
        return int(np.prod(next(iter(examples.values())).shape[:2]))

    def targets(self, examples: Examples) -> int:
        """What `loss` is a mean over: works here, predicted tokens where a work is a sequence."""
        return int(np.prod(next(iter(examples.values())).shape[:2]))

    def assets(self) -> dict[str, bytes]:
        """Files that a run needs beside its weights and configuration (a tokenizer), by name; none here."""
        return {}

    def check_asset(self, path: Path) -> None:  # noqa: B027
        """Refuse one of these files of a run that is missing, damaged or of another version.

        Raises:
            UserError: it is; the error has the path.
        """
