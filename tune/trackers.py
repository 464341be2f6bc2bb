"""Trials where other tools look for them: TensorBoard's table of hyperparameters, and MLflow where it is installed."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from tune.records import Trial, trial_folder
from tune.space import Parameter, Range

HPARAMS, MLFLOW = "hparams", "mlflow.db"


def log_trial(sweep: Path, recipe: str, space: Sequence[Parameter], trial: Trial) -> None:
    """Log a trial that ended; `tensorboard --logdir SWEEP` shows it beside the curves that its run wrote.

    Args:
        sweep: the sweep's folder.
        recipe: MLflow's name of the experiment.
        space: what is searched.
        trial: the trial.
    """
    if trial.best is None:
        return
    _log_tensorboard(sweep, space, trial)
    if importlib.util.find_spec("mlflow") is None:
        return
    try:
        _log_mlflow(sweep, recipe, trial)
    except Exception as error:  # it does not load, or its file is another's: what it records is kept here too
        print(f"trial {trial.number} is not logged in MLflow: {error}", file=sys.stderr)


def _log_tensorboard(sweep: Path, space: Sequence[Parameter], trial: Trial) -> None:
    from torch.utils.tensorboard import SummaryWriter

    values = {
        parameter.key: float(trial.point[parameter.key]) if isinstance(parameter, Range) else trial.point[parameter.key]
        for parameter in space
    }
    with SummaryWriter(str(trial_folder(sweep, trial.number) / "tensorboard")) as events:
        events.add_hparams(values, {"hparam/validation": trial.best, "hparam/steps": trial.steps}, run_name=HPARAMS)


def _log_mlflow(sweep: Path, recipe: str, trial: Trial) -> None:
    import mlflow

    # Beside the trials, in one file: MLflow's own default is wherever the command was started.
    client = mlflow.tracking.MlflowClient(tracking_uri=f"sqlite:///{(sweep / MLFLOW).resolve()}")
    experiment = client.get_experiment_by_name(recipe)
    number = experiment.experiment_id if experiment else client.create_experiment(recipe)
    run = client.create_run(number, run_name=f"trial {trial.number}", tags={"outcome": trial.outcome}).info.run_id
    for key, value in trial.point.items():
        client.log_param(run, key, value)
    for step, loss in trial.validations:
        client.log_metric(run, "validation", loss, step=step)
    client.log_metric(run, "best validation", trial.best)
    client.set_terminated(run)
