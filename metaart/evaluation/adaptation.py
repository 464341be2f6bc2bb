"""How well a meta-learner adapts to hands it has never met, beside what else one could do; every method sees the
same episodes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from tqdm import tqdm

from metaart import __version__
from metaart.artists.run import Run
from metaart.build import build_sampler
from metaart.data.location import Where
from metaart.evaluation.measuring import EVERYTHING, Baseline, Episodes, Losses, Measurer, Views
from metaart.evaluation.options import check_steps_reported
from metaart.evaluation.resumable import Measurements
from metaart.evaluation.rivals import Contender, MetaLearner, fine_tuners, from_scratch, learners_by_name
from metaart.evaluation.statistics import half_width, half_width_by_hand
from metaart.options import option, options
from metaart.training.checkpoint import file_sum
from metaart.training.run import POOLED, WEIGHTS

BEFORE = "itself before adaptation"


@options()
class EvaluationConfig:
    """How an evaluation is done."""

    episodes: int = option(default=600, ge=2, help="test episodes, the same for every method")
    validation_episodes: int = option(default=120, ge=2, help="on which the rivals' rates are chosen")
    steps: tuple[int, ...] = option(default=(0, 1, 3, 5, 10, 20), help="adaptation steps reported")
    sgd_rates: tuple[float, ...] = option(
        default=(0.1, 0.2, 0.4, 0.8), help="tried first for SGD; more where the best is at their edge"
    )
    adam_rates: tuple[float, ...] = option(default=(0.001, 0.002, 0.004, 0.008), help="tried first for Adam")
    scratch_rates: tuple[float, ...] = option(default=(0.01, 0.02), help="tried first for a fresh network by Adam")
    from_nothing: bool = option(default=True, help="also judge training from scratch, and the baselines of the art")
    extensions: int = option(default=3, ge=0, help="rates tried beyond each edge, at most")
    seed: int = option(default=7, ge=0, help="of the episodes")
    batch: int = option(
        default=10, ge=1, help="episodes computed at once; small, so that their weights stay in the processor's cache"
    )

    def __post_init__(self) -> None:
        check_steps_reported(self.steps)


def evaluate(
    run: Run,
    config: EvaluationConfig,
    *,
    data: Where | None = None,
    also: Mapping[str, Run] = MappingProxyType({}),
    rivals: Mapping[str, Run] = MappingProxyType({}),
    views: Views = EVERYTHING,
    baselines: Mapping[str, Baseline] = MappingProxyType({}),
    out: Path | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Judge a run on the test hands.

    Args:
        run: the meta-learner.
        config: episodes, steps, rates.
        data: prepared folder, if not the one that the run was trained on.
        also: more meta-learners by name, on the same episodes.
        rivals: runs whose pooled weights are fine-tuned, by name; the run's own if there are none.
        views: ways to look at query examples that are reported apart, by name.
        baselines: learners that are counted from a support set alone, by name.
        out: folder where measurements are kept meanwhile: called again with the same, an evaluation that was stopped
            goes on.
        progress: show a bar.

    Returns:
        {"methods": {name: {"units", "tried", "views": {view: {steps: {"mean", "interval", "rate"}}}}}, "paired": [...],
        ...}; losses are means over episodes, intervals half-widths at 95 %.

    Raises:
        UserError: a run that cannot be judged, or two of one name.
    """
    run_config = run.config if data is None else dataclasses.replace(run.config, data=str(data))
    learners = learners_by_name(run, also)
    contenders: list[Contender] = [MetaLearner(name, learner) for name, learner in learners.items()]
    contenders += fine_tuners(run, rivals, {"sgd": config.sgd_rates, "adam": config.adam_rates})
    if config.from_nothing:
        contenders.append(from_scratch(run.domain, config.scratch_rates))
    else:
        baselines = {}

    # The evaluation has a seed of its own: runs that were trained with several seeds meet the same episodes.
    seeded = dataclasses.replace(run_config, seed=config.seed)
    tests = build_sampler(seeded, run_config.meta, run.domain, "test")
    validations = build_sampler(seeded, run_config.meta, run.domain, "validation")
    judged = Episodes.drawn(tests, "test", config.episodes, config.batch)
    choosing = Episodes.drawn(validations, "validation", config.validation_episodes, config.batch)
    folders = [one.folder for one in (*learners.values(), *rivals.values())]
    weights = [folder / file for folder in folders for file in (WEIGHTS, POOLED)]
    # All that a measurement depends on. Runs and episodes count by what they hold: files of the same names may have
    # been replaced since.
    decides = {
        "version": __version__,
        "config": asdict(seeded),
        "evaluation": asdict(config),
        "runs": {str(path): file_sum(path) for path in weights if path.exists()},
        "episodes": [episodes.digest() for episodes in (judged, choosing)],
    }
    measurements = Measurements(out, decides)
    measurer = Measurer(run.domain, views, measurements, progress)
    losses: dict[str, Losses] = {}
    methods: dict[str, dict[str, Any]] = {}
    with tqdm(total=len(contenders) + len(baselines), desc="evaluate", unit="method", disable=not progress) as bar:
        for contender in contenders:
            bar.set_postfix_str(contender.name)
            losses[contender.name], rates, tried = measurer.at_best_rates(
                contender, choosing, judged, config.steps, config.extensions
            )
            table = _table(losses[contender.name], rates, views, config.steps)
            methods[contender.name] = {"units": contender.units, "tried": tried, "views": table}
            bar.update()
        for name, baseline in baselines.items():
            losses[name] = measurer.baseline(baseline, judged.batches, config.steps)
            methods[name] = {"units": 0, "tried": [], "views": _table(losses[name], None, views, config.steps)}
            bar.update()
    # Only here: what was measured until an evaluation is stopped is what the next one goes on from.
    measurements.clear()
    # Episode i is task i of step 0 (`Episodes.drawn`); its hand is drawn again without reading a work.
    hands = [tests.hand(0, index).name for index in range(config.episodes)]
    return {
        "run": run_config.recipe,
        "unit": run.domain.unit,
        "episodes": config.episodes,
        "hands": sorted(set(hands)),
        "support": run_config.meta.episode.support,
        "query": run_config.meta.episode.query,
        "steps": list(config.steps),
        "views": list(views),
        "methods": methods,
        "paired": _paired(losses, hands, views, config.steps),
    }


def _table(losses: Losses, rates: Losses | None, views: Views, steps: Sequence[int]) -> dict[str, Any]:
    return {
        view: {
            str(number): {
                "mean": float(losses[:, v, s].mean()),
                "interval": half_width(losses[:, v, s]),
                "rate": float(rates[v, s]) if rates is not None and number else None,
            }
            for s, number in enumerate(steps)
        }
        for v, view in enumerate(views)
    }


def _paired(losses: dict[str, Losses], hands: list[str], views: Views, steps: Sequence[int]) -> list[dict[str, Any]]:
    """How far each meta-learner is ahead of each other method on the same episodes; above zero is ahead."""
    rows = []
    several_hands = len(set(hands)) > 1
    metas = [name for name in losses if name.startswith("meta: ")]
    for meta in metas:
        # Meta-learners stand beside rivals, not beside each other.
        others = {name: values for name, values in losses.items() if name not in metas}
        if 0 in steps:
            # The loss before the first step, beside every number of steps.
            before = losses[meta][:, :, [steps.index(0)]]
            others = {BEFORE: np.broadcast_to(before, losses[meta].shape), **others}
        for other, values in others.items():
            for v, view in enumerate(views):
                for s, number in enumerate(steps):
                    ahead = values[:, v, s] - losses[meta][:, v, s]
                    rows.append(
                        {
                            "meta": meta,
                            "other": other,
                            "view": view,
                            "steps": number,
                            "ahead": float(ahead.mean()),
                            "interval": half_width(ahead),
                            "interval_by_hand": half_width_by_hand(ahead, hands) if several_hands else None,
                        }
                    )
    return rows
