"""What else one could do with a support set, and at which learning rate: what a meta-learner is measured by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from metaart.algorithms import Batching, MetaAlgorithm
from metaart.algorithms.maml import MAML, MAMLConfig
from metaart.algorithms.pooled import PooledConfig
from metaart.domains import Domain
from metaart.errors import UserError
from metaart.tasks import Params
from metaart.training.journal import read_metrics
from metaart.training.run import POOLED, load_algorithm, load_config, pooled_theta

Losses = NDArray[np.float64]
Inner = Literal["sgd", "adam"]
Measure = Callable[[float, Sequence[int]], Losses]
"""A learning rate and numbers of steps to mean losses, (views, steps)."""

RATE_RATIO = 2.0
"""Between neighbouring rates where the rates that were tried first are widened."""

LEARNED = 0.0
"""Stands for the rate of a method that has learned its own."""


_LABELS: dict[Inner, str] = {"sgd": "SGD", "adam": "Adam"}


class Contender(NamedTuple):
    """A way to go from a support set to weights.

    Attributes:
        name: as it is reported.
        units: passed in training (tokens, works), for the table.
        at_rate: the method with a learning rate.
        rates: tried first; none for a method that has learned its own.
    """

    name: str
    units: int
    at_rate: Callable[[float], MetaAlgorithm]
    rates: tuple[float, ...] = ()


def judged_runs(name: str, run: Path, also: Mapping[str, Path] | None) -> dict[str, Path]:
    """The runs of meta-learners by name, that which is evaluated first.

    Raises:
        UserError: another has its name: the two would be taken for one.
    """
    others = dict(also or {})
    if name in others:
        raise UserError(
            expected=f"runs with names of their own beside {name}, which is {run}",
            got=f"{name}={others[name]}",
            fix=f"Give it another name: --also {name}-2={others[name]}",
        )
    return {name: run, **others}


def meta_learner(name: str, run: Path) -> Contender:
    """A trained run, with what it learned."""
    algorithm = load_algorithm(run)[2]
    return Contender(f"meta: {name}", units_passed(run), lambda _: algorithm)


def fine_tuners(
    run: Path,
    rivals: Mapping[str, Path] | None,
    domain: Domain,
    rates: Mapping[Inner, Sequence[float]],
) -> list[Contender]:
    """Ordinary fine-tuning of pooled weights by SGD and by Adam.

    Args:
        run: whose own pooled weights are tuned where no rivals are named, if it has any.
        rivals: runs by name whose pooled weights are tuned; of a run of the algorithm `pooled`, its final weights.
        domain: of the episodes.
        rates: tried first, by optimizer.

    Raises:
        UserError: a rival has no pooled weights, or they are damaged.
    """
    if rivals is None:
        has_pooled = load_config(run)[0].pretrain.steps > 0 or (run / POOLED).exists()
        rivals = {"": run} if has_pooled else {}
    found = []
    for name, path in rivals.items():
        theta, units = _pooled(path)
        for inner, tried in rates.items():
            title = f"fine-tuning {name}".strip() + f", {_LABELS[inner]}"
            found.append(Contender(title, units, _tuner(domain, theta, inner), tuple(tried)))
    return found


def from_scratch(domain: Domain, rates: Sequence[float]) -> Contender:
    """A fresh network trained on the support set alone, by Adam."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theta = {name: value.detach() for name, value in domain.learner().named_parameters()}
    return Contender("from scratch on the support set", 0, _tuner(domain, theta, "adam"), tuple(rates))


def units_passed(run: Path) -> int:
    """Units (tokens, works) that training a run passed forward and backward, all stages together."""
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
            at_edge = np.array(sorted(tried))[_best(tried)] == edge
            columns = [place for place, number in enumerate(steps) if number > 0 and at_edge[:, place].any()]
            if not columns:
                break
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
    taken = [place for place, number in enumerate(steps) if number > 0]
    for place, number in enumerate(steps):
        if number == 0 and taken:
            best[:, place] = best[:, taken[0]]
    return best


def _best(tried: Mapping[float, Losses]) -> NDArray[np.intp]:
    best: NDArray[np.intp] = np.stack([losses for _, losses in sorted(tried.items())]).argmin(0)
    return best


def _finite(losses: Losses) -> Losses:
    return np.where(np.isfinite(losses), losses, np.inf)


def _pooled(run: Path) -> tuple[Params, int]:
    """Pooled weights of a run, and the units that training them passed."""
    config, domain = load_config(run)
    if isinstance(config.algorithm, PooledConfig) and config.meta.steps:
        return {name: value.detach() for name, value in load_algorithm(run)[2].theta().items()}, units_passed(run)
    return pooled_theta(config, domain, run), _units(run, "pretrain")


def _units(run: Path, stage: str) -> int:
    return max((line["units"] for line in read_metrics(run).get(stage, {}).values() if "units" in line), default=0)


def _tuner(domain: Domain, theta: Params, inner: Inner) -> Callable[[float], MetaAlgorithm]:
    """Ordinary fine-tuning is the inner loop of MAML from weights that know nothing of it."""
    learner = domain.learner()

    def at_rate(rate: float) -> MetaAlgorithm:
        tuner = MAML(learner, domain.loss, MAMLConfig(order=1, alpha=rate, inner=inner), Batching("vmap"))
        tuner.load_theta(theta)
        return tuner

    return at_rate
