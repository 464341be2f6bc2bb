"""Music judged: whose tune is it, by likelihood under models adapted to each composer, on hands never met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from metaart.artists.run import Creator
from metaart.arts.judging.confidence import Calibration, Confidence
from metaart.arts.music.create import music_of
from metaart.arts.music.judge import token_losses
from metaart.data.location import Where
from metaart.data.sampler import EpisodeConfig, TaskSampler
from metaart.domains.base import Hand, Split
from metaart.domains.music.domain import Music
from metaart.errors import UserError
from metaart.evaluation.statistics import half_width
from metaart.functional.calibration import expected_calibration_error, fitted_temperature
from metaart.functional.sequence import token_nll
from metaart.tasks import Examples

ADAPTED, BIGRAMS = "adapted models", "bigrams of the examples"
Said = tuple[Tensor, Tensor]
"""Log-likelihoods of tunes under each hand, (episodes, tunes, hands), and whose they are, (episodes, tunes)."""


@dataclass(frozen=True)
class TunesConfig:
    """How attribution of tunes is judged.

    Attributes:
        episodes: of test hands.
        validation_episodes: of validation hands, on which the temperature is fitted.
        ways: composers an episode; fewer where a split has fewer.
        shots: examples of each.
        query: tunes of each that are asked about.
        seed: of the episodes.
    """

    episodes: int = 100
    validation_episodes: int = 60
    ways: int = 5
    shots: int = 5
    query: int = 4
    seed: int = 7


CALIBRATION = TunesConfig(validation_episodes=30)
"""Of the calibration that `metaart evaluate` keeps beside a run: 600 tunes for one number, half a minute."""


def evaluate_tunes(
    run: Path, config: TunesConfig, *, data: Where | None = None, progress: bool = True
) -> dict[str, Any]:
    """Judge how well adapted models tell composers apart, beside bigrams counted on the examples.

    Args:
        run: run directory of music.
        config: episodes, composers and examples.
        data: prepared folder, if not the one the run was trained on.
        progress: show a bar.

    Returns:
        {"methods": {name: {"accuracy", "interval", "ece", "temperature"}}, ...}.

    Raises:
        UserError: not a run of music, or too few hands.
    """
    creator = Creator(run)
    domain = music_of(creator, fix="Give a run of `metaart train music`.")
    folder = data or creator.config.data
    counts: dict[Split, int] = {"validation": config.validation_episodes, "test": config.episodes}
    hands = {split: domain.hands(folder, split, varied=False) for split in counts}
    ways = _ways(config, *hands.values())
    with tqdm(total=sum(counts.values()), desc="tunes", disable=not progress) as bar:
        said = {
            split: _said(creator, domain, _sampler(hands[split], ways, config), count, bar)
            for split, count in counts.items()
        }
    methods = {name: _summary(*said["validation"][name], *said["test"][name]) for name in said["test"]}
    return {"episodes": config.episodes, "validation_episodes": config.validation_episodes, "ways": ways,
            "shots": config.shots, "query": config.query,
            "hands": {split: len(some) for split, some in hands.items()}, "methods": methods}  # fmt: skip


def calibrated(run: Path, config: TunesConfig, *, progress: bool = True) -> Calibration:
    """What `metaart create critique` needs to know of a run of music: its temperature, from the validation hands.

    Raises:
        UserError: not a run of music, or too few hands.
    """
    creator = Creator(run)
    domain = music_of(creator, fix="Give a run of `metaart train music`.")
    hands = domain.hands(creator.config.data, "validation", varied=False)
    sampler = _sampler(hands, _ways(config, hands), config)
    with tqdm(total=config.validation_episodes, desc="tunes", disable=not progress) as bar:
        said = _said(creator, domain, sampler, config.validation_episodes, bar)
    known = Confidence(config.shots, _temperature(*said[ADAPTED]))
    return Calibration(0.9, 0.0, config.validation_episodes, (known,))


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


def _said(creator: Creator, domain: Music, sampler: TaskSampler, count: int, bar: Any) -> dict[str, Said]:
    """What adapted models, and bigrams counted on the examples, say of the tunes of so many episodes."""
    logits: dict[str, list[Tensor]] = {ADAPTED: [], BIGRAMS: []}
    labels = []
    for index in range(count):
        task = sampler.task(0, index)
        supports = [_of(task.support, hand) for hand in range(sampler.config.ways)]
        tunes = task.query["tokens"]
        adapted = [creator.adapt(support) for support in supports]
        nats, _ = token_losses(creator, domain, adapted, tunes)
        logits[ADAPTED].append(-nats.sum(-1).T)
        counted = [domain.baselines["bigrams of the support set"](support) for support in supports]
        logits[BIGRAMS].append(torch.stack([-_nats(predict, tunes, domain.vocabulary.pad) for predict in counted], 1))
        labels.append(task.query["labels"])
        bar.update()
    return {name: (torch.stack(rows), torch.stack(labels)) for name, rows in logits.items()}


def _of(examples: Examples, hand: int) -> Examples:
    return {"tokens": examples["tokens"][examples["labels"] == hand]}


@torch.no_grad()
def _nats(predict: Any, tunes: Tensor, pad: int) -> Tensor:
    """Nats of each tune as a whole, (tunes,)."""
    nats, _ = token_nll(predict(tunes[:, :-1])[0], tunes, pad)
    total: Tensor = nats.sum(-1)
    return total


def _temperature(logits: Tensor, labels: Tensor) -> float:
    # Nats of whole tunes are hundreds: brought to the order of one first, so that the temperature's bounds do not bind.
    scale = 100.0
    return scale * fitted_temperature(logits.flatten(0, 1) / scale, labels.flatten())


def _summary(logits: Tensor, labels: Tensor, test_logits: Tensor, test_labels: Tensor) -> dict[str, float]:
    temperature = _temperature(logits, labels)
    sure, named = (test_logits / temperature).softmax(-1).max(-1)
    right = named == test_labels
    accuracy = right.double().mean(1).numpy().astype(np.float64)
    return {
        "accuracy": float(accuracy.mean()),
        "interval": half_width(accuracy),
        "temperature": temperature,
        "ece": expected_calibration_error(sure.flatten(), right.flatten()),
    }
