"""How would this curator rate it: ranks and intervals on made curators never met, beside ridge regression."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from metaart.arts.judging.confidence import Calibration, Confidence, save_calibration
from metaart.arts.judging.critic import Critic
from metaart.arts.judging.frozen_baselines import ridge, standardise
from metaart.data.location import Where
from metaart.data.sampler import EpisodeConfig, TaskSampler
from metaart.domains.base import Split
from metaart.domains.critique.domain import Curator, score_of
from metaart.domains.rating.curators import HIGHEST, LOWEST
from metaart.domains.viewing.qualities import qualities
from metaart.errors import UserError
from metaart.evaluation.rivals import judged_runs, units_passed
from metaart.evaluation.statistics import half_width
from metaart.functional.calibration import conformal_quantile, spearman
from metaart.networks.frozen import FrozenFeatures
from metaart.tasks import Examples, Task

GOES_BY = ("qualities", "damage")
WIDEST = float(HIGHEST - LOWEST)
"""No score is farther from another."""


@dataclass(frozen=True)
class RatingConfig:
    """How rating is judged.

    Attributes:
        episodes: of test curators, the same for every method.
        validation_episodes: of validation curators, on which penalties and intervals are chosen.
        shots: rated examples.
        query: works that are then asked about.
        calibrated_shots: numbers of examples for which the run's intervals are made.
        coverage: of intervals.
        penalties: tried for ridge regression.
        frozen_side: to which pictures are scaled for the frozen network, px.
        seed: of the episodes.
    """

    episodes: int = 300
    validation_episodes: int = 120
    shots: int = 10
    query: int = 20
    calibrated_shots: tuple[int, ...] = (3, 5, 10, 20)
    coverage: float = 0.9
    penalties: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0)
    frozen_side: int = 64
    seed: int = 7

    def __post_init__(self) -> None:
        if self.episodes < 2 or self.validation_episodes < 2:
            raise UserError(expected="2 or more episodes", got=f"{self.episodes}", fix="Use --episodes 300.")


class Episode(NamedTuple):
    """One curator's examples and works to be rated, what the curator goes by, and the curator's name."""

    task: Task
    goes_by: str
    curator: str


Method = Callable[[Task], Tensor]
"""A task to standardised scores of its query works, (works,)."""

Describe = Callable[[Examples], Tensor]
"""Examples to features, (works, d)."""


def evaluate_rating(run: Path, config: RatingConfig, *, data: Where | None = None,
                    also: Mapping[str, Path] | None = None, calibration_to: Path | None = None,
                    progress: bool = True) -> dict[str, Any]:  # fmt: skip
    """Judge a run of rating on the test curators.

    The curators are made (`pictures.curators`): what they go by is known, and none of it is a person's judgement. Those
    of the test split see drawings of hands never trained on, and mind kinds of damage that training has not shown.

    Args:
        run: run directory.
        config: episodes and numbers of examples.
        data: prepared folder, if not the one the run was trained on.
        also: more runs by name, on the same episodes.
        calibration_to: folder in which the run's intervals are kept; none of them are made if left out.
        progress: show a bar.

    Returns:
        {"methods": {name: {"all" and what curators go by: {"spearman", "interval"}, ...}}, "paired": [...], ...}.

    Raises:
        UserError: not a run of rating, or two runs of one name.
    """
    critics = {name: Critic(path) for name, path in judged_runs(run.name, run, also).items()}
    critic = critics[run.name]
    folder = data or critic.creator.config.data
    counts: dict[Split, int] = {"validation": config.validation_episodes, "test": config.episodes}
    episodes = {split: draw(critic, folder, split, count, config.shots, config) for split, count in counts.items()}
    frozen = FrozenFeatures(config.frozen_side)
    known = _reference(episodes["validation"], lambda examples: frozen(examples["pictures"]))
    describers: dict[str, Describe] = {
        "ridge on frozen features": lambda examples: standardise(frozen(examples["pictures"]), known),
        "ridge on the measured qualities": _qualities_of(episodes["validation"]),
    }
    for name, one in critics.items():
        describers[f"ridge on the features of {name}"] = _features_of(one, episodes["validation"])
    methods: dict[str, Method] = {f"meta: {name}": _meta(one) for name, one in critics.items()}
    rows, ranks = {}, {}
    with tqdm(total=len(methods) + len(describers), desc="rating", disable=not progress) as bar:
        for name, method in methods.items():
            rows[name], ranks[name] = _summary(_said(method, episodes), episodes, config)
            bar.update()
        for name, describe in describers.items():
            rows[name], ranks[name] = _summary(_ridge(describe, episodes, config), episodes, config)
            bar.update()
    if calibration_to is not None:
        save_calibration(calibrated(critic, folder, config), calibration_to)
    return {
        "episodes": config.episodes,
        "shots": config.shots,
        "query": config.query,
        "coverage": config.coverage,
        "goes_by": {kind: sum(episode.goes_by == kind for episode in episodes["test"]) for kind in GOES_BY},
        "units": {f"meta: {name}": units_passed(one.creator.run) for name, one in critics.items()},
        "methods": rows,
        "paired": _paired(ranks, episodes["test"]),
    }


def draw(critic: Critic, data: Where, split: Split, count: int, shots: int, config: RatingConfig) -> list[Episode]:
    """Episodes of the made curators of a split."""
    hands = [hand for hand in critic.domain.hands(data, split, varied=False) if isinstance(hand, Curator)]
    sampler = TaskSampler(hands, EpisodeConfig(shots, config.query, size_power=0.0), config.seed)
    found = []
    for index in range(count):
        curator = sampler.hand(0, index)
        assert isinstance(curator, Curator)
        assert curator.taste is not None
        goes_by = "damage" if curator.taste.damage else "qualities"
        found.append(Episode(sampler.task(0, index), goes_by, curator.name))
    return found


def calibrated(critic: Critic, data: Where, config: RatingConfig) -> Calibration:
    """Intervals from validation curators, by the number of examples."""
    entries = []
    for shots in config.calibrated_shots:
        episodes = draw(critic, data, "validation", config.validation_episodes, shots, config)
        errors = [_error(_meta(critic)(episode.task), episode) for episode in episodes]
        entries.append(Confidence(shots, score_bound=_bound(errors, episodes, config.coverage)))
    return Calibration(config.coverage, 0.0, config.validation_episodes, tuple(entries))


def _bound(errors: list[Tensor], episodes: list[Episode], coverage: float) -> float:
    """Half the width of the interval for a new curator: one who comes in several episodes is still one."""
    curators = len({episode.curator for episode in episodes})
    return min(WIDEST, conformal_quantile(torch.cat(errors), coverage, curators))


def _meta(critic: Critic) -> Method:
    def answer(task: Task) -> Tensor:
        # As this run sees them: the episodes are drawn by the domain of another.
        support = {**critic.domain.see(task.support["pictures"]), "scores": task.support["scores"]}
        seen = critic.impression(critic.adapt(support), support, task.query["pictures"])
        return seen.answers[:, 0]

    return answer


def _said(method: Method, episodes: Mapping[Split, list[Episode]]) -> dict[Split, list[Tensor]]:
    return {split: [method(episode.task) for episode in some] for split, some in episodes.items()}


def _ridge(describe: Describe, episodes: Mapping[Split, list[Episode]], config: RatingConfig
           ) -> dict[Split, list[Tensor]]:  # fmt: skip
    """Ridge regression from features, with the penalty of the highest rank correlation on validation curators."""
    described = {
        split: [(describe(episode.task.support), describe(episode.task.query)) for episode in some]
        for split, some in episodes.items()
    }

    def answers(split: Split, penalty: float) -> list[Tensor]:
        return [
            ridge(support, episode.task.support["scores"], penalty)(query)
            for episode, (support, query) in zip(episodes[split], described[split], strict=True)
        ]

    def fit(penalty: float) -> float:
        said = answers("validation", penalty)
        return float(np.mean([_rank(one, episode) for one, episode in zip(said, episodes["validation"], strict=True)]))

    best = max(config.penalties, key=fit)
    return {split: answers(split, best) for split in episodes}


def _summary(said: Mapping[Split, list[Tensor]], episodes: Mapping[Split, list[Episode]], config: RatingConfig
             ) -> tuple[dict[str, Any], np.ndarray[Any, np.dtype[np.float64]]]:  # fmt: skip
    errors = {
        split: [_error(one, episode) for one, episode in zip(said[split], some, strict=True)]
        for split, some in episodes.items()
    }
    bound = _bound(errors["validation"], episodes["validation"], config.coverage)
    within = np.array([float((one <= bound).double().mean()) for one in errors["test"]])
    ranks = np.array([_rank(one, episode) for one, episode in zip(said["test"], episodes["test"], strict=True)])
    row: dict[str, Any] = {
        "bound": bound,
        "covered": float(within.mean()),
        "covered_interval": half_width(within),
        "mean_error": float(torch.cat(errors["test"]).mean()),
        "all": {"spearman": float(ranks.mean()), "interval": half_width(ranks)},
    }
    for kind in GOES_BY:
        own = ranks[[episode.goes_by == kind for episode in episodes["test"]]]
        if len(own) > 1:
            row[kind] = {"spearman": float(own.mean()), "interval": half_width(own)}
    return row, ranks


def _paired(ranks: Mapping[str, Any], episodes: list[Episode]) -> list[dict[str, Any]]:
    rows = []
    for meta in (name for name in ranks if name.startswith("meta")):
        for other in (name for name in ranks if name != meta):
            for kind in ("all", *GOES_BY):
                chosen = [kind in ("all", episode.goes_by) for episode in episodes]
                ahead = (ranks[meta] - ranks[other])[chosen]
                if len(ahead) > 1:
                    rows.append({"meta": meta, "other": other, "curators": kind, "ahead": float(ahead.mean()),
                                 "interval": half_width(ahead)})  # fmt: skip
    return rows


def _rank(said: Tensor, episode: Episode) -> float:
    return spearman(said, episode.task.query["scores"])


def _error(said: Tensor, episode: Episode) -> Tensor:
    """Distance of scores from the curator's, in points of the scale from 1 to 10."""
    true = episode.task.query["scores"]
    return (score_of(said[:, None]) - score_of(true[:, None])).abs()


def _reference(episodes: list[Episode], describe: Describe) -> Tensor:
    return torch.cat([describe(episode.task.query) for episode in episodes[:40]])


def _qualities_of(episodes: list[Episode]) -> Describe:
    def measured(examples: Examples) -> Tensor:
        pixels = ((1 - examples["pictures"]) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        return torch.from_numpy(qualities(pixels)).float()

    known = _reference(episodes, measured)
    return lambda examples: standardise(measured(examples), known)


def _features_of(critic: Critic, episodes: list[Episode]) -> Describe:
    theta = critic.creator.adapt(episodes[0].task.support, 0)

    @torch.no_grad()
    def found(examples: Examples) -> Tensor:
        features: Tensor = critic.creator.predict(theta)(critic.domain.given(examples["pictures"]), False)
        return features

    known = _reference(episodes, found)
    return lambda examples: standardise(found(examples), known)
