"""Losses of contenders on episodes: after each number of steps, under each view, at the rates validation chose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from metaart.algorithms import MetaAlgorithm
from metaart.data.sampler import TaskSampler
from metaart.domains import Domain, Split
from metaart.evaluation.resumable import Measurements
from metaart.evaluation.rivals import LEARNED, Contender, best_rates, search_rates
from metaart.tasks import Examples, Params, Task, unstack

Losses = NDArray[np.float64]
View = Callable[[Examples], Examples]
"""What of the query examples is looked at."""

Views = Mapping[str, View]
Baseline = Callable[[Examples], Callable[..., Any]]
"""A learner that is counted from a support set alone, without gradient steps."""


def whole(examples: Examples) -> Examples:
    """The view that leaves nothing out."""
    return examples


EVERYTHING: Views = {"all": whole}
"""The view of arts that name none."""


class Episodes(NamedTuple):
    """Tasks of a split, in batches."""

    split: Split
    batches: list[Task]

    @staticmethod
    def drawn(sampler: TaskSampler, split: Split, count: int, batch: int) -> Episodes:
        """The first so many tasks of a sampler; the last batch may be smaller."""
        bounds = [(first, min(first + batch, count)) for first in range(0, count, batch)]
        return Episodes(split, [sampler.batch(0, range(first, end)) for first, end in bounds])

    def digest(self) -> str:
        """SHA-256 of what the episodes hold."""
        found = sha256()
        for side in (side for task in self.batches for side in (task.support, task.query)):
            # By name: the order in which a domain fills in its tensors is no part of an episode.
            for name in sorted(side):
                found.update(side[name].contiguous().numpy().tobytes())
        return found.hexdigest()


class Measurer:
    """Measures contenders.

    Args:
        domain: whose loss it is.
        views: of the query examples.
        measurements: where each is kept.
        progress: show a bar for each.
    """

    def __init__(self, domain: Domain, views: Views, measurements: Measurements, progress: bool) -> None:
        self._domain, self._views = domain, views
        self._measurements, self._progress = measurements, progress

    def losses(self, contender: Contender, rate: float, episodes: Episodes, steps: Sequence[int]) -> Losses:
        """Query losses (episodes, views, steps) of a contender at a rate, measured now or by a run that was stopped."""
        key = (contender.name, rate, episodes.split, list(steps))
        return self._measurements.find(key, lambda: self._measured(contender, rate, episodes.batches, steps))

    def at_best_rates(
        self, contender: Contender, choosing: Episodes, judged: Episodes, steps: Sequence[int], extensions: int
    ) -> tuple[Losses, Losses | None, list[float]]:
        """Test losses (episodes, views, steps) at the rates that were best on validation; those rates; all tried.

        The test episodes have no say in the rates.
        """
        if not contender.rates:
            return self.losses(contender, LEARNED, judged, steps), None, []
        tried = search_rates(
            lambda rate, numbers: self.losses(contender, rate, choosing, numbers).mean(0),
            contender.rates,
            steps,
            extensions,
        )
        best = best_rates(tried, steps)
        # Views and numbers of steps may each prefer another rate; a rate is measured once, for the numbers of steps at
        # which any view prefers it.
        columns_at = {rate: np.flatnonzero((best == rate).any(0)) for rate in np.unique(best).tolist()}
        chosen: Losses | None = None
        for rate, columns in columns_at.items():
            tested = self.losses(contender, float(rate), judged, [steps[column] for column in columns.tolist()])
            chosen = np.empty((len(tested), *best.shape)) if chosen is None else chosen
            for index, column in enumerate(columns):
                views = np.flatnonzero(best[:, column] == rate)
                chosen[:, views, column] = tested[:, views, index]
        assert chosen is not None
        return chosen, best, list(tried)

    def baseline(self, baseline: Baseline, batches: Sequence[Task], steps: Sequence[int]) -> Losses:
        """Losses of a learner that takes no steps, repeated for each number of them: (episodes, views, steps)."""
        rows = []
        for tasks in batches:
            for task in unstack(tasks):
                predict = baseline(task.support)
                rows.append([float(self._domain.loss(predict, view(task.query))) for view in self._views.values()])
        return np.repeat(np.array(rows)[:, :, None], len(steps), axis=2)

    def _measured(self, contender: Contender, rate: float, batches: list[Task], steps: Sequence[int]) -> Losses:
        algorithm, label = contender.at(rate), contender.name + (f" at {rate:g}" if rate != LEARNED else "")
        shown = tqdm(batches, desc=f"  {label}", unit="batch", leave=False, disable=not self._progress)
        # In double from here on: what is asked for are small differences of means.
        return np.concatenate([curve(algorithm, self._views, tasks, steps).double().numpy() for tasks in shown])


def curve(algorithm: MetaAlgorithm, views: Views, tasks: Task, steps: Sequence[int]) -> Tensor:
    """Query losses of a batch of tasks: (tasks, views, steps), after each number of adaptation steps.

    Views are taken of the whole batch, so that one that looks at less may also cost less.
    """

    def one(support: Examples, seen: list[Examples]) -> Tensor:
        def measure(params: Params) -> Tensor:
            return torch.stack([algorithm.query_loss(params, examples) for examples in seen])

        measured = {0: measure(algorithm.theta())} if 0 in steps else {}
        for step, params in enumerate(algorithm.path(support, max(steps)), start=1):
            if step in steps:
                measured[step] = measure(params)
        return torch.stack([measured[step] for step in steps], dim=-1)

    seen = [view(tasks.query) for view in views.values()]
    # The inner steps differentiate all the same (`functional.gradients`); nobody walks back through them.
    with torch.no_grad():
        return torch.func.vmap(one, randomness="different")(tasks.support, seen)
