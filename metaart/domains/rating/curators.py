"""Curators whose taste is known, because it is made: none of it is a person's judgement."""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, sqrt

import numpy as np
from numpy.typing import NDArray

from metaart.domains.rating.damage import DAMAGES
from metaart.domains.rating.scale import HIGHEST, LOWEST
from metaart.domains.viewing.qualities import NAMES, qualities
from metaart.formats.pictures.read import Pixels

_DAMAGE_SHARE = 1 / 3
_WAVERING = 0.25


@dataclass(frozen=True)
class Taste:
    """What a made curator goes by: measured qualities, or how little a picture is damaged.

    Attributes:
        weights: of the standardised qualities, in the order of `qualities.NAMES`; length 1.
        damage: what it minds instead, one of a split's `DAMAGES`; empty where it goes by qualities.
        seed: of how far each work is damaged and of how the curator wavers.
    """

    weights: tuple[float, ...]
    damage: str
    seed: int

    @property
    def words(self) -> str:
        """What the curator goes by, for people."""
        if self.damage:
            return f"minds {self.damage}"
        liked = [f"{weight:+.2f} {name}" for name, weight in zip(NAMES, self.weights, strict=True) if weight]
        return ", ".join(liked)


def draw_taste(split: str, rng: np.random.Generator) -> Taste:
    """A taste; the same generator state, the same taste.

    Two thirds go by one to three qualities, the others by the damage of a kind that this split alone has.
    """
    # All is drawn whatever comes of it, so that no draw depends on how another one fell.
    share, seed = rng.random(), int(rng.integers(2**31))
    kinds = list(DAMAGES[split])
    kind = kinds[int(rng.integers(len(kinds)))]
    chosen = rng.permutation(len(NAMES))[: int(rng.integers(1, 4))]
    weights = np.zeros(len(NAMES))
    weights[chosen] = rng.normal(size=len(chosen))
    weights /= max(float(np.linalg.norm(weights)), 1e-9)
    damaging = share < _DAMAGE_SHARE
    return Taste(tuple((0 * weights if damaging else weights).tolist()), kind if damaging else "", seed)


@dataclass(frozen=True)
class Standard:
    """Mean and deviation of the qualities of the works that a curator knows.

    Attributes:
        mean: (qualities,).
        deviation: (qualities,), above 0.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def of(cls, pictures: NDArray[np.uint8]) -> Standard:
        """The standard of some pictures, (works, height, width, 3)."""
        measured = qualities(pictures)
        return cls(measured.mean(0), np.maximum(measured.std(0), 1e-6))


def rated(
    taste: Taste, split: str, standard: Standard, works: list[int], pictures: list[Pixels]
) -> tuple[list[Pixels], list[float]]:
    """What a curator is shown and how it rates it.

    By qualities: 1 + 9 Phi(w . z + e), z the standardised qualities, e a normal deviation of 0.25 and Phi the normal
    distribution, rounded to a whole score. By damage: 10 - 9 a for an amount a, uniform from 0 to 1, of damage.

    Args:
        taste: the curator's.
        split: whose damages it knows.
        standard: of the qualities.
        works: numbers of the works; with the taste's seed they decide damage and wavering.
        pictures: the works, undamaged.

    Returns:
        The pictures as shown, and scores from 1 to 10.
    """
    shown, scores = [], []
    for work, picture in zip(works, pictures, strict=True):
        # By curator and work alone: a work is damaged and rated alike whichever others it comes with.
        rng = np.random.default_rng([taste.seed, work])
        if taste.damage:
            amount = float(rng.random())
            shown.append(DAMAGES[split][taste.damage](picture, amount, rng))
            score = HIGHEST - (HIGHEST - LOWEST) * amount
        else:
            shown.append(picture)
            z = (qualities(picture[None])[0] - standard.mean) / standard.deviation
            liking = float(z @ np.array(taste.weights)) + _WAVERING * float(rng.normal())
            # A liking is near a normal deviation, so through Phi the scores are spread evenly over the scale.
            score = LOWEST + (HIGHEST - LOWEST) * 0.5 * (1 + erf(liking / sqrt(2)))
        scores.append(float(round(score)))
    return shown, scores
