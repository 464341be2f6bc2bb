"""Whose hand is it: accuracy, calibration, answer sets and strangers on hands never met, beside frozen features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from metaart.arts.critique.attributors import MetaMethod, Method, frozen_method
from metaart.arts.critique.episode_answers import (
    Answers,
    AttributionConfig,
    calibrated,
    collect,
    confidence_of,
    sets_by_hands,
)
from metaart.arts.critique.episodes import Episode, Gallery, draw_episodes, open_gallery
from metaart.arts.judging.confidence import save_calibration
from metaart.arts.judging.critic import Critic
from metaart.arts.judging.frozen_baselines import class_means, linear_probe, nearest_neighbour, standardise
from metaart.data.location import Where
from metaart.evaluation.rivals import judged_runs, units_passed
from metaart.evaluation.statistics import half_width, half_width_by_hand
from metaart.functional.calibration import (
    answer_sets,
    auroc,
    expected_calibration_error,
    reliability,
)
from metaart.networks.frozen import FrozenFeatures


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
        **{f"meta: {name}": _constant(MetaMethod(one, raw)) for name, one in critics.items()},
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
    known = calibrated(MetaMethod(critic, raw), galleries["validation"], config)
    if calibration_to is not None:
        save_calibration(known, calibration_to)
    return {
        "episodes": config.episodes,
        "ways": config.ways,
        "query": config.query,
        "hands": {split: len(gallery.hands) for split, gallery in galleries.items()},
        "works": {split: gallery.first[-1] for split, gallery in galleries.items()},
        "coverage": config.coverage,
        "wrongly_strange": config.wrongly_strange,
        "sets_by_hands": sets_by_hands(MetaMethod(critic, raw), galleries["test"], known, config),
        "units": {f"meta: {name}": units_passed(one.creator.run) for name, one in critics.items()},
        **result,
    }


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
    covered = test.by_hand(sets)
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
