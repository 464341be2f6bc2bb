"""What validation teaches about how far a run's answers can be believed, and whether that holds elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from metaart.arts.critique.answers import Answers, collect
from metaart.arts.critique.episodes import SplitWorks, draw_episodes
from metaart.arts.critique.methods import Method
from metaart.arts.judging.confidence import NEVER, Calibration, Confidence
from metaart.evaluation.statistics import half_width_by_hand
from metaart.functional.calibration import answer_sets, conformal_quantile, fitted_temperature


@dataclass(frozen=True)
class AttributionProtocol:
    """How attribution is judged.

    Attributes:
        episodes: of test hands, the same for every method.
        validation_episodes: of validation hands, on which temperatures, bounds and the probe's penalty are chosen.
        ways: hands an episode.
        shots: numbers of examples of each hand, ascending.
        query: works of each hand that are asked about, and of a stranger.
        works_per_hand: most works of a hand that are drawn from.
        calibrated_ways: numbers of hands for which the run's calibration is made, beside `ways`.
        calibrated_shots: numbers of examples for which it is made.
        ways_asked: numbers of hands for which it is looked at what calibration was worth.
        coverage: of answer sets.
        wrongly_strange: share of the hands' own works that may be called none of them.
        probe_penalties: tried for the linear probe.
        maps: works whose heat maps are judged, at most.
        seed: of the episodes.
    """

    episodes: int = 600
    validation_episodes: int = 120
    ways: int = 5
    shots: tuple[int, ...] = (1, 5)
    query: int = 5
    works_per_hand: int = 60
    calibrated_ways: tuple[int, ...] = (2, 3, 5, 8, 12, 20)
    calibrated_shots: tuple[int, ...] = (1, 2, 3, 5, 10)
    ways_asked: tuple[int, ...] = (2, 4, 7, 10, 15, 20)
    coverage: float = 0.9
    wrongly_strange: float = 0.05
    probe_penalties: tuple[float, ...] = (0.0001, 0.001, 0.01, 0.1)
    maps: int = 40
    seed: int = 7

    def up_to(self, most_hands: int) -> AttributionProtocol:
        """The same without the numbers of hands that a run cannot tell apart at once."""
        return replace(
            self,
            calibrated_ways=tuple(ways for ways in self.calibrated_ways if ways <= most_hands),
            ways_asked=tuple(ways for ways in self.ways_asked if ways <= most_hands),
        )


def confidence_of(answers: Answers, shots: int, protocol: AttributionProtocol) -> Confidence:
    """Temperature and bounds from answers in validation episodes.

    Works of one hand are alike, so the bounds are those for a new hand beside the validation hands, not for a new work.
    """
    labels, hands = answers.labels(), len(set(answers.hands_asked()))
    temperature = fitted_temperature(answers.logits.flatten(0, 1), labels.flatten())
    # How badly the truth fits is 1 - its probability: the bound on that decides which hands are not ruled out.
    truths = (answers.logits / temperature).softmax(-1).gather(-1, labels[..., None])
    return Confidence(
        shots,
        temperature,
        # Where too few hands were seen to promise anything, the bound is infinite; JSON wants a number, and these say
        # the same: every hand stays in the set, and nothing is strange.
        min(1.0, conformal_quantile(1 - truths.flatten(), protocol.coverage, hands)),
        min(NEVER, conformal_quantile(answers.strange.flatten(), 1 - protocol.wrongly_strange, hands)),
        ways=answers.logits.shape[-1],
    )


def calibrated(method: Method, works: SplitWorks, protocol: AttributionProtocol) -> Calibration:
    """What validation says of a run's answers, by the numbers of hands and of examples, as far as there are works."""
    entries = []
    for ways in sorted({*protocol.calibrated_ways, protocol.ways}):
        for shots in _possible(protocol.calibrated_shots, works, ways, protocol):
            # One beyond the seed of the episodes that methods are compared on: bounds are not made on those.
            episodes = draw_episodes(works, protocol.validation_episodes, ways=ways, shots=shots,
                                     query=protocol.query, seed=protocol.seed + 1)  # fmt: skip
            entries.append(confidence_of(collect(method, works, episodes, shots), shots, protocol))
    return Calibration(protocol.coverage, protocol.wrongly_strange, protocol.validation_episodes, tuple(entries))


def sets_by_hands(
    method: Method, works: SplitWorks, calibration: Calibration, protocol: AttributionProtocol
) -> list[dict[str, Any]]:
    """How far answer sets and refusals keep what they promise among other numbers of hands, on a split not seen yet.

    Args:
        method: whose answers.
        works: of the split.
        calibration: of the method, from validation.
        protocol: numbers of examples; `ways_asked`.

    Returns:
        A row for each number of hands and of examples that there are works for: "ways", "shots", "covered" with its
        "interval" over hands, "set_size", "own_refused".
    """
    rows = []
    for ways in protocol.ways_asked:
        for shots in _possible(protocol.shots, works, ways, protocol):
            episodes = draw_episodes(works, protocol.validation_episodes, ways=ways, shots=shots,
                                     query=protocol.query, seed=protocol.seed + 2)  # fmt: skip
            answers, bounds = collect(method, works, episodes, shots), calibration.at(shots, ways)
            sets = answer_sets((answers.logits / bounds.temperature).softmax(-1), bounds.set_bound)
            covered = answers.by_hand(sets)
            rows.append({
                "ways": ways,
                "shots": shots,
                "covered": float(covered.mean()),
                "interval": half_width_by_hand(covered.flatten().numpy(), answers.hands_asked()),
                "set_size": float(sets.sum(-1).double().mean()),
                "own_refused": float((answers.strange > bounds.strange_bound).double().mean()),
            })  # fmt: skip
    return rows


def _possible(numbers: Iterable[int], works: SplitWorks, ways: int, protocol: AttributionProtocol) -> list[int]:
    """Those numbers of examples for which there are so many hands and a stranger with enough works."""
    sizes = sorted(end - first for first, end in pairwise(works.first))
    # Of the `ways` + 1 largest hands the smallest decides.
    most = sizes[-ways - 1] - protocol.query if len(sizes) > ways else 0
    return [shots for shots in numbers if shots <= most]
