"""Critique: whose hand is this, or how would this curator rate it, from a few examples; and say why."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from metaart.data.location import Where
from metaart.data.media.pictures import StoredPicture
from metaart.data.shards import Dataset
from metaart.data.works import Recent
from metaart.domains.base import Domain, Hand, Split
from metaart.domains.critique.new_hands import NewHands, draw_hand
from metaart.domains.rating.curators import HIGHEST, LOWEST, Standard, Taste, draw_taste, rated
from metaart.domains.viewing.frame import framed
from metaart.errors import TooLarge, UserError
from metaart.formats.pictures.read import Pixels, read_picture
from metaart.networks.convolution import ConvolutionalNet
from metaart.networks.frozen import NUM_FEATURES, Adapter, FrozenFeatures
from metaart.tasks import Examples, Head

MAX_WORKS = 200
MIDDLE_SCORE, SCORE_UNIT = 5.5, 2.6
"""Mean and deviation by which scores from 1 to 10 are standardised."""

CURATORS = {"train": 1, "validation": 40, "test": 100}
"""How many made curators a split has; in training there is one, and every variation of it is another."""

_STANDARD_WORKS = 400


@dataclass(frozen=True)
class CritiqueConfig:
    """What is asked about pictures, and what learns to answer.

    Attributes:
        question: `attribution`: whose hand is this; `rating`: which score would this curator give.
        sees: what the learner is given: `pictures`, which convolutions then learn to read; or `frozen`, features of
            ImageNet (`networks.frozen`), of which a linear map learns what matters; found once for each work, so works
            then come as they are, without new hands.
        side: of the square frame in which pictures are seen, px; a multiple of 16.
        most_hands: that attribution can tell apart at once; an example set may have fewer.
        channels: of the network's convolutions, a multiple of 8.
        layers: of the network.
        width: features that a map of frozen features makes.
        most_works: of a hand, that are drawn from; the first of them, 0 for all.
        new_hands: task augmentation of attribution; each part can be switched.
    """

    question: Literal["attribution", "rating"] = "attribution"
    sees: Literal["pictures", "frozen"] = "pictures"
    side: int = 64
    most_hands: int = 20
    channels: int = 32
    layers: int = 4
    width: int = 128
    most_works: int = 0
    new_hands: NewHands = field(default_factory=NewHands)

    def __post_init__(self) -> None:
        for good, name, expected in (
            (self.question in ("attribution", "rating"), "question", "attribution or rating"),
            (self.sees in ("pictures", "frozen"), "sees", "pictures or frozen"),
            (self.width >= 1, "width", "1 or more"),
            (self.most_works >= 0, "most_works", "0 (all) or more"),
            (self.side >= 16 and self.side % 16 == 0, "side", "a multiple of 16"),
            (2 <= self.most_hands <= 100, "most_hands", "2 to 100"),
            (self.channels >= 8 and self.channels % 8 == 0, "channels", "a multiple of 8"),
            (1 <= self.layers <= 6, "layers", "1 to 6"),
        ):
            if not good:
                raise UserError(
                    expected=f"domain.{name} to be {expected}",
                    got=repr(getattr(self, name)),
                    fix=f"Give another value: --set domain.{name}=...",
                )


See = Callable[[Tensor], Examples]
"""Pictures (works, 3, side, side) to all that a learner may be given of them."""


class _Gallery:
    """Works in their frame; those used last are kept decoded.

    Args:
        name: of these works among those that share what is kept.
        works: as they are stored.
        side: of the frame, px.
        recent: what is kept.
    """

    def __init__(self, name: str, works: Sequence[StoredPicture], side: int, recent: Recent) -> None:
        self.name, self.works, self.recent, self._side = name, works, recent, side

    def __getitem__(self, work: int) -> Pixels:
        return self.recent.find((self.name, work), lambda: self.decoded(work))

    def decoded(self, work: int) -> Pixels:
        """A work that is used but once: it is not kept."""
        return framed(self.works[work].pixels(), self._side)


class DrawingHand(Hand):
    """One house, painter or set of drawings."""

    def __init__(self, gallery: _Gallery, config: CritiqueConfig, varied: bool, see: See) -> None:
        self.name, self.num_works = gallery.name, len(gallery.works)
        self._gallery, self._settings, self._see = gallery, config.new_hands, see
        self._varied, self._frozen = varied, config.sees == "frozen"

    def pictures(self, works: Sequence[int]) -> Tensor:
        """The works as they are, (works, 3, side, side) float, 0 white to 1 black."""
        return ink([self._gallery[work] for work in works])

    def examples(self, works: Sequence[int], variation: np.random.Generator) -> Examples:
        """{"pictures": as `pictures`, in the manner of the variation} or {"frozen": (works, features)}."""
        if not self._frozen:
            pictures = self.pictures(works)
            return {"pictures": draw_hand(self._settings, variation).apply(pictures) if self._varied else pictures}
        kept = self._gallery.recent
        seen: dict[int, Tensor] = {work: kept[self.name, work] for work in works if (self.name, work) in kept}
        if new := [work for work in dict.fromkeys(works) if work not in seen]:
            found = self._see(ink([self._gallery.decoded(work) for work in new]))["frozen"]
            seen |= {work: features.clone() for work, features in zip(new, found, strict=True)}
            kept.update({(self.name, work): seen[work] for work in new})
        return {"frozen": torch.stack([seen[work] for work in works])}


class Curator(Hand):
    """A made curator (`pictures.curators`) before the drawings of a split."""

    def __init__(self, name: str, gallery: _Gallery, standard: Standard, split: Split, taste: Taste | None,
                 see: See) -> None:  # fmt: skip
        self.name, self.num_works, self.taste = name, len(gallery.works), taste
        self._gallery, self._standard, self._split, self._see = gallery, standard, split, see

    def examples(self, works: Sequence[int], variation: np.random.Generator) -> Examples:
        """What is seen of the works and "scores": (works,) float, standardised; a variation is another taste."""
        taste = self.taste or draw_taste(self._split, variation)
        pictures = [self._gallery[work] for work in works]
        shown, scores = rated(taste, self._split, self._standard, list(works), pictures)
        return {**self._see(ink(shown)), "scores": standardised(scores)}


def ink(pictures: Sequence[Pixels]) -> Tensor:
    """Pictures of one size as (works, 3, height, width) float32, 0 white and 1 black."""
    # Contiguous: GroupNorm does not map over tasks in the memory order that a permutation leaves.
    return 1 - torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous().float() / 255


def standardised(scores: Sequence[float]) -> Tensor:
    """Scores from 1 to 10 as the network learns them, (works,) float32."""
    return (torch.tensor(scores, dtype=torch.float32) - MIDDLE_SCORE) / SCORE_UNIT


def score_of(answers: Tensor) -> Tensor:
    """Scores from 1 to 10 of the network's answers (..., 1); (...)."""
    return (answers[..., 0] * SCORE_UNIT + MIDDLE_SCORE).clamp(LOWEST, HIGHEST)


def features(predict: Callable[..., Any], examples: Examples) -> Tensor:
    """What the last layer is given for each work, (works, features); those of "features" where they are known."""
    if "features" in examples:
        return examples["features"]
    found: Tensor = predict(_given(examples), False)
    return found


def _given(examples: Examples) -> Tensor:
    """What the learner is called with."""
    return examples["frozen"] if "frozen" in examples else examples["pictures"]


class Critique(Domain):
    """Attribution minimises the cross-entropy of the hands, rating the squared error of standardised scores."""

    head: Head

    def __init__(self, config: CritiqueConfig = CritiqueConfig()) -> None:
        self.config = config
        self.rates = config.question == "rating"
        self.unit = "squared error of scores, standardised" if self.rates else "nats per work"
        self.head = Head("head", features, classifies=not self.rates)

    @cached_property
    def _frozen(self) -> FrozenFeatures:
        return FrozenFeatures(self.config.side)

    def hands(self, data: Where | None, split: Split, *, varied: bool) -> list[Hand]:
        """The groups of a folder of pictures; or, for rating, made curators who know all of them."""
        dataset, recent, config = Dataset.open(data, "pictures", kind="drawings"), Recent(), self.config
        if not self.rates:
            drawn = {group: dataset.works(group)[: config.most_works or None] for group in dataset.groups(split)}
            galleries = [_Gallery(group, works, config.side, recent) for group, works in drawn.items()]
            return [DrawingHand(gallery, config, varied, self.see) for gallery in galleries]
        gallery = _Gallery("all", dataset.works(*dataset.groups(split)), config.side, recent)
        some = np.random.default_rng(0).permutation(len(gallery.works))[:_STANDARD_WORKS]
        standard = Standard.of(np.stack([gallery[int(work)] for work in some]))
        count = CURATORS["train"] if varied else CURATORS[split] if split != "train" else CURATORS["validation"]
        tastes = [draw_taste(split, np.random.default_rng([len(split), number])) for number in range(count)]
        return [
            Curator(f"{split} curator {number}", gallery, standard, split, None if varied else taste, self.see)
            for number, taste in enumerate(tastes)
        ]

    def learner(self) -> nn.Module:
        """Convolutions and pooling, or a map of frozen features; then one linear layer."""
        config = self.config
        outputs = 1 if self.rates else config.most_hands
        if config.sees == "frozen":
            return Adapter(NUM_FEATURES, config.width, outputs, unit_features=self.rates)
        return ConvolutionalNet(config.layers, config.channels, outputs, unit_features=self.rates)

    def loss(self, predict: Callable[..., Any], examples: Examples) -> Tensor:
        """Cross-entropy of the hands that "labels" name, or squared error of the "scores"."""
        answers: Tensor = predict(_given(examples))
        if self.rates:
            error = answers[..., 0] - examples["scores"]
            return (error * error).mean()
        return F.cross_entropy(answers, examples["labels"])

    def units(self, examples: Examples) -> int:
        """Works."""
        return examples["scores" if self.rates else "labels"].numel()

    def targets(self, examples: Examples) -> int:
        """Works."""
        return self.units(examples)

    def read(self, files: Sequence[bytes], names: Sequence[str] = ()) -> Examples:
        """PNG, JPEG or WebP files, and what is seen of them (`see`)."""
        if not 1 <= len(files) <= MAX_WORKS:
            raise (TooLarge if files else UserError)(
                expected=f"1 to {MAX_WORKS} pictures", got=str(len(files)), fix="Give a handful by each hand."
            )
        named = zip(names or [f"picture {place}" for place in range(1, len(files) + 1)], files, strict=True)
        return self.see(ink([self.frame(data, name) for name, data in named]))

    def see(self, pictures: Tensor) -> Examples:
        """{"pictures"}, and where the learner is given them, their "frozen" features too."""
        return {"pictures": pictures, **({} if self.config.sees == "pictures" else {"frozen": self._frozen(pictures)})}

    def given(self, pictures: Tensor) -> Tensor:
        """What the learner is called with for these pictures."""
        return _given(self.see(pictures))

    def frame(self, data: bytes, name: str) -> Pixels:
        """A picture file as it is seen, uint8 (side, side, 3)."""
        return framed(read_picture(data, name=name, max_side=4 * self.config.side), self.config.side)

    def render(self, predict: Callable[..., Any], requests: Sequence[Tensor]) -> list[bytes]:
        """The bare answers as JSON: {"probabilities": [...]} or {"score": ...}.

        A request is one work, (3, side, side). `metaart.arts.critique.judge` says more.
        """
        with torch.no_grad():
            answers = predict(self.given(torch.stack(list(requests))).unsqueeze(1))[:, 0]
        if self.rates:
            return [json.dumps({"score": round(float(score), 2)}).encode() for score in score_of(answers)]
        shares = answers.softmax(-1)
        return [json.dumps({"probabilities": [round(float(p), 4) for p in row]}).encode() for row in shares]
