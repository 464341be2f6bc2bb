"""A sweep on Ray Tune: proposes trials, starts them where there is room, stops those that fall behind."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from cluster.config import ClusterConfig
from metaart.config import located
from tune.config import Sweep
from tune.records import ENDED, FAILED, FINISHED, RUNNING, STOPPED, Trial, read_trials
from tune.searchers import propose
from tune.shelf import Shelf, on_this_machine
from tune.trial import Job, run_trial, trains_here

RAY_FILES = ".ray"
_STEP, _LOSS = "step", "validation"
_NOBODY: Any = None
"""ASHA decides by itself and does not ask who runs the trials."""

Announce = Callable[[Trial], None]


def _to_nobody(trial: Trial) -> None:
    """Where nobody listens."""


class Proposals(Searcher):
    """What Ray Tune asks for the next trial: first those that a sweep before this one left unfinished, then new ones.

    Args:
        sweep: what is searched, and how.
        shelf: of the sweep.
        trials: of the sweep until now.
        announce: called with each trial that ended.
    """

    def __init__(self, sweep: Sweep, shelf: Shelf, trials: list[Trial], announce: Announce) -> None:
        super().__init__(metric=_LOSS, mode="min")
        self._sweep, self._shelf, self._announce = sweep, shelf, announce
        self._trials = {trial.number: trial for trial in trials}
        self._waiting = [trial.number for trial in trials if trial.outcome not in ENDED]
        self._numbers: dict[str, int] = {}

    def suggest(self, trial_id: str) -> Any:
        """The configuration of a trial: its number and its point."""
        if self._waiting:
            trial = self._trials[self._waiting.pop(0)]
            trial.outcome = RUNNING
        else:
            # The lowest that is free: the folder of a damaged trial may have been deleted, to have it done again.
            number, how = next(free for free in itertools.count() if free not in self._trials), self._sweep.how
            earlier = list(self._trials.values())
            point = None
            if number < how.trials:
                point = propose(how.searcher, self._sweep.space, number, earlier, seed=how.seed, most=how.trials)
            if point is None:
                return Searcher.FINISHED
            trial = self._trials[number] = Trial(number, point)
        self._shelf.note(trial.number, trial.point, RUNNING)
        self._numbers[trial_id] = trial.number
        return {"number": trial.number, "point": dict(trial.point)}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Take a validation."""
        trial = self._trials[self._numbers[trial_id]]
        # A trial that is gone on with reports some steps again: those count once.
        if _LOSS in result and (not trial.validations or trial.validations[-1][0] < result[_STEP]):
            trial.validations.append((result[_STEP], result[_LOSS]))

    def on_trial_complete(
        self,
        trial_id: str,
        result: dict[str, Any] | None = None,  # noqa: ARG002
        error: bool = False,
    ) -> None:
        """Take an end."""
        number = self._numbers[trial_id]
        trial = self._shelf.trial(number)
        if error:
            trial.outcome = FAILED
        self._trials[number] = trial
        if trial.outcome != RUNNING:  # else the sweep is being interrupted, and the trial with it
            self._announce(trial)

    def __reduce__(self) -> tuple[Any, ...]:
        """Ray Tune stores a copy of what it was given; nobody is told of what that does."""
        return Proposals, (self._sweep, self._shelf, list(self._trials.values()), _to_nobody)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the trials' own files are what a sweep is resumed from."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing, as nothing is saved."""


class Halving(ASHAScheduler):
    """ASHA over the validations of the meta stage; remembers the rungs that earlier trials reached.

    Args:
        sweep: whose rungs these are.
        shelf: of the sweep.
        trials: of the sweep until now.
    """

    def __init__(self, sweep: Sweep, shelf: Shelf, trials: list[Trial]) -> None:
        super().__init__(
            time_attr=_STEP,
            metric=_LOSS,
            mode="min",
            # One more than there are, so that a trial which reaches the end has finished and is not stopped there.
            max_t=max([sweep.config.meta.steps, *_searched_steps(sweep)]) + 1,
            grace_period=sweep.first_rung,
            reduction_factor=sweep.how.reduction,
        )
        self._shelf = shelf
        self._earlier = {trial.number: trial for trial in trials}
        for trial in trials:
            if trial.outcome in (FINISHED, STOPPED):
                stand_in: Any = SimpleNamespace(trial_id=f"earlier-{trial.number}")
                super().on_trial_add(_NOBODY, stand_in)
                self._replay(stand_in, trial)

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """Take a trial; one that is gone on with stands at the rungs that it has passed."""
        super().on_trial_add(tune_controller, trial)
        if earlier := self._earlier.get(trial.config["number"]):
            self._replay(trial, earlier)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Decide; that a trial is stopped is written down at once."""
        decision: str = super().on_trial_result(tune_controller, trial, result)
        # What has come to its end, or broke, wrote that down itself.
        number, point = trial.config["number"], trial.config["point"]
        if decision == TrialScheduler.STOP and self._shelf.trial(number).outcome == RUNNING:
            self._shelf.note(number, point, STOPPED)
        return decision

    def _replay(self, running: Any, trial: Trial) -> None:
        best = float("inf")
        for step, loss in trial.validations:
            # As trials report it: the best loss so far, not the last.
            best = min(best, loss)
            super().on_trial_result(_NOBODY, running, {_STEP: step, _LOSS: best})


class _Interruption(tune.Stopper):
    """Asks whether to stop. Ray Tune stores a copy of what it was given, which will never be asked."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _Interruption, (bool,)

    def __init__(self, stop: Callable[[], bool]) -> None:
        self._stop = stop

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:  # noqa: ARG002
        return False

    def stop_all(self) -> bool:
        return self._stop()


def search(
    sweep: Sweep,
    pooled: Path | None,
    *,
    shelf: Shelf | None = None,
    announce: Announce = _to_nobody,
    stop: Callable[[], bool] = lambda: False,
) -> list[Trial]:
    """Run the trials of a sweep that `prepare_sweep` made on the Ray that this process is connected to.

    Args:
        sweep: what is searched, and how; trials that ended are not run again.
        pooled: see `tune.trial.Job`.
        shelf: of the sweep; its folder, if left out.
        announce: called with each trial that ended.
        stop: asked several times a second; True leaves the trials where they are.

    Returns:
        All trials by number; those that `stop` left are `running`.
    """
    shelf = shelf or Shelf(sweep.folder)
    trials, folder = shelf.trials(), sweep.folder.resolve()
    job = Job(located(sweep.config), sweep.cluster, folder, pooled.resolve() if pooled else None, sweep.storage)
    proposals = Proposals(sweep, shelf, trials, announce)
    room = concurrent(sweep.cluster, sweep.how.concurrent, ray.cluster_resources())  # type: ignore[no-untyped-call]
    left = sum(trial.outcome not in ENDED for trial in trials) + max(0, sweep.how.trials - len(trials))
    shutil.rmtree(folder / RAY_FILES, ignore_errors=True)
    if not left:
        return trials

    # A trial that diverges before its first validation has none, which is no reason to end the sweep.
    os.environ.setdefault("TUNE_DISABLE_STRICT_METRIC_CHECKING", "1")

    def drive(config: dict[str, Any]) -> None:
        with on_this_machine(job, config["number"]) as here:
            end = run_trial(here, config["number"], config["point"], tune.report)
        if end is not None:
            tune.report(end)

    tuner = tune.Tuner(
        tune.with_resources(drive, _resources(sweep.cluster)),
        tune_config=tune.TuneConfig(
            search_alg=proposals,
            scheduler=Halving(sweep, shelf, trials) if sweep.how.scheduler == "asha" else FIFOScheduler(),  # type: ignore[no-untyped-call]
            num_samples=left,
            max_concurrent_trials=room,
            # Importing PyTorch takes longer than a small trial. A trial that waits for workers, which are slow to stop,
            # cannot hand its process on in time; beside starting workers, a new process costs little.
            reuse_actors=trains_here(sweep.cluster),
        ),
        run_config=tune.RunConfig(
            name=RAY_FILES,
            storage_path=str(folder),
            failure_config=tune.FailureConfig(max_failures=sweep.cluster.max_failures),
            stop=_Interruption(stop),
            verbose=0,
        ),
    )
    try:
        results = tuner.fit()
        ended = [results[index] for index in range(len(results))]
        errors = {end.config["number"]: str(end.error) for end in ended if end.error and end.config}
    finally:
        shutil.rmtree(folder / RAY_FILES, ignore_errors=True)
    for trial in shelf.trials():
        if trial.outcome == RUNNING and not stop():
            why = errors.get(trial.number, "Ray Tune gave it up without a word")
            shelf.note(trial.number, trial.point, FAILED, why[-2000:])
    return read_trials(sweep.folder)  # as they were brought just now


def concurrent(cluster: ClusterConfig, most: int, there: dict[str, Any]) -> int:
    """How many trials there is room for at a time, at least 1.

    Args:
        cluster: who trains a trial.
        most: upper bound; 0 for none.
        there: resources under Ray's names.
    """
    room = [int(there.get(name, 0)) // needed for name, needed in cluster.needed.items() if needed]
    return max(1, min([*room, *([most] if most else [])]))


def _resources(cluster: ClusterConfig) -> dict[str, float]:
    """What a trial's own process holds: all it needs where it trains itself.

    Where it waits for workers it holds a megabyte, as it must hold something: a share of a core would be missing to
    the workers of a trial that takes the whole machine, and they would be waited for without end.
    """
    return dict(cluster.needed) if trains_here(cluster) else {"memory": 2**20}


def _searched_steps(sweep: Sweep) -> list[int]:
    return [
        int(value) for parameter in sweep.space if parameter.key == "meta.steps" for value in parameter.probes
    ]  # fmt: skip
