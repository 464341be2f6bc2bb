"""What a method says in episodes, and what that teaches about how far it can be believed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor

from metaart.arts.critique.attributors import Method
from metaart.arts.critique.episodes import Episode, Gallery, draw_episodes
from metaart.arts.judging.confidence import NEVER, Calibration, Confidence
from metaart.errors import UserError
from metaart.evaluation.statistics import half_width_by_hand
from metaart.functional.calibration import answer_sets, conformal_quantile, fitted_temperature


@dataclass(frozen=True)
class AttributionConfig:
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
        seed: of the episodes.
    """

    episodes: int = 600
    validation_episodes: int = 200
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
    seed: int = 7

    def __post_init__(self) -> None:
        if self.ways < 2:
            raise UserError(expected="2 or more hands in an episode", got=f"{self.ways}", fix="Use --ways 5.")
        if self.episodes < 2 or self.validation_episodes < 2 or not self.shots:
            raise UserError(expected="2 or more episodes", got=f"{self.episodes}", fix="Use --episodes 600.")


class Answers(NamedTuple):
    """What a method said in all episodes.

    Attributes:
        logits: of the hands' own works, (episodes, works, hands); their labels are their places over `query`.
        strange: how strange it found them, (episodes, works).
        logits_of_strangers: (episodes, strangers, hands).
        strange_of_strangers: (episodes, strangers).
        hands: names, one for each of the logits of an episode.
    """

    logits: Tensor
    strange: Tensor
    logits_of_strangers: Tensor
    strange_of_strangers: Tensor
    hands: list[list[str]]

    def labels(self) -> Tensor:
        """(episodes, works)."""
        episodes, works, hands = self.logits.shape
        return torch.arange(hands).repeat_interleave(works // hands).expand(episodes, works)

    def by_hand(self, sets: Tensor) -> Tensor:
        """Share of a hand's works whose answer set, (episodes, works, hands), has it: (episodes, hands)."""
        has = sets.gather(-1, self.labels()[..., None])
        return has.double().reshape(len(sets), len(self.hands[0]), -1).mean(-1)

    def hands_asked(self) -> list[str]:
        """Whose each hand's column of each episode is, (episodes * hands,)."""
        return [name for names in self.hands for name in names]


def collect(method: Method, gallery: Gallery, episodes: Sequence[Episode], shots: int) -> Answers:
    """What a method says in episodes with so many examples of each hand."""
    said = [method(gallery, episode, shots) for episode in episodes]
    logits, strange = torch.stack([one for one, _ in said]), torch.stack([one for _, one in said])
    own = episodes[0].query.numel()
    return Answers(logits[:, :own], strange[:, :own], logits[:, own:], strange[:, own:],
                   [episode.names for episode in episodes])  # fmt: skip


def confidence_of(said: Answers, shots: int, config: AttributionConfig) -> Confidence:
    """Temperature and bounds from what was said in validation episodes.

    Works of one hand are alike, so the bounds are those for a new hand beside the validation hands, not for a new work.
    """
    labels, hands = said.labels(), len(set(said.hands_asked()))
    temperature = fitted_temperature(said.logits.flatten(0, 1), labels.flatten())
    truths = (said.logits / temperature).softmax(-1).gather(-1, labels[..., None])
    return Confidence(
        shots,
        temperature,
        min(1.0, conformal_quantile(1 - truths.flatten(), config.coverage, hands)),
        min(NEVER, conformal_quantile(said.strange.flatten(), 1 - config.wrongly_strange, hands)),
        ways=said.logits.shape[-1],
    )


def calibrated(method: Method, gallery: Gallery, config: AttributionConfig) -> Calibration:
    """What validation says of a run's answers, by the numbers of hands and of examples, as far as there are works."""
    entries = []
    for ways in sorted({*config.calibrated_ways, config.ways}):
        for shots in _possible(config.calibrated_shots, gallery, ways, config):
            episodes = draw_episodes(gallery, config.validation_episodes, ways=ways, shots=shots,
                                     query=config.query, seed=config.seed + 1)  # fmt: skip
            entries.append(confidence_of(collect(method, gallery, episodes, shots), shots, config))
    return Calibration(config.coverage, config.wrongly_strange, config.validation_episodes, tuple(entries))


def sets_by_hands(
    method: Method, gallery: Gallery, known: Calibration, config: AttributionConfig
) -> list[dict[str, Any]]:
    """How far answer sets and refusals keep what they promise among other numbers of hands, on a split not seen yet.

    Args:
        method: whose answers.
        gallery: of the split.
        known: of the method, from validation.
        config: numbers of examples; `ways_asked`.

    Returns:
        A row for each number of hands and of examples that there are works for: "ways", "shots", "covered" with its
        "interval" over hands, "set_size", "own_refused".
    """
    rows = []
    for ways in config.ways_asked:
        for shots in _possible(config.shots, gallery, ways, config):
            episodes = draw_episodes(gallery, config.validation_episodes, ways=ways, shots=shots,
                                     query=config.query, seed=config.seed + 2)  # fmt: skip
            said, bounds = collect(method, gallery, episodes, shots), known.at(shots, ways)
            sets = answer_sets((said.logits / bounds.temperature).softmax(-1), bounds.set_bound)
            covered = said.by_hand(sets)
            rows.append({
                "ways": ways,
                "shots": shots,
                "covered": float(covered.mean()),
                "interval": half_width_by_hand(covered.flatten().numpy(), said.hands_asked()),
                "set_size": float(sets.sum(-1).double().mean()),
                "own_refused": float((said.strange > bounds.strange_bound).double().mean()),
            })  # fmt: skip
    return rows


def _possible(numbers: Iterable[int], gallery: Gallery, ways: int, config: AttributionConfig) -> list[int]:
    """Those numbers of examples for which there are so many hands and a stranger with enough works."""
    sizes = sorted(end - first for first, end in pairwise(gallery.first))
    most = sizes[-ways - 1] - config.query if len(sizes) > ways else 0
    return [shots for shots in numbers if shots <= most]
