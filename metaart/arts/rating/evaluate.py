"""How would this curator rate it: ranks and intervals on made curators never met, beside ridge regression."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from metaart.artists.art import Judged
from metaart.artists.run import Run
from metaart.arts.judging.confidence import Calibration, Confidence, save_calibration
from metaart.arts.judging.critic import Critic
from metaart.arts.judging.own_calibration import destination
from metaart.arts.rating import RatingEvaluation
from metaart.arts.rating.episodes import GOES_BY, RatingEpisode, RatingProtocol, draw_episodes
from metaart.arts.rating.methods import Describe, MetaRating, Method, RidgeAnswers, Standardised, features_of, measured
from metaart.arts.rating.report import rating_text
from metaart.data.location import Where
from metaart.domains.base import Split
from metaart.domains.rating.domain import RatingDomain
from metaart.domains.rating.scale import HIGHEST, LOWEST, score_of
from metaart.evaluation.rivals import learners_by_name, units_passed
from metaart.evaluation.statistics import half_width
from metaart.functional.calibration import conformal_quantile, spearman
from metaart.networks.frozen import FrozenFeatures

WIDEST = float(HIGHEST - LOWEST)
"""No score is farther from another."""

Episodes = dict[Split, list[RatingEpisode]]
Scores = dict[Split, list[Tensor]]
"""What a method answers in the episodes of each split, standardised, (works,) each."""


def evaluate(
    run: Run,
    asked: RatingEvaluation,
    out: Path,
    keep: Callable[[dict[str, Any], str], object],
    usual: RatingProtocol = RatingProtocol(),  # noqa: B008
) -> Judged:
    """Judge a run of rating on the test curators, and keep its intervals.

    The curators are made (`domains.rating.curators`): what they go by is known, and none of it is a person's judgement.
    Those of the test split see drawings of hands never trained on, and mind kinds of damage that training has not
    shown.

    Args:
        run: of rating.
        asked: episodes, other runs.
        out: folder for the calibration, if it is not the run's own.
        keep: keeps results safe before more is asked.
        usual: all else.

    Returns:
        What came out, the same as Markdown, and the names of the files that were written.

    Raises:
        UserError: runs of another art or of one name, or too little data.
    """
    protocol = replace(usual, episodes=asked.episodes, validation_episodes=asked.validation_episodes)
    runs = learners_by_name(run, run.others(asked.also), name=run.name)
    critics = {name: Critic(one, "rating") for name, one in runs.items()}
    own, data = critics[run.name], asked.data or run.config.data
    goes_to = destination(run, out, data=asked.data, validation_episodes=protocol.validation_episodes)
    result = rating(critics, draw_both(own, data, protocol), protocol)
    words = rating_text(result) + goes_to.note
    keep(result, words)
    if goes_to.folder is not None:
        save_calibration(calibrated(own, data, protocol), goes_to.folder)
    return result, words, goes_to.files


def draw_both(critic: Critic, data: Where, protocol: RatingProtocol) -> Episodes:
    """The episodes of validation and of test, as a run sees them."""
    counts: dict[Split, int] = {"validation": protocol.validation_episodes, "test": protocol.episodes}
    return {
        split: draw_episodes(_domain(critic), data, split, count, protocol.shots, protocol)
        for split, count in counts.items()
    }


def rating(critics: Mapping[str, Critic], episodes: Episodes, protocol: RatingProtocol) -> dict[str, Any]:
    """The numbers of every method.

    Args:
        critics: runs by name.
        episodes: of both splits, the same for every method.
        protocol: as they were drawn.

    Returns:
        {"methods": {name: {"all" and what curators go by: {"spearman", "interval"}, ...}}, "paired": [...], ...}.
    """
    network, validation = FrozenFeatures(protocol.frozen_side), episodes["validation"]
    describers: dict[str, Describe] = {
        "ridge on frozen features": lambda examples: network(examples["pictures"]),
        "ridge on the measured qualities": measured,
        **{f"ridge on the features of {name}": partial(features_of, critic) for name, critic in critics.items()},
    }
    methods = {f"meta: {name}": MetaRating(critic) for name, critic in critics.items()}
    rows, ranks = {}, {}
    with tqdm(total=len(methods) + len(describers), desc="rating") as bar:
        for name, method in methods.items():
            rows[name], ranks[name] = _summary(_scores(method, episodes), episodes, protocol)
            bar.update()
        for name, describe in describers.items():
            scores = _ridge(Standardised(describe, validation), episodes, protocol)
            rows[name], ranks[name] = _summary(scores, episodes, protocol)
            bar.update()
    return {
        "episodes": protocol.episodes,
        "shots": protocol.shots,
        "query": protocol.query,
        "coverage": protocol.coverage,
        "goes_by": {kind: sum(episode.goes_by == kind for episode in episodes["test"]) for kind in GOES_BY},
        "units": {f"meta: {name}": units_passed(critic.run.folder) for name, critic in critics.items()},
        "methods": rows,
        "paired": _paired(ranks, episodes["test"]),
    }


def calibrated(critic: Critic, data: Where, protocol: RatingProtocol) -> Calibration:
    """Intervals from validation curators, by the number of examples."""
    entries, method = [], MetaRating(critic)
    for shots in protocol.calibrated_shots:
        episodes = draw_episodes(_domain(critic), data, "validation", protocol.validation_episodes, shots, protocol)
        errors = [_error(method(episode.task), episode) for episode in episodes]
        entries.append(Confidence(shots, score_bound=interval_bound(errors, episodes, protocol.coverage)))
    # No work is called strange: a curator rates whatever is shown.
    return Calibration(protocol.coverage, 0.0, protocol.validation_episodes, tuple(entries))


def interval_bound(errors: Sequence[Tensor], episodes: Sequence[RatingEpisode], coverage: float) -> float:
    """Half the width of the interval for a new curator: one who comes in several episodes is still one."""
    curators = len({episode.curator for episode in episodes})
    # Too few curators promise nothing, and the bound is infinite: the whole scale says the same.
    return min(WIDEST, conformal_quantile(torch.cat(list(errors)), coverage, curators))


def _domain(critic: Critic) -> RatingDomain:
    assert isinstance(critic.domain, RatingDomain)
    return critic.domain


def _scores(method: Method, episodes: Episodes) -> Scores:
    return {split: [method(episode.task) for episode in some] for split, some in episodes.items()}


def _ridge(describe: Describe, episodes: Episodes, protocol: RatingProtocol) -> Scores:
    """Ridge regression from features, with the penalty of the highest rank correlation on validation curators."""
    answers = {split: RidgeAnswers(describe, some) for split, some in episodes.items()}

    def fit(penalty: float) -> float:
        found = zip(answers["validation"].at(penalty), episodes["validation"], strict=True)
        return float(np.mean([_rank(scores, episode) for scores, episode in found]))

    best = max(protocol.penalties, key=fit)
    return {split: answers[split].at(best) for split in episodes}


def _summary(
    scores: Scores, episodes: Episodes, protocol: RatingProtocol
) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """The numbers of a method: the interval from validation curators, all else from test curators; and its ranks."""
    errors = {
        split: [_error(one, episode) for one, episode in zip(scores[split], some, strict=True)]
        for split, some in episodes.items()
    }
    # As wide as the run's own calibration would have it, so that all methods are held to one rule.
    bound = interval_bound(errors["validation"], episodes["validation"], protocol.coverage)
    within = np.array([float((one <= bound).double().mean()) for one in errors["test"]])
    ranks = np.array([_rank(one, episode) for one, episode in zip(scores["test"], episodes["test"], strict=True)])
    row: dict[str, Any] = {
        "bound": bound,
        "covered": float(within.mean()),
        "covered_interval": half_width(within),
        "mean_error": float(torch.cat(errors["test"]).mean()),
        "all": {"spearman": float(ranks.mean()), "interval": half_width(ranks)},
    }
    for kind in GOES_BY:
        # An interval takes two episodes at least.
        own = ranks[[episode.goes_by == kind for episode in episodes["test"]]]
        if len(own) > 1:
            row[kind] = {"spearman": float(own.mean()), "interval": half_width(own)}
    return row, ranks


def _paired(ranks: Mapping[str, NDArray[np.float64]], episodes: Sequence[RatingEpisode]) -> list[dict[str, Any]]:
    """How far every meta-learner is ahead of every other method, by episode."""
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


def _rank(scores: Tensor, episode: RatingEpisode) -> float:
    return spearman(scores, episode.task.query["scores"])


def _error(scores: Tensor, episode: RatingEpisode) -> Tensor:
    """Distance of scores from the curator's, in points of the scale from 1 to 10."""
    # In points, and within the scale: an answer beyond its end is shown as the end.
    true = episode.task.query["scores"]
    return (score_of(scores[:, None]) - score_of(true[:, None])).abs()
