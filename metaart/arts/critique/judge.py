"""Judge a picture by a curator's examples, and say why in terms of what was computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from metaart.arts.judging.critic import Critic
from metaart.arts.judging.heat import heat_picture
from metaart.domains.critique.domain import MAX_WORKS, ink, standardised
from metaart.domains.rating.curators import HIGHEST, LOWEST
from metaart.domains.viewing.qualities import NAMES, Quality, described, qualities
from metaart.errors import TooLarge, UserError
from metaart.formats.pictures.header import check_together
from metaart.formats.pictures.read import Pixels, write_png

NEAREST = 3


@dataclass(frozen=True)
class Example:
    """A work that a curator sent along.

    Attributes:
        name: what to call it.
        data: the file, which nobody vouches for.
        hand: whose it is, for attribution.
        score: how the curator rated it, 1 to 10, for rating.
    """

    name: str
    data: bytes
    hand: str = ""
    score: float = 0.0


@dataclass(frozen=True)
class Near:
    """An example that is like the work.

    Attributes:
        name: of the example.
        verdict: its hand, or its score.
        distance: in the network's features, in units of the mean distance between two examples.
    """

    name: str
    verdict: str | float
    distance: float


@dataclass(frozen=True)
class Judgement:
    """What a work is judged to be, and what that rests on.

    Attributes:
        answer: the hand, `none of these`, or the score from 1 to 10.
        probabilities: of the hands, the likeliest first; empty for a rating.
        plausible: the hands that cannot be ruled out at the run's coverage; empty for a rating.
        strangeness: how far the work lies from the nearest hand, in units of how far the hands lie from each other.
        interval: lowest and highest score that the run's coverage allows; None for an attribution.
        coverage: of `plausible` and `interval`; None where the run was not calibrated.
        nearest: the examples that are most like the work.
        qualities: what was measured of the work.
        usual: mean of each quality over the examples of the answer's hand, or over all that were rated.
        explanation: sentences that name only what stands in the other fields.
        heat_map: PNG: red where the picture speaks for the answer, blue where against it; None if not asked for.
    """

    answer: str | float
    probabilities: dict[str, float]
    plausible: list[str]
    strangeness: float | None
    interval: tuple[float, float] | None
    coverage: float | None
    nearest: list[Near]
    qualities: list[Quality]
    usual: dict[str, float]
    explanation: list[str] = field(default_factory=list)
    heat_map: bytes | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON takes it, without the heat map."""
        found = asdict(self) | {"qualities": [quality._asdict() for quality in self.qualities]}
        del found["heat_map"]
        return found


NONE = "none of these"


def judge(critic: Critic, work: bytes, examples: Sequence[Example], *, name: str = "the work",
          heat_map: bool = False) -> Judgement:  # fmt: skip
    """Judge one work.

    Args:
        critic: a run of attribution or of rating.
        work: a PNG, JPEG or WebP file.
        examples: of two or more hands for attribution; with scores, two or more of them, for rating.
        name: of the work, in errors.
        heat_map: also draw where the evidence lies.

    Raises:
        TooLarge: too many examples, or too many pixels in all.
        UserError: files that cannot be used; too few examples.
    """
    if len(examples) > MAX_WORKS:
        raise TooLarge(expected=f"at most {MAX_WORKS} examples", got=str(len(examples)), fix="Give a handful each.")
    check_together([work, *(example.data for example in examples)], [name, *(example.name for example in examples)])
    return (_rate if critic.domain.rates else _attribute)(critic, work, examples, name, heat_map)


def _attribute(critic: Critic, work: bytes, examples: Sequence[Example], name: str, drawn: bool) -> Judgement:
    hands = list(dict.fromkeys(example.hand for example in examples))
    most = critic.domain.config.most_hands
    if not 2 <= len(hands) <= most or not all(hands):
        raise UserError(
            expected=f"examples of 2 to {most} hands",
            got=f"{len(hands)}",
            fix="Give a folder with one sub-folder of pictures for each hand.",
        )
    shots = min(sum(example.hand == hand for example in examples) for hand in hands)
    own, frames = critic.domain.frame(work, name), _framed(critic, examples)
    labels = torch.tensor([hands.index(example.hand) for example in examples])
    support = {**critic.domain.see(ink(frames)), "labels": labels}
    picture = ink([own])
    params = critic.adapt(support)
    seen, known = critic.impression(params, support, picture), critic.confidence(shots, len(hands))
    shares = critic.probabilities(seen, shots)[0]
    strange = float(critic.strangeness(seen, support)[0])
    order = shares.argsort(descending=True).tolist()
    best = order[0]
    stranger = strange > known.strange_bound
    judgement = Judgement(
        answer=NONE if stranger else hands[best],
        probabilities={hands[place]: round(float(shares[place]), 4) for place in order},
        plausible=[hands[place] for place in order if 1 - float(shares[place]) <= known.set_bound],
        strangeness=round(strange, 3),
        interval=None,
        coverage=critic.calibration.coverage if critic.calibration else None,
        nearest=_nearest(critic, seen, examples, [example.hand for example in examples]),
        qualities=described(own),
        usual=_usual([frames[place] for place in (labels == best).nonzero()[:, 0].tolist()]),
        heat_map=_drawn(critic, params, picture[0], own, len(hands), best) if drawn else None,
    )
    judgement.explanation.extend(_why_whose(judgement, hands[best]))
    return judgement


def _rate(critic: Critic, work: bytes, examples: Sequence[Example], name: str, drawn: bool) -> Judgement:
    if len(examples) < 2:
        raise UserError(expected="2 or more rated examples", got=str(len(examples)), fix="Five to ten say most of it.")
    scores = standardised([check_score(example) for example in examples])
    own, frames = critic.domain.frame(work, name), _framed(critic, examples)
    support = {**critic.domain.see(ink(frames)), "scores": scores}
    picture = ink([own])
    params = critic.adapt(support)
    seen, known = critic.impression(params, support, picture), critic.confidence(len(examples))
    score = float(critic.scores(seen)[0])
    judgement = Judgement(
        answer=round(score, 2),
        probabilities={},
        plausible=[],
        strangeness=None,
        interval=(round(max(LOWEST, score - known.score_bound), 2), round(min(HIGHEST, score + known.score_bound), 2)),
        coverage=critic.calibration.coverage if critic.calibration else None,
        nearest=_nearest(critic, seen, examples, [example.score for example in examples]),
        qualities=described(own),
        usual=_usual(frames),
        heat_map=_drawn(critic, params, picture[0], own, 0, 0) if drawn else None,
    )
    judgement.explanation.extend(_why_so_high(judgement))
    return judgement


def check_score(example: Example) -> float:
    """The score of a rated example.

    Raises:
        UserError: it is not from 1 to 10.
    """
    if not LOWEST <= example.score <= HIGHEST:
        raise UserError(
            expected=f"scores from {LOWEST:g} to {HIGHEST:g}",
            got=f"{example.score!r:.40} for {example.name}",
            fix="Mend it.",
        )
    return example.score


def _framed(critic: Critic, examples: Sequence[Example]) -> list[Pixels]:
    return [critic.domain.frame(example.data, example.name) for example in examples]


def _usual(frames: Sequence[Pixels]) -> dict[str, float]:
    measured = qualities(np.stack(frames))
    return {name: round(float(value), 4) for name, value in zip(NAMES, measured.mean(0), strict=True)}


def _nearest(critic: Critic, seen: Any, examples: Sequence[Example], verdicts: Sequence[str | float]) -> list[Near]:
    places, apart = critic.nearest(seen)
    return [
        Near(examples[place].name, verdicts[place], round(distance, 3))
        for place, distance in zip(places[0].tolist()[:NEAREST], apart[0].tolist(), strict=False)
    ]


def _drawn(critic: Critic, params: Any, picture: torch.Tensor, own: Pixels, hands: int, label: int) -> bytes:
    found = critic.heat_map(critic.evidence(params, hands, label), picture)
    return write_png(heat_picture(own, found.numpy()))


def _why_whose(judgement: Judgement, likeliest: str) -> list[str]:
    share, near = judgement.probabilities[likeliest], judgement.nearest[0]
    said = [
        f"Of the {len(judgement.probabilities)} hands, {likeliest} is the likeliest, with a probability of {share:.2f}."
    ]
    if judgement.coverage is not None:
        said.append(f"Not ruled out at {judgement.coverage:.0%}: {', '.join(judgement.plausible) or 'no hand'}.")
    if judgement.answer == NONE:
        said.append(
            f"But it lies {judgement.strangeness:.2f} times as far from the nearest hand as the hands lie from each "
            "other, further than works by one of them do: it is called none of these."
        )
    said.append(f"Nearest example: {near.name} ({near.verdict}), at {near.distance:.2f} of the mean distance.")
    return said + _compared(judgement, f"the examples of {likeliest}")


def _why_so_high(judgement: Judgement) -> list[str]:
    said = [f"Score {judgement.answer:.1f} of {HIGHEST:g}."]
    if judgement.coverage is not None and judgement.interval is not None:
        low, high = judgement.interval
        said.append(f"From {low:.1f} to {high:.1f} with a coverage of {judgement.coverage:.0%} on validation curators.")
    near = judgement.nearest[0]
    said.append(f"Nearest example: {near.name}, rated {near.verdict:g}, at {near.distance:.2f} of the mean distance.")
    return said + _compared(judgement, "the rated examples")


def _compared(judgement: Judgement, whom: str) -> list[str]:
    return [
        f"{quality.name.capitalize()} {quality.value:.2f} ({quality.words}); "
        f"{whom} have {judgement.usual[quality.name]:.2f} on average."
        for quality in judgement.qualities
    ]
