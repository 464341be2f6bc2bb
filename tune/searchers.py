"""Where to look next: pure functions of the seed, the number of the trial, and what earlier trials found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tune.records import DIVERGED, FINISHED, RUNNING, Trial
from tune.space import Parameter, Point, Range, grid, written

if TYPE_CHECKING:
    import optuna

SEARCHERS = ("tpe", "random", "grid")
_STARTUP = 8
_ATTEMPTS = 20


def propose(
    searcher: str, space: Sequence[Parameter], number: int, trials: Sequence[Trial], *, seed: int, most: int
) -> Point | None:
    """The point of a trial; None where no new one is left.

    Nothing is remembered between calls: a sweep that is resumed proposes from what its trials found.

    Args:
        searcher: `tpe` (tree-structured Parzen estimator, Bergstra et al. 2011), `random` or `grid`.
        space: what is searched.
        number: of the trial, from 0.
        trials: all earlier ones, running or ended.
        seed: of the sweep.
        most: trials of the whole sweep, which a grid is laid out for.
    """
    if searcher == "grid":
        points = grid(space, most)
        return points[number] if number < len(points) else None
    tried = [trial.point for trial in trials]
    for attempt in range(_ATTEMPTS):
        # Each attempt is a draw of its own, and a trial's depend on no other trial's.
        state = np.random.SeedSequence([seed, number, attempt])
        point = _random(space, state) if searcher == "random" else _tpe(space, trials, state)
        if point not in tried:
            return point
    if all(parameter.size is not None for parameter in space):
        # A space of few points may have been tried whole: look for what is left instead of drawing on.
        left = [point for point in grid(space, 10_000) if point not in tried] if _size(space) <= 10_000 else [point]
        return left[0] if left else None
    return point


def importances(space: Sequence[Parameter], trials: Sequence[Trial]) -> dict[str, float]:
    """How much each key decides whether a trial is among the better ones; they sum to 1, the largest first.

    Each trial counts with its lowest validation loss, also where it was stopped early. Empty with fewer than four
    trials that were judged, or where nothing makes a difference.

    Source: Watanabe, Bansal & Hutter 2023 (PED-ANOVA), as Optuna has it.
    """
    import optuna

    judged = [trial for trial in trials if trial.best is not None]
    # A quarter of fewer than four would be no trial.
    if len(judged) < 4 or len(space) < 2:
        return {parameter.key: 1.0 for parameter in space} if len(space) == 1 and len(judged) >= 4 else {}
    study = _study()
    study.add_trials([_as_optuna(space, trial, complete=True) for trial in judged])
    # The better ones are a quarter, not Optuna's tenth, which of few trials would be two or three.
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=0.25, evaluate_on_local=False)
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {key: float(value) for key, value in sorted(found.items(), key=lambda entry: -entry[1])}


def _random(space: Sequence[Parameter], state: np.random.SeedSequence) -> Point:
    rng = np.random.default_rng(state)
    return {
        parameter.key: parameter.at(float(position))
        for parameter, position in zip(space, rng.random(len(space)), strict=True)
    }


def _tpe(space: Sequence[Parameter], trials: Sequence[Trial], state: np.random.SeedSequence) -> Point:
    import optuna

    drawn = int(state.generate_state(1)[0])
    # Trials that run count as poor ones, so that several at a time do not all go to one place.
    sampler = optuna.samplers.TPESampler(seed=drawn, n_startup_trials=_STARTUP, multivariate=True, constant_liar=True)
    study = _study(sampler)
    study.add_trials([_as_optuna(space, trial) for trial in trials])
    asked = study.ask({parameter.key: _distribution(parameter) for parameter in space})
    return {parameter.key: _text(parameter, asked.params) for parameter in space}


def _study(sampler: Any = None) -> optuna.Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(direction="minimize", sampler=sampler)


def _as_optuna(space: Sequence[Parameter], trial: Trial, complete: bool = False) -> optuna.trial.FrozenTrial:
    """A trial as Optuna takes it: one that was stopped early is ranked behind those that went further."""
    import optuna

    state = optuna.trial.TrialState
    outcome = {FINISHED: state.COMPLETE, RUNNING: state.RUNNING}.get(trial.outcome, state.PRUNED)
    outcome = state.COMPLETE if complete else outcome
    return optuna.trial.create_trial(
        state=outcome,
        # Optuna takes no value of a trial that runs, and ranks one that was stopped by its intermediate ones.
        value=trial.best if outcome == state.COMPLETE else None,
        params={parameter.key: _value(parameter, trial.point) for parameter in space},
        distributions={parameter.key: _distribution(parameter) for parameter in space},
        # What diverged may have had a low loss before: without any it ranks last.
        intermediate_values={} if trial.outcome == DIVERGED else dict(trial.validations),
    )


def _distribution(parameter: Parameter) -> optuna.distributions.BaseDistribution:
    import optuna

    kinds = optuna.distributions
    if not isinstance(parameter, Range):
        return kinds.CategoricalDistribution(parameter.values)
    if parameter.step and parameter.log:
        return kinds.IntDistribution(int(parameter.low), int(parameter.high), log=True)
    if parameter.size is not None:
        return kinds.IntDistribution(0, parameter.size - 1)  # the number of steps from the lowest value
    return kinds.FloatDistribution(parameter.low, parameter.high, log=parameter.log)


def _value(parameter: Parameter, point: Mapping[str, str]) -> float | int | str:
    text = point[parameter.key]
    if not isinstance(parameter, Range):
        return text
    if parameter.step and parameter.log:
        return int(text)
    if parameter.step:
        return round((float(text) - parameter.low) / parameter.step)
    return float(text)


def _text(parameter: Parameter, params: Mapping[str, Any]) -> str:
    value = params[parameter.key]
    if not isinstance(parameter, Range):
        return str(value)
    if parameter.step and not parameter.log:
        return written(parameter.low + parameter.step * value)
    return written(value if parameter.step else parameter.rounded(value))


def _size(space: Sequence[Parameter]) -> int:
    return int(np.prod([parameter.size or 0 for parameter in space]))
