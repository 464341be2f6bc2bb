"""A trained run of critique before a curator's examples: answers, evidence and what is nearest, as tensors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from metaart.artists.run import Creator
from metaart.arts.judging.confidence import WAYS, Confidence, load_calibration, strangeness
from metaart.domains.critique.domain import Critique, features, score_of
from metaart.errors import UserError
from metaart.functional.evidence import Evidence, log_odds, occlusion_map
from metaart.tasks import Examples, Params

PATCH_SHARE, STRIDE_SHARE = 4, 16
"""The side of a picture is so many times that of the patches that are painted over, and of their distance."""


@dataclass(frozen=True)
class Impression:
    """What a run adapted to examples makes of works.

    Attributes:
        answers: logits of the hands, (works, hands), or standardised scores, (works, 1).
        features: of the works, (works, features).
        examples: features of the examples, (examples, features).
    """

    answers: Tensor
    features: Tensor
    examples: Tensor


class Critic:
    """Judges works by a few examples.

    Args:
        run: run directory of critique; the one that ships with the package if left out.
        art: whose shipped run, `critique` (attribution) or `rating`.

    Raises:
        UserError: the run is missing, damaged, or of another art.
    """

    def __init__(self, run: Path | str | None = None, art: str = "critique") -> None:
        self.creator = Creator(run, art)
        if not isinstance(self.creator.domain, Critique):
            raise UserError(
                expected="a run of critique",
                got=f"{self.creator.run}, a run of {self.creator.config.recipe}",
                fix="Give --run of `metaart train critique` or `metaart train rating`.",
            )
        self.domain: Critique = self.creator.domain
        self._layer = self.domain.head.layer
        self.calibration = load_calibration(self.creator.run)

    def confidence(self, shots: int, ways: int = WAYS) -> Confidence:
        """What validation taught about answers from so many examples, among so many hands; nothing without one."""
        return Confidence(shots) if self.calibration is None else self.calibration.at(shots, ways)

    def adapt(self, support: Examples, steps: int | None = None) -> Params:
        """Weights adapted to examples: {"pictures", "labels"} or {"pictures", "scores"}."""
        return self.creator.adapt(support, steps)

    def impression(self, params: Params, support: Examples, works: Tensor) -> Impression:
        """What adapted weights make of works, (works, 3, side, side)."""
        return self.impression_of(params, support, self.domain.given(works))

    @torch.no_grad()
    def impression_of(self, params: Params, support: Examples, given: Tensor) -> Impression:
        """The same where what the learner is called with is known."""
        predict = self.creator.predict(params)
        answers = predict(given)
        if not self.domain.rates:
            answers = answers[:, : int(support["labels"].max()) + 1]
        return Impression(answers, predict(given, False), features(predict, support))

    def moves_head_alone(self, support: Examples) -> bool:
        """Whether adapting leaves the features of works as they are, seen on one support set."""
        before, after = self.adapt(support, 0), self.adapt(support)
        return all(
            torch.equal(after[name], value) for name, value in before.items() if not name.startswith(self._layer)
        )

    def features(self, given: Tensor) -> Tensor:
        """What the last layer is given before adaptation for what the learner is called with, (works, features)."""
        with torch.no_grad():
            found: Tensor = self.creator.predict(self.creator.theta())(given, False)
        return found

    def impression_of_features(self, support: Tensor, labels: Tensor, works: Tensor) -> Impression:
        """What `impression` gives where the features of all works are known and adapting does not move them.

        Args:
            support: features of the examples, (examples, features).
            labels: of the examples, (examples,).
            works: features of the works, (works, features).
        """
        params = self.adapt({"pictures": support, "features": support, "labels": labels})
        answers = F.linear(works, params[f"{self._layer}.weight"], params[f"{self._layer}.bias"])
        return Impression(answers[:, : int(labels.max()) + 1], works, support)

    def probabilities(self, seen: Impression, shots: int) -> Tensor:
        """Calibrated probabilities of the hands, (works, hands)."""
        return (seen.answers / self.confidence(shots, seen.answers.shape[-1]).temperature).softmax(-1)

    def scores(self, seen: Impression) -> Tensor:
        """Scores from 1 to 10, (works,)."""
        return score_of(seen.answers)

    def strangeness(self, seen: Impression, support: Examples) -> Tensor:
        """How unlike all hands the works are, (works,)."""
        return strangeness(seen.features, seen.examples, support["labels"])

    def nearest(self, seen: Impression) -> tuple[Tensor, Tensor]:
        """The examples by distance in the features, nearest first: places and distances, (works, examples) each.

        Distances are in units of the mean distance between two examples.
        """
        unit = torch.pdist(seen.examples).mean().clamp(min=1e-12) if len(seen.examples) > 1 else torch.tensor(1.0)
        apart = torch.cdist(seen.features, seen.examples, compute_mode="donot_use_mm_for_euclid_dist") / unit
        ordered = apart.sort(1)
        return ordered.indices, ordered.values

    def evidence(self, params: Params, hands: int, label: int) -> Evidence:
        """How strongly pictures speak for an answer: the log-odds of a hand, or the score (hands = 0)."""
        predict = self.creator.predict(params)

        @torch.no_grad()
        def asked(pictures: Tensor) -> Tensor:
            answers: Tensor = torch.cat([predict(self.domain.given(part)) for part in torch.split(pictures, 256)])
            return log_odds(answers[:, :hands], label) if hands else answers[:, 0]

        return asked

    def heat_map(self, evidence: Evidence, picture: Tensor) -> Tensor:
        """Where the evidence lies in a picture (3, side, side): by painting over patches, (side, side)."""
        side = picture.shape[-1]
        return occlusion_map(
            evidence, picture, background(picture), patch=side // PATCH_SHARE, stride=max(1, side // STRIDE_SHARE)
        )


def background(picture: Tensor) -> Tensor:
    """The colour of a picture's border, its median by channel: (3, height, width) to (3,)."""
    border = [picture[:, 0], picture[:, -1], picture[:, 1:-1, 0], picture[:, 1:-1, -1]]
    return torch.cat(border, 1).median(1).values
