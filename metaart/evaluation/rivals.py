"""What else one could do with a support set, and at which learning rate: what a meta-learner is measured by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from metaart.algorithms import Batching, MetaAlgorithm
from metaart.algorithms.maml import MAML, MAMLConfig
from metaart.algorithms.pooled import PooledConfig
from metaart.artists.run import Run
from metaart.domains import Domain
from metaart.errors import UserError
from metaart.tasks import Params
from metaart.training.journal import read_metrics
from metaart.training.run import pooled_theta

Losses = NDArray[np.float64]
Inner = Literal["sgd", "adam"]
Measure = Callable[[float, Sequence[int]], Losses]
"""A learning rate and numbers of steps to mean losses, (views, steps)."""

RATE_RATIO = 2.0
"""Between neighbouring rates where the rates that were tried first are widened."""

LEARNED = 0.0
"""Stands for the rate of a method that has learned its own."""


_LABELS: dict[Inner, str] = {"sgd": "SGD", "adam": "Adam"}


class Contender(Protocol):
    """A way to go from a support set to weights.

    Attributes:
        name: as it is reported.
        units: passed in training (tokens, works), for the table.
        rates: tried first; none for a method that has learned its own.
    """

    name: str
    units: int
    rates: tuple[float, ...]

    def at(self, rate: float) -> MetaAlgorithm:
        """The method with a learning rate."""


class MetaLearner:
    """A trained run, with what it learned.

    Args:
        name: of the run.
        run: itself.
    """

    rates: tuple[float, ...] = ()

    def __init__(self, name: str, run: Run) -> None:
        self.name, self.units, self._algorithm = f"meta: {name}", units_passed(run.folder), run.algorithm

    def at(self, rate: float) -> MetaAlgorithm:  # noqa: ARG002
        """Itself: it has learned its rates."""
        return self._algorithm


class FineTuning:
    """Ordinary fine-tuning, which is the inner loop of MAML from weights that know nothing of it.

    Args:
        name: as it is reported.
        units: that training the weights passed.
        domain: what is learned.
        theta: where it starts.
        inner: the optimizer.
        rates: tried first.
    """

    def __init__(
        self, name: str, units: int, domain: Domain, theta: Params, inner: Inner, rates: Sequence[float]
    ) -> None:
        self.name, self.units, self.rates = name, units, tuple(rates)
        self._base, self._theta, self._inner = domain.base_learner(), theta, inner

    def at(self, rate: float) -> MetaAlgorithm:
        """It with this rate."""
        # First order: what comes out are weights, and no gradient of theirs is asked for.
        config = MAMLConfig(order=1, alpha=rate, inner=self._inner)
        tuner = MAML(self._base, config, Batching("vmap"))
        tuner.load_theta(self._theta)
        return tuner


def learners_by_name(run: Run, others: Mapping[str, Run], name: str = "") -> dict[str, Run]:
    """The meta-learners of an evaluation, that which is evaluated first.

    Args:
        run: what is evaluated.
        others: by name.
        name: of the run; that of its recipe if left out.

    Raises:
        UserError: another has its name: the two would be taken for one.
    """
    name = name or run.config.recipe
    if name in others:
        raise UserError(
            expected=f"runs with names of their own beside {name}, which is {run.folder}",
            got=f"{name}={others[name].folder}",
            fix=f"Give it another name: --also {name}-2={others[name].folder}",
        )
    return {name: run, **others}


def fine_tuners(
    run: Run,
    rivals: Mapping[str, Run],
    rates: Mapping[Inner, Sequence[float]],
) -> list[FineTuning]:
    """Ordinary fine-tuning of pooled weights by SGD and by Adam.

    Args:
        run: of the episodes; its own pooled weights are tuned where no rivals are named, if it has any.
        rivals: runs by name whose pooled weights are tuned; of a run of the algorithm `pooled`, its final weights.
        rates: tried first, by optimizer.

    Raises:
        UserError: a rival has no pooled weights, or they are damaged.
    """
    if not rivals and (run.config.pretrain.steps > 0 or run.pooled is not None):
        rivals = {"": run}
    found = []
    for name, rival in rivals.items():
        theta, units = _pooled(rival)
        for inner, tried in rates.items():
            title = f"fine-tuning {name}".strip() + f", {_LABELS[inner]}"
            found.append(FineTuning(title, units, run.domain, theta, inner, tried))
    return found


def from_scratch(domain: Domain, rates: Sequence[float]) -> FineTuning:
    """A fresh network trained on the support set alone, by Adam."""
    # A draw of its own: the same weights in every evaluation, and the caller's random numbers are left as they were.
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theta = {name: value.detach() for name, value in domain.learner().named_parameters()}
    return FineTuning("from scratch on the support set", 0, domain, theta, "adam", rates)


def units_passed(run: Path) -> int:
    """Units (tokens, works) that training the run in a folder passed forward and backward, all stages together."""
    return sum(_units(run, stage) for stage in read_metrics(run))


def search_rates(
    measure: Measure, rates: Sequence[float], steps: Sequence[int], extensions: int
) -> dict[float, Losses]:
    """Validation losses by rate, the rates widened wherever the best one lies at their edge.

    A new rate is measured only for the numbers of steps that ask for it; elsewhere its loss is infinite, as it is where
    a rate made it no number.

    Args:
        measure: validation losses at a rate.
        rates: tried first.
        steps: numbers of adaptation steps, at which each its own rate is chosen.
        extensions: new rates tried beyond each edge, at most.

    Returns:
        Losses (views, steps) by rate, ascending.
    """
    tried = {rate: _finite(measure(rate, steps)) for rate in rates}
    for upwards in (True, False):
        for _ in range(extensions):
            edge = max(tried) if upwards else min(tried)
            # Each number of steps chooses for itself, so one whose best rate lies inside does not pay for another's
            # edge. Step 0 has no rate: there all are equal, and argmin would name the first one as the best.
            at_edge = np.array(sorted(tried))[_best(tried)] == edge
            columns = [index for index, number in enumerate(steps) if number > 0 and at_edge[:, index].any()]
            if not columns:
                break
            # Columns that were not asked for stay infinite, which can never be a best rate.
            losses = np.full_like(tried[edge], np.inf)
            beyond = edge * RATE_RATIO if upwards else edge / RATE_RATIO
            losses[:, columns] = _finite(measure(beyond, [steps[column] for column in columns]))
            tried[beyond] = losses
    return dict(sorted(tried.items()))


def best_rates(tried: Mapping[float, Losses], steps: Sequence[int]) -> Losses:
    """The rate of the lowest loss for each view and number of steps, (views, steps).

    Before the first step all rates are alike: the rate of another number of steps stands there.
    """
    best: Losses = np.array(sorted(tried))[_best(tried)]
    taken = [index for index, number in enumerate(steps) if number > 0]
    for index, number in enumerate(steps):
        if number == 0 and taken:
            best[:, index] = best[:, taken[0]]
    return best


def _best(tried: Mapping[float, Losses]) -> NDArray[np.intp]:
    best: NDArray[np.intp] = np.stack([losses for _, losses in sorted(tried.items())]).argmin(0)
    return best


def _finite(losses: Losses) -> Losses:
    return np.where(np.isfinite(losses), losses, np.inf)


def _pooled(run: Run) -> tuple[Params, int]:
    """Pooled weights of a run, and the units that training them passed."""
    if isinstance(run.config.algorithm, PooledConfig) and run.config.meta.steps:
        return {name: value.detach() for name, value in run.theta().items()}, units_passed(run.folder)
    # A run of another algorithm went on from its pooled weights: only the pooled stage counts as their training.
    theta = run.pooled if run.pooled is not None else pooled_theta(run.config, run.domain, run.folder)
    return theta, _units(run.folder, "pretrain")


def _units(run: Path, stage: str) -> int:
    # Lines count from the beginning of the stage, so the largest is its total.
    return max((line["units"] for line in read_metrics(run).get(stage, {}).values() if "units" in line), default=0)
