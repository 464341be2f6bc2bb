"""The seam at which an art form plugs in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import Tensor, nn

from metaart.data.location import Where
from metaart.errors import UserError
from metaart.tasks import BaseLearner, Examples, Head

Split = Literal["train", "validation", "test"]
View = Callable[[Examples], Examples]


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
    """An art form: where its hands come from, what learns them, what is minimised, and how it sounds or looks.

    Attributes:
        views: ways to look at query examples that an evaluation reports apart, by name.
        unit: of the loss.
        baselines: learners that are counted from a support set alone, without gradient steps, by name.
        head: the linear layer with which the learner answers; None where there is no such layer, and then algorithms
            that treat it apart are refused.
    """

    views: Mapping[str, View] = {"all": lambda examples: examples}
    unit: str = "loss"
    baselines: Mapping[str, Callable[[Examples], Callable[..., Any]]] = {}
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

    def save_assets(self, folder: Path) -> None:  # noqa: B027
        """Write what a run needs beside its weights and configuration (a tokenizer); nothing here."""

    def check_assets(self, folder: Path) -> None:  # noqa: B027
        """Refuse a run whose assets are missing, damaged or of another version with a `UserError`; nothing here."""

    def read(self, files: Sequence[bytes], names: Sequence[str] = ()) -> Examples:  # noqa: ARG002
        """A user's own files as examples to adapt to; an art form that has a file format overrides it.

        Args:
            files: their bytes, which nobody vouches for.
            names: what to call them in errors.

        Raises:
            UserError: files that cannot be used.
        """
        raise UserError(
            expected="an art form that reads files",
            got=type(self).__name__.lower(),
            fix="Use a run of another art form, such as music.",
        )

    @abstractmethod
    def render(self, predict: Callable[..., Any], requests: Sequence[Any]) -> list[bytes]:
        """Create one artefact per request, all together.

        Args:
            predict: the adapted learners side by side: every input and output has one more dimension in front, one
                entry per request, each with its own weights.
            requests: what is asked for, in the domain's own terms.

        Returns:
            The files' bytes, in the order of the requests.
        """
