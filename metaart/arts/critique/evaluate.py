"""Whose hand is it: accuracy, calibration, answer sets and strangers on hands never met, beside frozen features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor
from tqdm import tqdm

from metaart.artists.art import Judged
from metaart.artists.run import Run
from metaart.arts.critique import CritiqueEvaluation
from metaart.arts.critique.answers import Answers, collect
from metaart.arts.critique.calibrate import AttributionProtocol, calibrated, confidence_of, sets_by_hands
from metaart.arts.critique.episodes import AttributionEpisode, SplitWorks, draw_episodes, open_works
from metaart.arts.critique.heat_maps import judge_maps, map_sheet
from metaart.arts.critique.methods import FrozenMethod, MetaAttribution, Method
from metaart.arts.critique.report import attribution_text, plot_reliability
from metaart.arts.judging.confidence import Calibration, save_calibration
from metaart.arts.judging.critic import Critic
from metaart.arts.judging.frozen_baselines import class_means, linear_probe, nearest_neighbour, standardise
from metaart.arts.judging.own_calibration import destination
from metaart.data.location import Where
from metaart.domains.base import Split
from metaart.domains.critique.domain import CritiqueDomain
from metaart.errors import UserError
from metaart.evaluation.rivals import learners_by_name, units_passed
from metaart.evaluation.statistics import half_width, half_width_by_hand
from metaart.files import write_file
from metaart.formats.pictures.read import write_png
from metaart.functional.calibration import answer_sets, auroc, expected_calibration_error, reliability
from metaart.networks.frozen import FrozenFeatures

Keep = Callable[[dict[str, Any], str], object]
PROBE = "frozen: linear probe"


def evaluate(
    run: Run,
    asked: CritiqueEvaluation,
    out: Path,
    keep: Keep,
    usual: AttributionProtocol = AttributionProtocol(),  # noqa: B008
) -> Judged:
    """Judge a run of attribution on the test hands, and keep its calibration.

    Args:
        run: of critique.
        asked: episodes, hands in each, other runs.
        out: folder for the pictures.
        keep: keeps results safe before more is asked.
        usual: all else.

    Returns:
        What came out, the same as Markdown, and the names of the files that were written.

    Raises:
        UserError: runs of another art or of one name, more hands than they can tell apart, or too little data.
    """
    protocol = replace(usual, episodes=asked.episodes, validation_episodes=asked.validation_episodes, ways=asked.ways)
    runs = learners_by_name(run, run.others(asked.also), name=run.name)
    critics = {name: Critic(one, "critique") for name, one in runs.items()}
    most = {name: _domain(critic).config.most_hands for name, critic in critics.items()}
    least = min(most, key=lambda name: most[name])
    if protocol.ways > most[least]:
        raise UserError(
            expected=f"at most {most[least]} hands in an episode, as many as {least} can tell apart",
            got=str(protocol.ways),
            fix=f"Use --ways {most[least]}.",
        )
    goes_to = destination(
        run, out, data=asked.data, validation_episodes=protocol.validation_episodes, ways=protocol.ways
    )
    contest = Contest.of(critics[run.name], asked.data or run.config.data, protocol)
    result, calibration = attribution(critics, critics[run.name], contest, protocol.up_to(most[run.name]))
    if goes_to.folder is not None:
        save_calibration(calibration, goes_to.folder)
    keep(result, attribution_text(result) + goes_to.note)
    # What took longest is safe by now; maps and pictures may fail, or be stopped.
    works, shots = contest.works["test"], max(protocol.shots)
    some = contest.episodes["test"][: protocol.maps]
    result["maps"] = judge_maps(critics[run.name], works, some, shots=shots)
    write_file(out / "heat-maps.png", write_png(map_sheet(critics[run.name], works, some, shots=shots)))
    plot_reliability(result, out / "reliability.png")
    return result, attribution_text(result) + goes_to.note, ["reliability.png", "heat-maps.png", *goes_to.files]


class Contest(NamedTuple):
    """What all methods are judged on.

    Attributes:
        works: of the validation and the test split.
        episodes: of both, the same for every method.
        features: frozen ones of both, standardised on the validation works.
    """

    works: dict[Split, SplitWorks]
    episodes: dict[Split, list[AttributionEpisode]]
    features: dict[Split, Tensor]

    @classmethod
    def of(cls, critic: Critic, data: Where, protocol: AttributionProtocol) -> Contest:
        """That of prepared pictures, as a run sees them."""
        counts: dict[Split, int] = {"validation": protocol.validation_episodes, "test": protocol.episodes}
        network, shots = FrozenFeatures(critic.domain.view.side), max(protocol.shots)
        works = {split: open_works(_domain(critic), data, split, protocol.works_per_hand, network) for split in counts}
        # With the most examples that are asked for. Fewer are the first of them, so that every number of examples is
        # judged on the same works.
        episodes = {
            split: draw_episodes(works[split], count, ways=protocol.ways, shots=shots, query=protocol.query,
                                 seed=protocol.seed)
            for split, count in counts.items()
        }  # fmt: skip
        reference = works["validation"].frozen
        return cls(works, episodes, {split: standardise(one.frozen, reference) for split, one in works.items()})

    def answers(self, method: Method, shots: int) -> dict[Split, Answers]:
        """What a method answers with so many examples of each hand."""
        return {split: collect(method, self.works[split], self.episodes[split], shots) for split in self.works}


def attribution(
    critics: Mapping[str, Critic], own: Critic, contest: Contest, protocol: AttributionProtocol
) -> tuple[dict[str, Any], Calibration]:
    """The numbers of every method, and the calibration of one run.

    Args:
        critics: runs by name.
        own: the run whose calibration is made.
        contest: what they are judged on.
        protocol: numbers of examples.

    Returns:
        {"shots": {number: {method: {"accuracy", "ece", "coverage", ...}}}, "paired": [...], ...}, and the calibration.
    """
    metas = {f"meta: {name}": MetaAttribution(critic) for name, critic in critics.items()}
    methods: dict[str, Method] = {
        **metas,
        "frozen: nearest neighbour": FrozenMethod(contest.features, nearest_neighbour),
        "frozen: class means": FrozenMethod(contest.features, class_means),
    }
    by_shots: dict[str, Any] = {}
    paired = []
    with tqdm(total=len(protocol.shots) * (len(methods) + 1), desc="attribution") as bar:
        for shots in protocol.shots:
            penalty = _best_penalty(contest, shots, protocol)
            rows, right = {}, {}
            for name, method in (methods | {PROBE: FrozenMethod(contest.features, linear_probe(penalty))}).items():
                answers = contest.answers(method, shots)
                rows[name], right[name] = summary(answers["validation"], answers["test"], protocol)
                bar.update()
            rows[PROBE]["penalty"] = penalty
            by_shots[str(shots)] = rows
            paired += _paired(right, shots)
    method = next(metas[f"meta: {name}"] for name, critic in critics.items() if critic is own)
    calibration = calibrated(method, contest.works["validation"], protocol)
    return {
        "episodes": protocol.episodes,
        "ways": protocol.ways,
        "query": protocol.query,
        "hands": {split: len(works.hands) for split, works in contest.works.items()},
        "works": {split: len(works.pictures) for split, works in contest.works.items()},
        "coverage": protocol.coverage,
        "wrongly_strange": protocol.wrongly_strange,
        "sets_by_hands": sets_by_hands(method, contest.works["test"], calibration, protocol),
        "units": {f"meta: {name}": units_passed(critic.run.folder) for name, critic in critics.items()},
        "shots": by_shots,
        "paired": paired,
        "curves": {},
    }, calibration


def summary(validation: Answers, test: Answers, protocol: AttributionProtocol) -> tuple[dict[str, Any], Tensor]:
    """The numbers of a method: temperature and bounds from validation answers, all else from test answers.

    Returns:
        The numbers, and the accuracy of each episode, (episodes,).
    """
    # Each method has a temperature and bounds of its own: what is compared is what its answers are worth, not their
    # scale.
    confidence = confidence_of(validation, 0, protocol)
    shares = (test.logits / confidence.temperature).softmax(-1)
    labels, (sure, named) = test.labels(), shares.max(-1)
    right = named == labels
    plain = test.logits.softmax(-1)
    sets = answer_sets(shares, confidence.set_bound)
    covered = test.by_hand(sets)
    strangers = (test.logits_of_strangers / confidence.temperature).softmax(-1)
    # Two ways to find strangers, each as what is high for the hands' own works and what is high for strangers.
    unsure = {"1 - probability": (1 - sure, 1 - strangers.amax(-1)),
              "distance": (test.strange, test.strange_of_strangers)}  # fmt: skip
    accuracy = right.double().mean(1)
    share, mean_sure, mean_right = reliability(sure.flatten(), right.flatten())
    return {
        "accuracy": float(accuracy.mean()),
        "interval": half_width(accuracy.numpy()),
        "temperature": confidence.temperature,
        "ece_raw": expected_calibration_error(plain.amax(-1).flatten(), right.flatten()),
        "ece": expected_calibration_error(sure.flatten(), right.flatten()),
        # A share that rounds to 0 would make the mean infinite.
        "nll": float(-shares.gather(-1, labels[..., None]).clamp(min=1e-12).log().mean()),
        "covered": float(covered.mean()),
        "covered_interval": half_width_by_hand(covered.flatten().numpy(), test.hands_asked()),
        "set_size": float(sets.sum(-1).double().mean()),
        "auroc": {name: auroc(others.flatten(), own.flatten()) for name, (own, others) in unsure.items()},
        "called_strange": {"own": float((test.strange > confidence.strange_bound).double().mean()),
                           "strangers": float((test.strange_of_strangers > confidence.strange_bound).double().mean())},
        "reliability": {"share": share.tolist(), "confidence": mean_sure.tolist(), "accuracy": mean_right.tolist()},
    }, accuracy  # fmt: skip


def _domain(critic: Critic) -> CritiqueDomain:
    assert isinstance(critic.domain, CritiqueDomain)
    return critic.domain


def _best_penalty(contest: Contest, shots: int, protocol: AttributionProtocol) -> float:
    """The probe's penalty of the highest accuracy on validation episodes."""
    works, episodes = contest.works["validation"], contest.episodes["validation"]
    right = {}
    for penalty in protocol.probe_penalties:
        answers = collect(FrozenMethod(contest.features, linear_probe(penalty)), works, episodes, shots)
        right[penalty] = float(answers.right().double().mean())
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
