"""What validation taught about how far a run's answers can be believed; kept beside its weights."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from metaart.errors import UserError
from metaart.files import save_text
from metaart.training.checkpoint import load_json

FILE = "calibration.json"
WAYS = 5
"""Hands of the usual evaluation."""
NEVER = 1e9
"""A strangeness that nothing has."""


@dataclass(frozen=True)
class Confidence:
    """What holds for answers from so many examples, among so many hands.

    Attributes:
        shots: examples of each hand, or of the curator.
        temperature: by which logits are divided.
        set_bound: a hand is in the answer set where 1 - its probability is at most this; so are `coverage` of the
            truths.
        strange_bound: a work whose `strangeness` is above is called none of the hands; `wrongly_strange` of works that
            are one's are too.
        score_bound: half the width of the interval around a score that holds `coverage` of a curator's own scores.
        ways: hands to choose from, or curators, of whom there is one.
    """

    shots: int
    temperature: float = 1.0
    set_bound: float = 1.0
    strange_bound: float = NEVER
    score_bound: float = 9.0
    ways: int = WAYS


@dataclass(frozen=True)
class Calibration:
    """Confidence by number of hands and of examples.

    Attributes:
        coverage: of answer sets and intervals.
        wrongly_strange: share of works by one of the hands that are called none of them.
        episodes: of validation hands, for each number of hands and of examples.
        entries: ascending by hands, then by examples.
    """

    coverage: float
    wrongly_strange: float
    episodes: int
    entries: tuple[Confidence, ...]

    def at(self, shots: int, ways: int = WAYS) -> Confidence:
        """What was learned with the numbers nearest to these, the fewer of two that are equally near.

        Hands come first and are compared by their ratio: bounds change more with them than with the examples.
        """
        near = min(self.entries, key=lambda entry: abs(math.log(entry.ways / ways))).ways
        return min((entry for entry in self.entries if entry.ways == near), key=lambda entry: abs(entry.shots - shots))


def save_calibration(calibration: Calibration, run: Path) -> None:
    """Write it into the run directory."""
    save_text(run / FILE, json.dumps(dataclasses.asdict(calibration), indent=1))


def load_calibration(run: Path) -> Calibration | None:
    """What `save_calibration` wrote, None where nothing did.

    Raises:
        UserError: damaged.
    """
    if not (run / FILE).is_file():
        return None
    stored = load_json(run / FILE)
    try:
        entries = tuple(Confidence(**entry) for entry in stored.pop("entries"))
        if not entries:
            raise ValueError("no entries")
        return Calibration(**stored, entries=entries)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            expected=f"{FILE} as `metaart evaluate` writes it",
            got=f"{run / FILE}: {error}",
            fix=f"Delete it and run: metaart evaluate {run}",
        ) from error


def strangeness(features: Tensor, examples: Tensor, labels: Tensor) -> Tensor:
    """How far works lie from the nearest hand, in units of how far the hands lie from each other.

        min_c |f - mu_c|^2 / mean over c < d of |mu_c - mu_d|^2,  mu_c the mean of a hand's examples

    Args:
        features: of the works, (works, features).
        examples: features of the examples, (examples, features).
        labels: of the examples, (examples,), every hand from 0 to the largest present.

    Returns:
        (works,), 0 or more.
    """
    hands = int(labels.max()) + 1
    means = torch.stack([examples[labels == hand].mean(0) for hand in range(hands)])
    # Hands whose examples are all alike lie nowhere apart: everything else is then very strange, not infinitely.
    apart = torch.pdist(means).square().mean().clamp(min=1e-12)
    # Exactly, for products of features would lose what two near ones differ by.
    nearest: Tensor = torch.cdist(features, means, compute_mode="donot_use_mm_for_euclid_dist").square().amin(1)
    return nearest / apart
