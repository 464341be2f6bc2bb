"""Music judged: whose tune is it, by likelihood under models adapted to each composer, on hands never met."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from metaart.artists.run import Run
from metaart.arts.judging.confidence import Calibration, Confidence
from metaart.arts.music.adapt import music_of
from metaart.arts.music.views import bigrams
from metaart.data.location import Where
from metaart.data.sampler import EpisodeConfig, TaskSampler
from metaart.domains.base import Hand, Split
from metaart.errors import UserError
from metaart.evaluation.statistics import half_width
from metaart.functional.calibration import expected_calibration_error, fitted_temperature
from metaart.options import option, options
from metaart.sequences.likelihood import token_losses
from metaart.tasks import Examples, Predict

ADAPTED, BIGRAMS = "adapted models", "bigrams of the examples"
Answers = tuple[Tensor, Tensor]
"""Log-likelihoods of tunes under each hand, (episodes, tunes, hands), and whose they are, (episodes, tunes)."""


@options()
class TunesConfig:
    """How attribution of tunes is judged."""

    episodes: int = option(default=100, ge=1, help="of test hands")
    validation_episodes: int = option(default=60, ge=1, help="of validation hands, by which the temperature is fitted")
    ways: int = option(default=5, ge=2, help="composers an episode; fewer where a split has fewer")
    shots: int = option(default=5, ge=1, help="examples of each")
    query: int = option(default=4, ge=1, help="tunes of each that are asked about")
    seed: int = option(default=7, ge=0, help="of the episodes")


CALIBRATION = TunesConfig(validation_episodes=30)
"""Of the calibration that `metaart evaluate` keeps beside a run: 600 tunes for one number, half a minute."""


def evaluate_tunes(
    run: Run, config: TunesConfig, *, data: Where | None = None, progress: bool = True
) -> dict[str, Any]:
    """Judge how well adapted models tell composers apart, beside bigrams counted on the examples.

    Args:
        run: of music.
        config: episodes, composers and examples.
        data: prepared folder, if not the one the run was trained on.
        progress: show a bar.

    Returns:
        {"methods": {name: {"accuracy", "interval", "ece", "temperature"}}, ...}.

    Raises:
        UserError: not a run of music, or too few hands.
    """
    domain = music_of(run)
    counts: dict[Split, int] = {"validation": config.validation_episodes, "test": config.episodes}
    hands = {split: domain.hands(data or run.config.data, split, varied=False) for split in counts}
    ways = _ways(config, *hands.values())
    with tqdm(total=sum(counts.values()), desc="tunes", disable=not progress) as bar:
        answers = {
            split: _answers(run, _sampler(hands[split], ways, config), count, bar) for split, count in counts.items()
        }
    methods = {name: _summary(*answers["validation"][name], *answers["test"][name]) for name in answers["test"]}
    return {"episodes": config.episodes, "validation_episodes": config.validation_episodes, "ways": ways,
            "shots": config.shots, "query": config.query,
            "hands": {split: len(some) for split, some in hands.items()}, "methods": methods}  # fmt: skip


def calibrated(run: Run, config: TunesConfig, *, progress: bool = True) -> Calibration:
    """What a judgement of tunes needs to know of a run: its temperature, from the validation hands of its own data.

    Raises:
        UserError: not a run of music, or too few hands.
    """
    # Always of the run's own data: beside the run the calibration is kept.
    hands = music_of(run).hands(run.config.data, "validation", varied=False)
    sampler = _sampler(hands, _ways(config, hands), config)
    with tqdm(total=config.validation_episodes, desc="tunes", disable=not progress) as bar:
        answers = _answers(run, sampler, config.validation_episodes, bar)
    learned = Confidence(config.shots, _temperature(*answers[ADAPTED]))
    # Tunes have neither answer sets nor strangers: of a calibration only the temperature is used.
    return Calibration(0.9, 0.0, config.validation_episodes, (learned,))


def _ways(config: TunesConfig, *splits: Sequence[Hand]) -> int:
    """Composers an episode, as far as every split has them."""
    needed = config.shots + config.query
    ways = min(config.ways, *(sum(hand.num_works >= needed for hand in some) for some in splits))
    if ways < 2:
        raise UserError(
            expected=f"two hands or more of {needed} works or more in each split",
            got=f"{ways}",
            fix="Prepare more works.",
        )
    return ways


def _sampler(hands: Sequence[Hand], ways: int, config: TunesConfig) -> TaskSampler:
    return TaskSampler(hands, EpisodeConfig(config.shots, config.query, size_power=0.0, ways=ways), config.seed)


def _answers(run: Run, sampler: TaskSampler, count: int, bar: Any) -> dict[str, Answers]:
    """What adapted models, and bigrams counted on the examples, answer of the tunes of so many episodes."""
    vocabulary = music_of(run).vocabulary
    learners: dict[str, Callable[[Examples], Predict]] = {
        ADAPTED: lambda support: run.predict(run.adapted(support)),
        BIGRAMS: partial(bigrams, vocabulary),
    }
    logits: dict[str, list[Tensor]] = {name: [] for name in learners}
    labels = []
    for index in range(count):
        task = sampler.task(0, index)
        supports = [_of(task.support, hand) for hand in range(sampler.config.ways)]
        for name, learn in learners.items():
            nats, _ = token_losses([learn(support) for support in supports], task.query["tokens"], vocabulary.pad)
            # (tunes, hands) of the log-likelihoods of whole tunes.
            logits[name].append(-nats.sum(-1).T)
        labels.append(task.query["labels"])
        bar.update()
    return {name: (torch.stack(rows), torch.stack(labels)) for name, rows in logits.items()}


def _of(examples: Examples, hand: int) -> Examples:
    return {"tokens": examples["tokens"][examples["labels"] == hand]}


def _temperature(logits: Tensor, labels: Tensor) -> float:
    # Nats of whole tunes are hundreds: brought to the order of one first, so that the temperature's bounds do not bind.
    scale = 100.0
    return scale * fitted_temperature(logits.flatten(0, 1) / scale, labels.flatten())


def _summary(logits: Tensor, labels: Tensor, test_logits: Tensor, test_labels: Tensor) -> dict[str, float]:
    temperature = _temperature(logits, labels)
    # The temperature does not change which hand is named, only how sure of it one is.
    sure, named = (test_logits / temperature).softmax(-1).max(-1)
    right = named == test_labels
    accuracy = right.double().mean(1).numpy().astype(np.float64)
    return {
        "accuracy": float(accuracy.mean()),
        "interval": half_width(accuracy),
        "temperature": temperature,
        "ece": expected_calibration_error(sure.flatten(), right.flatten()),
    }
