"""How well a meta-learner adapts to hands it has never met, beside what else one could do; every method sees the
same episodes."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from metaart.algorithms import Batching, MetaAlgorithm
from metaart.algorithms.maml import MAML, MAMLConfig
from metaart.algorithms.pooled import PooledConfig
from metaart.build import build_sampler
from metaart.data.sampler import TaskSampler
from metaart.domains import Domain
from metaart.errors import UserError
from metaart.tasks import Params, Task, unstack
from metaart.training.journal import read_metrics
from metaart.training.run import load_algorithm, load_config, pooled_theta

Losses = NDArray[np.float64]


@dataclass(frozen=True)
class EvaluationConfig:
    """How an evaluation is done.

    Attributes:
        episodes: test episodes, the same for every method.
        validation_episodes: episodes of validation hands on which the rivals' rates are chosen.
        steps: numbers of adaptation steps reported, ascending.
        sgd_rates: rates tried for fine-tuning by SGD.
        adam_rates: rates tried for fine-tuning by Adam.
        scratch_rates: rates tried for training a fresh network by Adam on the support set.
        seed: of the episodes.
        batch: episodes computed at once.
    """

    episodes: int = 600
    validation_episodes: int = 120
    steps: tuple[int, ...] = (0, 1, 3, 5, 10, 20)
    sgd_rates: tuple[float, ...] = (0.1, 0.2, 0.4, 0.8)
    adam_rates: tuple[float, ...] = (0.001, 0.002, 0.004, 0.008)
    scratch_rates: tuple[float, ...] = (0.01, 0.03)
    seed: int = 7
    batch: int = 30

    def __post_init__(self) -> None:
        if self.episodes < 2 or self.validation_episodes < 2 or not self.steps or min(self.steps) < 0:
            raise UserError(
                expected="2 or more episodes and numbers of steps from 0",
                got=f"episodes={self.episodes}, validation_episodes={self.validation_episodes}, steps={self.steps}",
                fix="Use --episodes 600.",
            )


class Contender(NamedTuple):
    """A way to go from a support set to weights.

    Attributes:
        name: as it is reported.
        variants: one algorithm per rate tried; the meta-learner has one.
        tokens: units passed in training, for the table.
    """

    name: str
    variants: Mapping[str, MetaAlgorithm]
    units: int


def evaluate(
    run: Path,
    config: EvaluationConfig,
    *,
    data: Path | None = None,
    also: Mapping[str, Path] | None = None,
    rivals: Mapping[str, Path] | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Judge a run on the test hands.

    Args:
        run: the run directory of the meta-learner.
        config: episodes, steps, rates.
        data: prepared folder, if not the one that the run was trained on.
        also: more meta-learners by name, on the same episodes.
        rivals: runs whose pooled weights are fine-tuned, by name; the run's own if left out.
        progress: show a bar.

    Returns:
        {"methods": {name: {"units", "views": {view: {steps: {"mean", "interval", "rate"}}}}}, "paired": [...], ...};
        losses are means over episodes, intervals half-widths at 95 %.
    """
    run_config, domain, meta = load_algorithm(run)
    if data is not None:
        run_config = dataclasses.replace(run_config, data=str(data))
    contenders = [Contender(f"meta: {run_config.recipe}", {"learned": meta}, units_passed(run))]
    for name, path in (also or {}).items():
        contenders.append(Contender(f"meta: {name}", {"learned": load_algorithm(path)[2]}, units_passed(path)))
    for name, path in (rivals or {"own pooled model": run}).items():
        contenders += _fine_tuners(name, path, domain, config, own=rivals is None)
    scratch = _variants(domain, None, "adam", config.scratch_rates)
    contenders.append(Contender("from scratch on the support set", scratch, 0))

    seeded = dataclasses.replace(run_config, seed=config.seed)
    tests = build_sampler(seeded, run_config.meta, domain, "test")
    validations = build_sampler(seeded, run_config.meta, domain, "validation")
    bar = tqdm(total=len(contenders) + 1, desc="evaluate", unit="method", disable=not progress)
    losses: dict[str, Losses] = {}
    rates: dict[str, list[list[str]]] = {}
    for contender in contenders:
        bar.set_postfix_str(contender.name)
        losses[contender.name], rates[contender.name] = _judge(contender, domain, validations, tests, config)
        bar.update()
    for name, baseline in domain.baselines.items():
        losses[name] = _baseline(baseline, domain, tests, config)
        rates[name] = [["-"] * len(config.steps) for _ in domain.views]
    bar.update()
    bar.close()
    hands = [tests.hand(0, index).name for index in range(config.episodes)]
    units = {contender.name: contender.units for contender in contenders}
    return {
        "run": run_config.recipe,
        "unit": domain.unit,
        "episodes": config.episodes,
        "hands": sorted(set(hands)),
        "support": run_config.meta.episode.support,
        "query": run_config.meta.episode.query,
        "steps": list(config.steps),
        "views": list(domain.views),
        "methods": {
            name: {"units": units.get(name, 0), "views": _table(values, rates[name], domain, config)}
            for name, values in losses.items()
        },
        "paired": _paired(losses, hands, domain, config),
    }


def curve(algorithm: MetaAlgorithm, domain: Domain, tasks: Task, steps: Sequence[int]) -> Tensor:
    """Query losses of a batch of tasks: (tasks, views, steps), after each number of adaptation steps."""

    def one(task: Task) -> Tensor:
        measured = {}
        wanted = set(steps)
        if 0 in wanted:
            measured[0] = _views(algorithm, domain, algorithm.theta(), task)
        for step, params in enumerate(algorithm.path(task.support, max(steps)), start=1):
            if step in wanted:
                measured[step] = _views(algorithm, domain, params, task)
        return torch.stack([measured[step] for step in steps], dim=-1)

    with torch.no_grad():
        return torch.func.vmap(one, randomness="different")(tasks)  # type: ignore[no-any-return]


def units_passed(run: Path) -> int:
    """Units (tokens, works) that training a run passed forward and backward, all stages together."""
    return sum(
        max((line["units"] for line in lines.values() if "units" in line), default=0)
        for lines in read_metrics(run).values()
    )


def _views(algorithm: MetaAlgorithm, domain: Domain, params: Params, task: Task) -> Tensor:
    return torch.stack([algorithm.loss(params, view(task.query)) for view in domain.views.values()])


def _fine_tuners(name: str, run: Path, domain: Domain, config: EvaluationConfig, *, own: bool) -> list[Contender]:
    run_config, own_domain = load_config(run)
    if isinstance(run_config.algorithm, PooledConfig) and run_config.meta.steps:
        theta = {n: v.detach() for n, v in load_algorithm(run)[2].theta().items()}
        units = units_passed(run)
    else:
        theta = pooled_theta(run_config, own_domain, run)
        units = sum(lines["units"] for lines in _last_lines(run, "pretrain"))
    label = "fine-tuning" if own else f"fine-tuning {name}"
    return [
        Contender(f"{label}, SGD", _variants(domain, theta, "sgd", config.sgd_rates), units),
        Contender(f"{label}, Adam", _variants(domain, theta, "adam", config.adam_rates), units),
    ]


def _last_lines(run: Path, stage: str) -> list[dict[str, Any]]:
    lines = [line for line in read_metrics(run).get(stage, {}).values() if "units" in line]
    return lines[-1:]


def _variants(domain: Domain, theta: Params | None, inner: Any, rates: Sequence[float]) -> dict[str, MetaAlgorithm]:
    """Ordinary fine-tuning is the inner loop of MAML from weights that know nothing of it."""
    variants: dict[str, MetaAlgorithm] = {}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        learner = domain.learner()
    for rate in rates:
        fine_tuner = MAML(learner, domain.loss, MAMLConfig(order=1, alpha=rate, inner=inner), Batching("vmap"))
        if theta is not None:
            fine_tuner.load_theta(theta)
        variants[f"{rate:g}"] = fine_tuner
    return variants


def _judge(
    contender: Contender, domain: Domain, validations: TaskSampler, tests: TaskSampler, config: EvaluationConfig
) -> tuple[Losses, list[list[str]]]:
    """Test losses (episodes, views, steps) with the rate that was best on validation for each view and step."""
    names = list(contender.variants)
    if len(names) == 1:
        losses = _losses(contender.variants[names[0]], domain, tests, config.episodes, config.steps, config.batch)
        return losses, [["learned"] * len(config.steps) for _ in domain.views]
    validated = np.stack([
        _losses(algorithm, domain, validations, config.validation_episodes, config.steps, config.batch).mean(0)
        for algorithm in contender.variants.values()
    ])  # fmt: skip
    best = validated.argmin(0)
    chosen = np.empty((config.episodes, *best.shape))
    for choice, name in enumerate(names):
        columns = np.flatnonzero((best == choice).any(0))
        if len(columns):
            steps = [config.steps[column] for column in columns]
            tested = _losses(contender.variants[name], domain, tests, config.episodes, steps, config.batch)
            for place, column in enumerate(columns):
                views = np.flatnonzero(best[:, column] == choice)
                chosen[:, views, column] = tested[:, views, place]
    return chosen, [[names[choice] for choice in row] for row in best.tolist()]


def _losses(
    algorithm: MetaAlgorithm, domain: Domain, sampler: TaskSampler, episodes: int, steps: Sequence[int], batch: int
) -> Losses:
    """(episodes, views, steps)."""
    batches = []
    for first in range(0, episodes, batch):
        tasks = sampler.batch(0, range(first, min(first + batch, episodes)))
        batches.append(curve(algorithm, domain, tasks, steps).double().numpy())
    return np.concatenate(batches)


def _baseline(baseline: Callable[..., Any], domain: Domain, sampler: TaskSampler, config: EvaluationConfig) -> Losses:
    rows = []
    for first in range(0, config.episodes, config.batch):
        tasks = sampler.batch(0, range(first, min(first + config.batch, config.episodes)))
        for task in unstack(tasks):
            predict = baseline(task.support)
            rows.append([float(domain.loss(predict, view(task.query))) for view in domain.views.values()])
    return np.repeat(np.array(rows)[:, :, None], len(config.steps), axis=2)


def _table(losses: Losses, rates: list[list[str]], domain: Domain, config: EvaluationConfig) -> dict[str, Any]:
    return {
        view: {
            str(steps): {
                "mean": float(losses[:, v, s].mean()),
                "interval": _half_width(losses[:, v, s]),
                "rate": rates[v][s],
            }
            for s, steps in enumerate(config.steps)
        }
        for v, view in enumerate(domain.views)
    }


def _paired(
    losses: dict[str, Losses], hands: list[str], domain: Domain, config: EvaluationConfig
) -> list[dict[str, Any]]:
    """How far each meta-learner is ahead of each other method on the same episodes; above zero is ahead."""
    rows = []
    metas = [name for name in losses if name.startswith("meta: ")]
    for meta in metas:
        for other in losses:
            if other in metas:
                continue
            for v, view in enumerate(domain.views):
                for s, steps in enumerate(config.steps):
                    ahead = losses[other][:, v, s] - losses[meta][:, v, s]
                    rows.append(
                        {
                            "meta": meta,
                            "other": other,
                            "view": view,
                            "steps": steps,
                            "ahead": float(ahead.mean()),
                            "interval": _half_width(ahead),
                            "interval_by_hand": _half_width_by_hand(ahead, hands),
                        }
                    )
    return rows


def _half_width(values: NDArray[np.float64]) -> float:
    """Half the width of the 95 % interval of a mean: 1.96 standard errors."""
    return float(1.96 * values.std(ddof=1) / np.sqrt(len(values)))


def _half_width_by_hand(values: NDArray[np.float64], hands: list[str]) -> float:
    """The same where episodes of one hand are not independent: the cluster-robust standard error of the mean.

    Source: Liang & Zeger 1986: sqrt(sum over hands of (sum of the hand's residuals)^2) / n.
    """
    sums: dict[str, float] = defaultdict(float)
    for residual, hand in zip(values - values.mean(), hands, strict=True):
        sums[hand] += residual
    groups = len(sums)
    scale = groups / max(1, groups - 1)
    return float(1.96 * np.sqrt(scale * sum(total**2 for total in sums.values())) / len(values))
