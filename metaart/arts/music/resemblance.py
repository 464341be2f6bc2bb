"""How near pieces are to their own hand and to other hands: by features, by likelihood, by what they copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from metaart.arts.music.features import HISTOGRAMS, SCALARS, Features, Gram, copy_rate, total_variation

Floats = NDArray[np.float64]
NAMES = (*SCALARS, *HISTOGRAMS)
EXAMPLES = "real, each example beside the other examples"


class _Table(NamedTuple):
    """Features of some pieces side by side."""

    scalars: Floats
    histograms: list[Floats]

    @staticmethod
    def of(pieces: Sequence[Features]) -> _Table:
        """One row per piece."""
        histograms = [np.stack([getattr(piece, name) for piece in pieces]) for name in HISTOGRAMS]
        return _Table(np.stack([piece.scalars for piece in pieces]), histograms)

    def centre(self, without: int | None = None) -> _Table:
        """The mean piece, over all or over all but one."""
        rest = [index for index in range(len(self.scalars)) if index != without]
        # A piece too short for a feature has no number there, and is left out of that feature's mean alone.
        finite = np.isfinite(self.scalars[rest])
        total = np.where(finite, self.scalars[rest], 0.0).sum(0, keepdims=True)
        counts = finite.sum(0, keepdims=True)
        scalars = np.where(counts, total / np.maximum(counts, 1), np.nan)
        return _Table(scalars, [shares[rest].mean(0, keepdims=True) for shares in self.histograms])

    def distance(self, centre: _Table, spread: Floats) -> Floats:
        """(pieces, features): scalars in standard deviations, histograms as total variation."""
        scalars = np.abs(self.scalars - centre.scalars) / spread
        pairs = zip(self.histograms, centre.histograms, strict=True)
        return np.column_stack([scalars, *(total_variation(own, mean) for own, mean in pairs)])


def distances(kinds: Mapping[str, Sequence[Sequence[Features]]], real: str) -> dict[str, dict[str, Floats]]:
    """Mean distance of each hand's pieces to the mean of its own held-out works, and to those of the other hands.

    A feature's distance is divided by what real works have to other hands on average, so 1 is the distance between
    hands; `own` and `other` are means over features. A real work is compared with its hand's other works.

    Args:
        kinds: pieces by kind and hand.
        real: the kind that holds the hands' held-out works, two or more of each.

    Returns:
        By kind: "own", "other", "nearer" (1 where own is below other) and, of each feature f, "f own" and "f other";
        each (hands,).
    """
    held = [_Table.of(pieces) for pieces in kinds[real]]
    # One unit for all hands, from real works alone: what is created must not stretch the measure.
    scalars = np.concatenate([table.scalars for table in held])
    spread = np.sqrt(_mean((scalars - _mean(scalars)) ** 2))
    spread = np.where(spread > 0, spread, 1.0)
    centres = [table.centre() for table in held]

    def measured(kind: str, hand: int) -> tuple[Floats, Floats]:
        """Distances (pieces, features) to the own hand, and mean ones to the others."""
        table = held[hand] if kind == real else _Table.of(kinds[kind][hand])
        others = [table.distance(centre, spread) for index, centre in enumerate(centres) if index != hand]
        if kind != real:
            return table.distance(centres[hand], spread), np.mean(others, axis=0)
        # Its own hand's centre without it: with it, every real work would be nearer than a created one can be.
        alone = [table.distance(table.centre(without=index), spread)[index] for index in range(len(table.scalars))]
        return np.array(alone), np.mean(others, axis=0)

    hands = range(len(held))
    found = {kind: [measured(kind, hand) for hand in hands] for kind in kinds}
    unit = _mean(np.concatenate([other for _, other in found[real]]))
    unit = np.where(unit > 0, unit, np.nan)  # a feature in which no two works differ says nothing
    result = {}
    for kind, each in found.items():
        # Means over pieces first, then over features: hands count alike, however many pieces they have.
        own = np.array([_mean(own) / unit for own, _ in each])
        other = np.array([_mean(other) / unit for _, other in each])
        near, far = _mean(own.T), _mean(other.T)
        result[kind] = {"own": near, "other": far, "nearer": (near < far).astype(np.float64)}
        for column, name in enumerate(NAMES):
            result[kind] |= {f"{name} own": own[:, column], f"{name} other": other[:, column]}
    return result


def likeliness(nats: Floats, owner: NDArray[np.int64]) -> dict[str, Floats]:
    """How often a piece is likelier under its own hand's model than under another hand's.

    Args:
        nats: negative log-likelihood per token of each piece under each hand's model, (hands, pieces).
        owner: the hand of each piece, (pieces,); every hand has one.

    Returns:
        Means over each hand's pieces, (hands,): "pairs", the share of other hands' models that are beaten (a tie
        counts half); "first", whether all are; "rank" from 1; "ahead", nats per token below the others' mean.
    """
    others = len(nats) - 1
    own = nats[owner, np.arange(len(owner))]
    # A piece ties with its own model, which is not one of the others: hence the 1.
    worse = (nats > own).sum(0) + 0.5 * ((nats == own).sum(0) - 1)
    measured = {
        "pairs": worse / others,
        "first": (worse == others).astype(np.float64),
        "rank": 1 + others - worse,
        # The mean over the others' models: its own is taken out of the sum.
        "ahead": (nats.sum(0) - own) / others - own,
    }
    hands = range(len(nats))
    return {name: np.array([each[owner == hand].mean() for hand in hands]) for name, each in measured.items()}


def copies(
    kinds: Mapping[str, Sequence[Sequence[Sequence[Gram]]]], examples: Sequence[Sequence[Sequence[Gram]]]
) -> dict[str, dict[str, Floats]]:
    """What share of a piece's runs stand in its hand's examples; and in the other examples, of an example itself.

    Args:
        kinds: runs by kind, hand, piece.
        examples: runs by hand, example.

    Returns:
        By kind, and of `EXAMPLES`: "share", the mean, and "largest", the maximum over a hand's pieces, (hands,); not a
        number where no piece is long enough.
    """
    rates = {
        kind: [[copy_rate(piece, own) for piece in row] for row, own in zip(rows, examples, strict=True)]
        for kind, rows in kinds.items()
    }
    rates[EXAMPLES] = [
        [copy_rate(piece, [*own[:index], *own[index + 1 :]]) for index, piece in enumerate(own)] for own in examples
    ]
    return {
        kind: {
            "share": np.array([_mean(np.array(row)) for row in rows]),
            # fmax passes over what is no number, which max would give back.
            "largest": np.array([np.fmax.reduce(row) for row in rows]),
        }
        for kind, rows in rates.items()
    }


def _mean(values: Floats) -> Floats:
    """The mean along the first axis over what is a number; not a number where nothing is."""
    finite = np.isfinite(values)
    total = np.where(finite, values, 0.0).sum(0)
    mean: Floats = np.where(finite.any(0), total / np.maximum(finite.sum(0), 1), np.nan)
    return mean
