"""What a sweep is, as typed and frozen values."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cluster.config import ClusterConfig
from metaart.config import RunConfig, to_json
from metaart.errors import UserError
from metaart.files import make_folder, save_text
from metaart.options import option, options
from metaart.training.checkpoint import load_json
from tune.searchers import SEARCHERS
from tune.space import Parameter

SWEEP = "sweep.json"


@options()
class SweepConfig:
    """How the space is searched; each field is a flag of `python -m tune.search`."""

    trials: int = option(default=32, ge=1, le=9999, help="how many, at most")
    searcher: str = option(default="tpe", choices=SEARCHERS, help="what proposes the next trial")
    scheduler: Literal["asha", "none"] = option(
        default="asha",
        help="asha (Li et al. 2020) stops a trial at a rung where others did better, none stops none",
    )
    first_rung: int = option(
        default=0,
        ge=0,
        help="outer steps before a trial may be stopped; 0 takes a 27th of all steps, at least one validation",
    )
    reduction: int = option(
        default=3, ge=2, help="one in so many goes on past a rung; the next rung is so many times further"
    )
    concurrent: int = option(default=0, ge=0, help="trials at a time, at most; 0 is as many as there is room for")
    seed: int = option(default=0, ge=0, le=2**32 - 1, help="of what is proposed; the runs keep the recipe's")


@dataclass(frozen=True)
class Sweep:
    """All that decides a sweep.

    Attributes:
        config: of the run whose keys are searched.
        cluster: who trains a trial.
        space: what is searched.
        how: searcher, scheduler, number of trials.
        folder: the sweep's directory, that all machines share; with a storage, a copy for this process.
        storage: URL of where the sweep is kept instead; empty if it is not.
    """

    config: RunConfig
    cluster: ClusterConfig
    space: tuple[Parameter, ...]
    how: SweepConfig
    folder: Path
    storage: str = ""

    @property
    def home(self) -> str:
        """Where it is for others: its storage, or else its folder."""
        return self.storage or str(self.folder)

    @property
    def first_rung(self) -> int:
        """Outer steps before a trial may be stopped: a multiple of the steps between validations."""
        every, steps = self.config.meta.validate_every, self.config.meta.steps
        wanted = self.how.first_rung or steps / 27
        return min(steps, max(1, -(-int(wanted) // every)) * every)


def prepare_sweep(sweep: Sweep, *, resume: bool) -> None:
    """Make the sweep's directory, or check that it is the one to go on with.

    Raises:
        UserError: as `check_sweep` does.
    """
    check_sweep(sweep, resume=resume)
    make_folder(sweep.folder)
    save_text(sweep.folder / SWEEP, json.dumps(plain(sweep), indent=1))


def check_sweep(sweep: Sweep, *, resume: bool) -> None:
    """Write nothing, and refuse what cannot be begun or gone on with.

    Raises:
        UserError: a sweep is there and `resume` is off, it is another one, or there is none to resume.
    """
    path = sweep.folder / SWEEP
    if not path.exists():
        if resume:
            raise UserError(expected="a sweep to go on with", got=f"no {path}", fix="Leave --resume out to begin one.")
        return
    if not resume:
        raise UserError(
            expected="a new directory for a sweep",
            got=f"{sweep.folder}, which holds a sweep",
            fix="Add --resume or another --out.",
        )
    before, now = load_json(path), plain(sweep)
    if sweep.how.searcher != "grid" and isinstance(before.get("how"), dict):
        before["how"]["trials"] = now["how"]["trials"]  # more of them may be asked for; a grid would be another one
    if different := [key for key in now if before.get(key) != now[key]]:
        raise UserError(
            expected="the sweep that was begun",
            got=f"another {', '.join(different)} for {sweep.folder}",
            fix="Resume with the same recipe, --space, --set and searcher, or take another --out.",
        )


def plain(sweep: Sweep) -> dict[str, Any]:
    """What makes a sweep the one it is, as JSON takes it."""
    how = dataclasses.asdict(sweep.how)
    del how["concurrent"]  # how many fit is no part of what is searched
    return {
        "run": json.loads(to_json(sweep.config)),
        "cluster": json.loads(to_json(sweep.cluster)),
        "space": json.loads(json.dumps([dataclasses.asdict(parameter) for parameter in sweep.space])),
        "how": how,
    }
