"""How well a meta-learner adapts to hands it has never met, beside what else one could do; every method sees the
same episodes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from metaart import __version__
from metaart.algorithms import MetaAlgorithm
from metaart.build import build_sampler
from metaart.data.location import Where
from metaart.data.sampler import TaskSampler
from metaart.domains import Domain, Split
from metaart.errors import UserError
from metaart.evaluation.measurements import Kept
from metaart.evaluation.rivals import (
    LEARNED,
    Contender,
    best_rates,
    fine_tuners,
    from_scratch,
    judged_runs,
    meta_learner,
    search_rates,
)
from metaart.evaluation.statistics import half_width, half_width_by_hand
from metaart.tasks import Examples, Params, Task, unstack
from metaart.training.checkpoint import file_sum
from metaart.training.run import POOLED, WEIGHTS, load_config

Losses = NDArray[np.float64]


class Episodes(NamedTuple):
    """Tasks of a split, in batches."""

    split: Split
    batches: list[Task]


Measurer = Callable[[float, Episodes, Sequence[int]], Losses]
BEFORE = "itself before adaptation"


@dataclass(frozen=True)
class EvaluationConfig:
    """How an evaluation is done.

    Attributes:
        episodes: test episodes, the same for every method.
        validation_episodes: episodes of validation hands on which the rivals' rates are chosen.
        steps: numbers of adaptation steps reported, ascending.
        sgd_rates: rates tried first for fine-tuning by SGD; more where the best is at their edge.
        adam_rates: rates tried first for fine-tuning by Adam.
        scratch_rates: rates tried first for training a fresh network by Adam on the support set.
        from_nothing: also judge training from scratch on the support set, and the domain's baselines.
        extensions: rates tried beyond each edge, at most.
        seed: of the episodes.
        batch: episodes computed at once; small, so that their weights stay in the processor's cache.
    """

    episodes: int = 600
    validation_episodes: int = 120
    steps: tuple[int, ...] = (0, 1, 3, 5, 10, 20)
    sgd_rates: tuple[float, ...] = (0.1, 0.2, 0.4, 0.8)
    adam_rates: tuple[float, ...] = (0.001, 0.002, 0.004, 0.008)
    scratch_rates: tuple[float, ...] = (0.01, 0.02)
    from_nothing: bool = True
    extensions: int = 3
    seed: int = 7
    batch: int = 10

    def __post_init__(self) -> None:
        if self.episodes < 2 or self.validation_episodes < 2 or not self.steps or min(self.steps) < 0:
            raise UserError(
                expected="2 or more episodes and numbers of steps from 0",
                got=f"episodes={self.episodes}, validation_episodes={self.validation_episodes}, steps={self.steps}",
                fix="Use --episodes 600.",
            )


def evaluate(
    run: Path,
    config: EvaluationConfig,
    *,
    data: Where | None = None,
    also: Mapping[str, Path] | None = None,
    rivals: Mapping[str, Path] | None = None,
    out: Path | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Judge a run on the test hands.

    Args:
        run: the run directory of the meta-learner.
        config: episodes, steps, rates.
        data: prepared folder, if not the one that the run was trained on.
        also: more meta-learners by name, on the same episodes.
        rivals: runs whose pooled weights are fine-tuned, by name; the run's own if left out.
        out: folder where measurements are kept meanwhile: called again with the same, an evaluation that was stopped
            goes on.
        progress: show a bar.

    Returns:
        {"methods": {name: {"units", "tried", "views": {view: {steps: {"mean", "interval", "rate"}}}}}, "paired": [...],
        ...}; losses are means over episodes, intervals half-widths at 95 %.

    Raises:
        UserError: a run that cannot be judged, or two of one name.
    """
    run_config, domain = load_config(run)
    if data is not None:
        run_config = dataclasses.replace(run_config, data=str(data))
    learners = judged_runs(run_config.recipe, run, also)
    contenders = [meta_learner(name, path) for name, path in learners.items()]
    contenders += fine_tuners(run, rivals, domain, {"sgd": config.sgd_rates, "adam": config.adam_rates})
    baselines = domain.baselines if config.from_nothing else {}
    if config.from_nothing:
        contenders.append(from_scratch(domain, config.scratch_rates))

    seeded = dataclasses.replace(run_config, seed=config.seed)
    tests = build_sampler(seeded, run_config.meta, domain, "test")
    validations = build_sampler(seeded, run_config.meta, domain, "validation")
    judged = Episodes("test", _batches(tests, config.episodes, config.batch))
    choosing = Episodes("validation", _batches(validations, config.validation_episodes, config.batch))
    runs = [*learners.values(), *(rivals or {}).values()]
    weights = [path / file for path in runs for file in (WEIGHTS, POOLED)]
    sums = {str(path): file_sum(path) for path in weights if path.exists()}
    told = {"version": __version__, "config": asdict(seeded), "evaluation": asdict(config), "runs": sums}
    kept = Kept(out, {**told, "episodes": [_sum(episodes.batches) for episodes in (judged, choosing)]})
    losses: dict[str, Losses] = {}
    methods: dict[str, dict[str, Any]] = {}
    with tqdm(total=len(contenders) + len(baselines), desc="evaluate", unit="method", disable=not progress) as bar:
        for contender in contenders:
            bar.set_postfix_str(contender.name)
            measure = _measurer(contender, domain, kept, progress)
            losses[contender.name], rates, tried = _judge(contender, measure, choosing, judged, config)
            views = _table(losses[contender.name], rates, domain, config)
            methods[contender.name] = {"units": contender.units, "tried": tried, "views": views}
            bar.update()
        for name, baseline in baselines.items():
            losses[name] = _baseline(baseline, domain, judged.batches, config)
            methods[name] = {"units": 0, "tried": [], "views": _table(losses[name], None, domain, config)}
            bar.update()
    kept.clear()
    hands = [tests.hand(0, index).name for index in range(config.episodes)]
    return {
        "run": run_config.recipe,
        "unit": domain.unit,
        "episodes": config.episodes,
        "hands": sorted(set(hands)),
        "support": run_config.meta.episode.support,
        "query": run_config.meta.episode.query,
        "steps": list(config.steps),
        "views": list(domain.views),
        "methods": methods,
        "paired": _paired(losses, hands, domain, config),
    }


def curve(algorithm: MetaAlgorithm, domain: Domain, tasks: Task, steps: Sequence[int]) -> Tensor:
    """Query losses of a batch of tasks: (tasks, views, steps), after each number of adaptation steps.

    Views are taken of the whole batch, so that one that looks at less may also cost less.
    """

    def one(support: Examples, seen: list[Examples]) -> Tensor:
        def measure(params: Params) -> Tensor:
            return torch.stack([algorithm.loss(params, examples) for examples in seen])

        measured = {0: measure(algorithm.theta())} if 0 in steps else {}
        for step, params in enumerate(algorithm.path(support, max(steps)), start=1):
            if step in steps:
                measured[step] = measure(params)
        return torch.stack([measured[step] for step in steps], dim=-1)

    seen = [view(tasks.query) for view in domain.views.values()]
    with torch.no_grad():
        return torch.func.vmap(one, randomness="different")(tasks.support, seen)


def _batches(sampler: TaskSampler, episodes: int, batch: int) -> list[Task]:
    return [
        sampler.batch(0, range(first, min(first + batch, episodes))) for first in range(0, episodes, batch)
    ]  # fmt: skip


def _sum(batches: list[Task]) -> str:
    """SHA-256 of what the episodes hold."""
    found = sha256()
    for side in (side for task in batches for side in (task.support, task.query)):
        for name in sorted(side):
            found.update(side[name].contiguous().numpy().tobytes())
    return found.hexdigest()


def _judge(
    contender: Contender, measure: Measurer, validations: Episodes, tests: Episodes, config: EvaluationConfig
) -> tuple[Losses, Losses | None, list[float]]:
    """Test losses (episodes, views, steps) at the rates that were best on validation; those rates; all that were tried.

    The test episodes have no say in the rates.
    """
    if not contender.rates:
        return measure(LEARNED, tests, config.steps), None, []
    tried = search_rates(
        lambda rate, steps: measure(rate, validations, steps).mean(0),
        contender.rates,
        config.steps,
        config.extensions,
    )
    best = best_rates(tried, config.steps)
    chosen = np.empty((config.episodes, *best.shape))
    for rate in np.unique(best):
        columns = np.flatnonzero((best == rate).any(0))
        tested = measure(float(rate), tests, [config.steps[column] for column in columns])
        for place, column in enumerate(columns):
            views = np.flatnonzero(best[:, column] == rate)
            chosen[:, views, column] = tested[:, views, place]
    return chosen, best, list(tried)


def _measurer(contender: Contender, domain: Domain, kept: Kept, progress: bool) -> Measurer:
    """Losses (episodes, views, steps) of a contender at a rate, with a bar of their own."""

    def measured(rate: float, batches: list[Task], steps: Sequence[int]) -> Losses:
        algorithm, label = contender.at_rate(rate), contender.name + (f" at {rate:g}" if rate != LEARNED else "")
        shown = tqdm(batches, desc=f"  {label}", unit="batch", leave=False, disable=not progress)
        return np.concatenate([curve(algorithm, domain, tasks, steps).double().numpy() for tasks in shown])

    def measure(rate: float, episodes: Episodes, steps: Sequence[int]) -> Losses:
        key = (contender.name, rate, episodes.split, list(steps))
        return kept.find(key, lambda: measured(rate, episodes.batches, steps))

    return measure


def _baseline(baseline: Callable[..., Any], domain: Domain, batches: list[Task], config: EvaluationConfig) -> Losses:
    rows = []
    for tasks in batches:
        for task in unstack(tasks):
            predict = baseline(task.support)
            rows.append([float(domain.loss(predict, view(task.query))) for view in domain.views.values()])
    return np.repeat(np.array(rows)[:, :, None], len(config.steps), axis=2)


def _table(losses: Losses, rates: Losses | None, domain: Domain, config: EvaluationConfig) -> dict[str, Any]:
    return {
        view: {
            str(steps): {
                "mean": float(losses[:, v, s].mean()),
                "interval": half_width(losses[:, v, s]),
                "rate": float(rates[v, s]) if rates is not None and steps else None,
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
    several_hands = len(set(hands)) > 1
    metas = [name for name in losses if name.startswith("meta: ")]
    for meta in metas:
        others = {name: values for name, values in losses.items() if name not in metas}
        if 0 in config.steps:
            before = losses[meta][:, :, [config.steps.index(0)]]
            others = {BEFORE: np.broadcast_to(before, losses[meta].shape), **others}
        for other, values in others.items():
            for v, view in enumerate(domain.views):
                for s, steps in enumerate(config.steps):
                    ahead = values[:, v, s] - losses[meta][:, v, s]
                    rows.append(
                        {
                            "meta": meta,
                            "other": other,
                            "view": view,
                            "steps": steps,
                            "ahead": float(ahead.mean()),
                            "interval": half_width(ahead),
                            "interval_by_hand": half_width_by_hand(ahead, hands) if several_hands else None,
                        }
                    )
    return rows
