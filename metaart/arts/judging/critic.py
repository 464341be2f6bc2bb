"""A trained run before examples and works: its answers, what is nearest, and where the evidence lies, as tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from metaart.artists.run import Run
from metaart.arts.judging.confidence import WAYS, Confidence, load_calibration
from metaart.domains.viewing.domain import HEAD, ViewingDomain, head_features
from metaart.errors import UserError
from metaart.functional.evidence import Evidence, occlusion_map
from metaart.tasks import Examples, Params

PATCH_SHARE, STRIDE_SHARE = 4, 16
"""The side of a picture is so many times that of the patches that are painted over, and of their distance."""

AT_ONCE = 256
"""Pictures that the network is asked about together."""


@dataclass(frozen=True)
class Impression:
    """What a run adapted to examples makes of works.

    Attributes:
        answers: of the last layer, (works, outputs): logits, of which the first are those of the hands, or scores.
        features: of the works, (works, features).
        examples: features of the examples, (examples, features).
    """

    answers: Tensor
    features: Tensor
    examples: Tensor

    def nearest(self) -> tuple[Tensor, Tensor]:
        """The examples by distance in the features, nearest first: indices and distances, (works, examples) each.

        Distances are in units of the mean distance between two examples.
        """
        # A single example has no distance to another.
        unit = torch.pdist(self.examples).mean().clamp(min=1e-12) if len(self.examples) > 1 else torch.tensor(1.0)
        # The short way through dot products loses what two near features differ by.
        apart = torch.cdist(self.features, self.examples, compute_mode="donot_use_mm_for_euclid_dist") / unit
        ordered = apart.sort(1)
        return ordered.indices, ordered.values


class Critic:
    """Looks at works by means of a run.

    Args:
        run: of critique or rating.
        art: which of the two it must be of; either if left out.

    Raises:
        UserError: it is of another art, or its calibration is damaged.
    """

    def __init__(self, run: Run, art: str = "") -> None:
        if not isinstance(run.domain, ViewingDomain) or art not in ("", run.art.name):
            wanted = art or "critique"
            raise UserError(
                expected=f"a run of {wanted}",
                got=f"{run.folder}, a run of {run.art.name}",
                fix=f"Give a run of `metaart train {wanted}`.",
            )
        self.run, self.domain = run, run.domain
        self.calibration = load_calibration(run.folder)
        self._weight, self._bias = f"{HEAD}.weight", f"{HEAD}.bias"

    @property
    def coverage(self) -> float | None:
        """Of answer sets and intervals; None where the run was not calibrated."""
        return None if self.calibration is None else self.calibration.coverage

    @property
    def moves_head_alone(self) -> bool:
        """Whether adapting leaves the features of works as they are."""
        return set(self.run.algorithm.moving) <= {self._weight, self._bias}

    def confidence(self, shots: int, ways: int = WAYS) -> Confidence:
        """What validation says of answers from so many examples, among so many hands; nothing without one."""
        return Confidence(shots) if self.calibration is None else self.calibration.at(shots, ways)

    @torch.no_grad()
    def impression(self, params: Params, examples: Examples, works: Tensor) -> Impression:
        """What adapted weights make of works.

        Args:
            params: adapted to the examples.
            examples: what the learner is given of them.
            works: what the learner is called with for the works (`ViewingDomain.input_of`).
        """
        # False asks a network for what its last layer is given.
        predict = self.run.predict(params)
        return Impression(predict(works), predict(works, False), head_features(predict, examples))

    @torch.no_grad()
    def features(self, works: Tensor) -> Tensor:
        """What the last layer is given before adaptation, (works, features), of what the learner is called with."""
        found: Tensor = self.run.predict(self.run.theta())(works, False)
        return found

    @torch.no_grad()
    def impression_of_features(self, examples: Tensor, labels: Tensor, works: Tensor) -> Impression:
        """What `impression` gives where the features of all works are there and adapting does not move them.

        Args:
            examples: features of the examples, (examples, features).
            labels: of the examples, (examples,).
            works: features of the works, (works, features).
        """
        params = self.run.adapted({"features": examples, "labels": labels})
        return Impression(F.linear(works, params[self._weight], params[self._bias]), works, examples)

    def evidence(self, params: Params, strength: Callable[[Tensor], Tensor]) -> Evidence:
        """How strongly pictures speak for an answer.

        Args:
            params: adapted weights.
            strength: of the learner's answers, (n, outputs) to (n,): the log-odds of a hand, or the score.
        """
        predict = self.run.predict(params)

        @torch.no_grad()
        def evidence(pictures: Tensor) -> Tensor:
            # Occlusion asks about hundreds of painted-over pictures at once: in parts they fit into memory.
            parts = [predict(self.domain.input_of(part)) for part in torch.split(pictures, AT_ONCE)]
            return strength(torch.cat(parts))

        return evidence


def heat_map(evidence: Evidence, picture: Tensor) -> Tensor:
    """Where the evidence lies in a picture (3, side, side): by painting over patches, (side, side)."""
    side = picture.shape[-1]
    return occlusion_map(
        evidence, picture, background(picture), patch=side // PATCH_SHARE, stride=max(1, side // STRIDE_SHARE)
    )


def background(picture: Tensor) -> Tensor:
    """The colour of a picture's border, its median by channel: (3, height, width) to (3,)."""
    border = [picture[:, 0], picture[:, -1], picture[:, 1:-1, 0], picture[:, 1:-1, -1]]
    # The median, which a drawing that reaches the border in places does not tint.
    return torch.cat(border, 1).median(1).values
