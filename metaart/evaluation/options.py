"""What may be asked of an evaluation, whatever the art."""

from __future__ import annotations

from metaart.errors import UserError
from metaart.options import option, options


@options()
class EvaluateOptions:
    """What every evaluation takes."""

    data: str | None = option(
        default=None, usual="that of the run", help="prepared folder or its URL, if not the one the run was trained on"
    )
    also: tuple[str, ...] = option(default=(), usual="none", help="one more meta-learner, as NAME=RUN; may be repeated")
    episodes: int = option(default=600, ge=2, help="test episodes, the same for every method")


@options()
class AdaptationOptions(EvaluateOptions):
    """What is asked of loss against adaptation steps, the evaluation of most arts."""

    validation_episodes: int = option(default=120, ge=2, help="for choosing the rates of the rivals")
    steps: tuple[int, ...] = option(default=(0, 1, 3, 5, 10, 20), help="adaptation steps reported")
    rival: tuple[str, ...] = option(
        default=(),
        usual="the run's own pooled model",
        help="fine-tune the pooled model of this run, as NAME=RUN; may be repeated",
    )
    tuning_only: bool = option(default=False, help="leave out what starts from nothing: from scratch, bigrams")

    def __post_init__(self) -> None:
        check_steps_reported(self.steps)


def check_steps_reported(steps: tuple[int, ...]) -> None:
    """Refuse numbers of adaptation steps that nothing can be reported at.

    Raises:
        UserError: none, or one below 0.
    """
    if not steps or min(steps) < 0:
        raise UserError(expected="numbers of steps from 0", got=f"steps={steps}", fix="Use --steps 0 1 3 5 10 20.")
