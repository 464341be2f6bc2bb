"""A judgement as a value: what a work is judged to be, and what that rests on; as JSON and in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metaart.artists.art import Made, Request
from metaart.arts.judging import HEAT_MAP
from metaart.arts.judging.critic import Impression, heat_map
from metaart.arts.judging.heat import heat_picture
from metaart.domains.viewing.gallery import ink
from metaart.domains.viewing.qualities import NAMES, Quality, qualities
from metaart.formats.pictures.read import Pixels, write_png
from metaart.functional.evidence import Evidence

NEAREST = 3
NONE = "none of these"


@dataclass(frozen=True)
class Near:
    """An example that is like the work.

    Attributes:
        name: of the example.
        verdict: its hand, or its score.
        distance: in the network's features, in units of the mean distance between two examples.
    """

    name: str
    verdict: str | float
    distance: float


@dataclass(frozen=True)
class Judgement:
    """What a work is judged to be, and what that rests on.

    Attributes:
        answer: the hand, `none of these`, or the score from 1 to 10.
        probabilities: of the hands, the likeliest first; empty for a rating.
        plausible: the hands that cannot be ruled out at the run's coverage; empty for a rating.
        strangeness: how far the work lies from the nearest hand, in units of how far the hands lie from each other.
        interval: lowest and highest score that the run's coverage allows; None for an attribution.
        coverage: of `plausible` and `interval`; None where the run was not calibrated.
        nearest: the examples that are most like the work.
        qualities: what was measured of the work.
        usual: mean of each quality over the examples of the answer's hand, or over all that were rated.
        explanation: sentences that name only what stands in the other fields.
    """

    answer: str | float
    probabilities: dict[str, float]
    plausible: list[str]
    strangeness: float | None
    interval: tuple[float, float] | None
    coverage: float | None
    nearest: list[Near]
    qualities: list[Quality]
    usual: dict[str, float]
    explanation: list[str]

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self) | {"qualities": [quality._asdict() for quality in self.qualities]}

    def words(self) -> str:
        """For people, a line each."""
        lines = [self.answer if isinstance(self.answer, str) else f"{self.answer:.1f}"]
        lines += [f"  {name}: {share:.2f}" for name, share in self.probabilities.items()]
        if self.coverage is None:
            lines.append("(not calibrated: run `metaart evaluate` on the run first)")
        return "\n".join(lines + self.explanation)


def made_of(judgement: Judgement, request: Request, evidence: Evidence, pixels: Pixels) -> Made:
    """A judgement as what was asked for.

    Args:
        judgement: of the work.
        request: which may ask for a heat map.
        evidence: for the answer.
        pixels: the work as it is seen.
    """
    extras = {}
    if HEAT_MAP.name in request.extras:
        found = heat_map(evidence, ink([pixels])[0])
        extras[HEAT_MAP.name] = write_png(heat_picture(pixels, found.numpy()))
    data = json.dumps(judgement.plain(), indent=1, ensure_ascii=False).encode()
    return Made(data, judgement.words(), extras)


def nearest_examples(seen: Impression, names: Sequence[str], verdicts: Sequence[str | float]) -> list[Near]:
    """The examples that are most like the first of the works, nearest first."""
    indices, distances = (rows[0, :NEAREST].tolist() for rows in seen.nearest())
    return [
        Near(names[index], verdicts[index], round(distance, 3))
        for index, distance in zip(indices, distances, strict=True)
    ]


def usual_qualities(frames: NDArray[np.uint8]) -> dict[str, float]:
    """The mean of each quality over pictures, (works, side, side, 3)."""
    return {name: round(float(value), 4) for name, value in zip(NAMES, qualities(frames).mean(0), strict=True)}


def quality_sentences(measured: Sequence[Quality], usual: dict[str, float], whom: str) -> list[str]:
    """Each quality of a work beside what is usual, a sentence each."""
    return [
        f"{quality.name.capitalize()} {quality.value:.2f} ({quality.words}); "
        f"{whom} have {usual[quality.name]:.2f} on average."
        for quality in measured
    ]
