"""What a sweep is: its rungs, and that only the one that was begun is gone on with."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from cluster.config import ClusterConfig
from metaart.config import override
from metaart.errors import UserError
from metaart.recipes import recipe
from tune.config import Sweep, SweepConfig, prepare_sweep
from tune.keys import read_space


def sweep_in(folder: Path, *settings: str, space: str = "alpha=loguniform(1e-3,1)", **how: object) -> Sweep:
    config = override(recipe("sinusoid"), ["meta.steps=270", "meta.validate_every=5", *settings])
    return Sweep(config, ClusterConfig(workers=1), tuple(read_space([space], config)), SweepConfig(**how), folder)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("steps", "every", "first", "expected"),
    [(270, 5, 0, 10), (270, 4, 0, 12), (270, 100, 0, 100), (270, 5, 12, 15), (4, 5, 0, 4)],
)
def test_the_first_rung_is_a_step_with_a_validation(steps: int, every: int, first: int, expected: int) -> None:
    sweep = sweep_in(Path(), f"meta.steps={steps}", f"meta.validate_every={every}", first_rung=first)
    assert sweep.first_rung == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [("trials", 0), ("searcher", "guess"), ("scheduler", "fifo"), ("first_rung", -1), ("reduction", 1),
     ("concurrent", -1), ("seed", -1)],
)  # fmt: skip
def test_a_sweep_that_cannot_be_is_refused(name: str, value: object) -> None:
    with pytest.raises(UserError, match=f"expected {name} to be "):
        SweepConfig(**{name: value})  # type: ignore[arg-type]


def test_only_the_sweep_that_was_begun_is_gone_on_with(tmp_path: Path) -> None:
    sweep = sweep_in(tmp_path / "sweep", trials=4)
    with pytest.raises(UserError, match="a sweep to go on with"):
        prepare_sweep(sweep, resume=True)
    prepare_sweep(sweep, resume=False)
    with pytest.raises(UserError, match="--resume"):
        prepare_sweep(sweep, resume=False)
    prepare_sweep(sweep, resume=True)
    others = {
        "run": sweep_in(sweep.folder, "seed=3", trials=4),
        "space": sweep_in(sweep.folder, space="alpha=loguniform(1e-3,2)", trials=4),
        "how": sweep_in(sweep.folder, trials=4, seed=1),
        "cluster": dataclasses.replace(sweep, cluster=ClusterConfig(workers=2)),
    }
    for name, other in others.items():
        with pytest.raises(UserError, match=f"another {name} for"):
            prepare_sweep(other, resume=True)
    # More trials, or more of them at a time, are no other sweep; but a grid of more points is.
    prepare_sweep(sweep_in(sweep.folder, trials=9, concurrent=2), resume=True)
    prepare_sweep(sweep_in(tmp_path / "grid", trials=4, searcher="grid"), resume=False)
    with pytest.raises(UserError, match="another how for"):
        prepare_sweep(sweep_in(tmp_path / "grid", trials=9, searcher="grid"), resume=True)
