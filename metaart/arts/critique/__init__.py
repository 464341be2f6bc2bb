"""Critique: whose hand a picture is, from a few examples of each, and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaart.artists.art import Art, Evaluation, FileInput, Made, Request, Use
from metaart.artists.works import Work, WorksInput
from metaart.arts.judging import HEAT_MAP, MAX_WORKS
from metaart.evaluation.options import EvaluateOptions
from metaart.formats.base import JSON
from metaart.formats.pictures import PICTURE
from metaart.options import option, options

if TYPE_CHECKING:
    from metaart.artists.artist import Support
    from metaart.artists.run import Run
    from metaart.domains.base import Domain


@options()
class CritiqueOptions:
    """What may be asked of a judgement: nothing."""


@options()
class CritiqueEvaluation(EvaluateOptions):
    """How a run of critique is judged."""

    validation_episodes: int = option(default=120, ge=2, help="for choosing temperatures, bounds and penalties")
    ways: int = option(default=5, ge=2, help="hands in an episode; the run's own calibration is of 5")


WORKS = WorksInput(
    PICTURE, "hands", least=2, most=MAX_WORKS, help="pictures of two hands or more",
    advice="Give a handful by each hand.", counted=True,
)  # fmt: skip


def _read(domain: Domain, work: Work) -> Any:
    from metaart.arts.judging.works import read_frame

    return read_frame(domain, work)


def _support(domain: Domain, frames: Sequence[Any], works: Sequence[Work]) -> Support:
    from metaart.arts.critique.adapt import support

    return support(domain, frames, works)


def _judge(run: Run | None, requests: Sequence[Request]) -> list[Made]:
    from metaart.arts.critique.judge import judge

    assert run is not None
    return judge(run, requests)


def _evaluate(run: Run, asked: CritiqueEvaluation, out: Path, keep: Any) -> Any:
    from metaart.arts.critique.evaluate import evaluate

    return evaluate(run, asked, out, keep)


JUDGE = Use(
    verb="judge",
    about="Judge a picture by examples: whose hand is it, and why.",
    story=f"""\
Judges a picture by 2 to {MAX_WORKS} examples: whose hand it is; `hands` has one name for each example.

    curl -F work=@new.png -F examples=@a.png -F examples=@b.png -F examples=@c.png \\
         -F 'options={{"hands": ["Hokusai", "Hokusai", "Turner"]}}' http://127.0.0.1:8000{{route}}

The answer is JSON: the hand or `none of these` with calibrated probabilities, the nearest examples, measured
qualities, sentences that name only what was computed, and a heat map as PNG in base64.
""",
    options=CritiqueOptions,
    example={"hands": ["Hokusai", "Turner"], "heat_map": True},
    works=WORKS,
    inputs=(FileInput("work", PICTURE, "the picture to judge"),),
    makes=JSON,
    make=_judge,
    commands=("critique",),
    out="json",
    extras=(HEAT_MAP,),
    examples=("metaart create critique --work new.png --examples-from hands --heat-map why.png",),
    route="critique",
)

ART = Art(
    name="critique",
    about="say whose hand a picture is, and why",
    works=WORKS,
    read=_read,
    support=_support,
    uses=(JUDGE,),
    evaluation=Evaluation(CritiqueEvaluation, _evaluate),
)
