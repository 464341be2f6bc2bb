"""Whose hand is it: accuracy, calibration, answer sets and strangers on hands never met, beside frozen features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from metaart.creation.confidence import NEVER, Calibration, Confidence, save_calibration
from metaart.creation.critic import Critic
from metaart.data.location import Where
from metaart.errors import UserError
from metaart.evaluation.attributors import MetaMethod, Method, frozen_method
from metaart.evaluation.episodes import Episode, Gallery, draw_episodes, open_gallery
from metaart.evaluation.frozen import class_means, linear_probe, nearest_neighbour, standardise
from metaart.evaluation.rivals import judged_runs, units_passed
from metaart.evaluation.statistics import half_width, half_width_by_hand
from metaart.functional.calibration import (
    answer_sets,
    auroc,
    conformal_quantile,
    expected_calibration_error,
    fitted_temperature,
    reliability,
)
from metaart.networks.frozen import FrozenFeatures


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
        calibrated_shots: numbers of examples for which the run's calibration is made.
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
    calibrated_shots: tuple[int, ...] = (1, 2, 3, 5, 10)
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

    def hands_asked(self) -> list[str]:
        """Whose each hand's column of each episode is, (episodes * hands,)."""
        return [name for names in self.hands for name in names]


def evaluate_attribution(run: Path, config: AttributionConfig, *, data: Where | None = None,
                         also: Mapping[str, Path] | None = None, calibration_to: Path | None = None,
                         progress: bool = True) -> dict[str, Any]:  # fmt: skip
    """Judge a run of attribution on the test hands.

    Args:
        run: run directory.
        config: episodes, numbers of examples.
        data: prepared folder, if not the one the run was trained on.
        also: more runs by name, on the same episodes.
        calibration_to: folder in which the run's calibration is kept; none of it is made if left out.
        progress: show a bar.

    Returns:
        {"shots": {number: {method: {"accuracy", "ece", "coverage", ...}}}, "paired": [...], ...}.

    Raises:
        UserError: not a run of attribution, two runs of one name, or too few hands.
    """
    critics = {name: Critic(path) for name, path in judged_runs(run.name, run, also).items()}
    critic = critics[run.name]
    folder = data or critic.creator.config.data
    galleries = {
        split: open_gallery(critic.domain, folder, split, config.works_per_hand) for split in ("validation", "test")
    }
    counts = {"validation": config.validation_episodes, "test": config.episodes}
    episodes = {
        split: draw_episodes(galleries[split], counts[split], ways=config.ways, shots=max(config.shots),
                             query=config.query, seed=config.seed)
        for split in galleries
    }  # fmt: skip
    network = FrozenFeatures(critic.domain.config.side)
    frozen = {split: network(gallery.ink(torch.arange(gallery.first[-1]))) for split, gallery in galleries.items()}
    raw = {galleries[split].key: frozen[split] for split in galleries}
    features = {split: standardise(frozen[split], frozen["validation"]) for split in frozen}
    methods: dict[str, Callable[[str, int], Method]] = {
        **{f"meta: {name}": _constant(MetaMethod(known, raw)) for name, known in critics.items()},
        "frozen: nearest neighbour": lambda split, _: frozen_method(features[split], nearest_neighbour),
        "frozen: class means": lambda split, _: frozen_method(features[split], class_means),
    }
    result: dict[str, Any] = {"shots": {}, "paired": [], "curves": {}}
    with tqdm(total=len(config.shots) * (len(methods) + 1), desc="attribution", disable=not progress) as bar:
        for shots in config.shots:
            penalty = _best_penalty(
                galleries["validation"], episodes["validation"], features["validation"], shots, config
            )
            chosen = methods | {"frozen: linear probe": _probe(features, penalty)}
            rows, right = {}, {}
            for name, method in chosen.items():
                said = {
                    split: collect(method(split, shots), galleries[split], episodes[split], shots)
                    for split in galleries
                }
                rows[name], right[name] = summary(said["validation"], said["test"], config)
                bar.update()
            rows["frozen: linear probe"]["penalty"] = penalty
            result["shots"][str(shots)] = rows
            result["paired"] += _paired(right, shots)
    if calibration_to is not None:
        save_calibration(calibrated(MetaMethod(critic, raw), galleries["validation"], config), calibration_to)
    return {
        "episodes": config.episodes,
        "ways": config.ways,
        "query": config.query,
        "hands": {split: len(gallery.hands) for split, gallery in galleries.items()},
        "works": {split: gallery.first[-1] for split, gallery in galleries.items()},
        "coverage": config.coverage,
        "wrongly_strange": config.wrongly_strange,
        "units": {f"meta: {name}": units_passed(known.creator.run) for name, known in critics.items()},
        **result,
    }


def collect(method: Method, gallery: Gallery, episodes: Sequence[Episode], shots: int) -> Answers:
    """What a method says in episodes with so many examples of each hand."""
    said = [method(gallery, episode, shots) for episode in episodes]
    logits, strange = torch.stack([one for one, _ in said]), torch.stack([one for _, one in said])
    own = episodes[0].query.numel()
    return Answers(logits[:, :own], strange[:, :own], logits[:, own:], strange[:, own:],
                   [episode.names for episode in episodes])  # fmt: skip


def summary(validation: Answers, test: Answers, config: AttributionConfig) -> tuple[dict[str, Any], Tensor]:
    """The numbers of a method: temperature and bounds from validation answers, all else from test answers.

    Returns:
        The numbers, and the accuracy of each episode, (episodes,).
    """
    known = confidence_of(validation, 0, config)
    shares = (test.logits / known.temperature).softmax(-1)
    labels, (sure, named) = test.labels(), shares.max(-1)
    right = named == labels
    plain = test.logits.softmax(-1)
    sets = answer_sets(shares, known.set_bound)
    covered = sets.gather(-1, labels[..., None]).double().reshape(len(sets), len(test.hands[0]), -1).mean(-1)
    unsure = {"1 - probability": (1 - sure, 1 - (test.logits_of_strangers / known.temperature).softmax(-1).amax(-1)),
              "distance": (test.strange, test.strange_of_strangers)}  # fmt: skip
    accuracy = right.double().mean(1)
    share, mean_sure, mean_right = reliability(sure.flatten(), right.flatten())
    return {
        "accuracy": float(accuracy.mean()),
        "interval": half_width(accuracy.numpy()),
        "temperature": known.temperature,
        "ece_raw": expected_calibration_error(plain.amax(-1).flatten(), right.flatten()),
        "ece": expected_calibration_error(sure.flatten(), right.flatten()),
        "nll": float(-shares.gather(-1, labels[..., None]).clamp(min=1e-12).log().mean()),
        "covered": float(covered.mean()),
        "covered_interval": half_width_by_hand(covered.flatten().numpy(), test.hands_asked()),
        "set_size": float(sets.sum(-1).double().mean()),
        "auroc": {name: auroc(strangers.flatten(), own.flatten()) for name, (own, strangers) in unsure.items()},
        "called_strange": {"own": float((test.strange > known.strange_bound).double().mean()),
                           "strangers": float((test.strange_of_strangers > known.strange_bound).double().mean())},
        "reliability": {"share": share.tolist(), "confidence": mean_sure.tolist(), "accuracy": mean_right.tolist()},
    }, accuracy  # fmt: skip


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
    )


def calibrated(method: Method, gallery: Gallery, config: AttributionConfig) -> Calibration:
    """What validation says of a run's answers, by the number of examples, as far as the hands have works for it."""
    sizes = sorted(end - first for first, end in pairwise(gallery.first))
    most = sizes[-config.ways - 1] - config.query
    entries = []
    for shots in (number for number in config.calibrated_shots if number <= most):
        episodes = draw_episodes(gallery, config.validation_episodes, ways=config.ways, shots=shots,
                                 query=config.query, seed=config.seed + 1)  # fmt: skip
        entries.append(confidence_of(collect(method, gallery, episodes, shots), shots, config))
    return Calibration(config.coverage, config.wrongly_strange, config.validation_episodes, tuple(entries))


def _constant(method: Method) -> Callable[[str, int], Method]:
    return lambda split, shots: method  # noqa: ARG005


def _probe(features: Mapping[str, Tensor], penalty: float) -> Callable[[str, int], Method]:
    return lambda split, _: frozen_method(features[split], linear_probe(penalty))


def _best_penalty(gallery: Gallery, episodes: Sequence[Episode], features: Tensor, shots: int,
                  config: AttributionConfig) -> float:  # fmt: skip
    """The probe's penalty of the highest accuracy on validation episodes."""
    right = {}
    for penalty in config.probe_penalties:
        said = collect(frozen_method(features, linear_probe(penalty)), gallery, episodes, shots)
        right[penalty] = float((said.logits.argmax(-1) == said.labels()).double().mean())
    return max(right, key=lambda penalty: right[penalty])


def _paired(right: Mapping[str, Tensor], shots: int) -> list[dict[str, Any]]:
    """How far every meta-learner is ahead of every other method, by episode."""
    rows = []
    for meta in (name for name in right if name.startswith("meta")):
        for other in (name for name in right if name != meta):
            ahead = (right[meta] - right[other]).numpy().astype(np.float64)
            rows.append({"shots": shots, "meta": meta, "other": other, "ahead": float(ahead.mean()),
                         "interval": half_width(ahead)})  # fmt: skip
    return rows
