"""Rating: what score a curator would give a picture, from a few that he rated, and why."""

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
class RatingOptions:
    """What may be asked of a rating: nothing."""


@options()
class RatingEvaluation(EvaluateOptions):
    """How a run of rating is judged."""

    validation_episodes: int = option(default=120, ge=2, help="for choosing penalties and intervals")


WORKS = WorksInput(
    PICTURE, "scores", least=2, most=MAX_WORKS, help="pictures that a curator rated from 1 to 10",
    advice="Five to ten say most of it.", counted=True,
)  # fmt: skip


def _read(domain: Domain, work: Work) -> Any:
    from metaart.arts.judging.works import read_frame

    return read_frame(domain, work)


def _support(domain: Domain, frames: Sequence[Any], works: Sequence[Work]) -> Support:
    from metaart.arts.rating.adapt import support

    return support(domain, frames, works)


def _judge(run: Run | None, requests: Sequence[Request]) -> list[Made]:
    from metaart.arts.rating.judge import judge

    assert run is not None
    return judge(run, requests)


def _evaluate(run: Run, asked: RatingEvaluation, out: Path, keep: Any) -> Any:
    from metaart.arts.rating.evaluate import evaluate

    return evaluate(run, asked, out, keep)


JUDGE = Use(
    verb="judge",
    about="Rate a picture as a curator would who rated others, and say why.",
    story=f"""\
Rates a picture by 2 to {MAX_WORKS} examples as the curator would who rated them; `scores` has one number from 1 to 10
for each example.

    curl -F work=@new.png -F examples=@a.png -F examples=@b.png -F 'options={{"scores": [7, 3.5]}}' \\
         http://127.0.0.1:8000{{route}}

The answer is JSON: the score with an interval, the nearest examples, measured qualities, sentences that name only what
was computed, and a heat map as PNG in base64.
""",
    options=RatingOptions,
    example={"scores": [7, 3.5], "heat_map": True},
    works=WORKS,
    inputs=(FileInput("work", PICTURE, "the picture to judge"),),
    makes=JSON,
    make=_judge,
    commands=("rating", "critique"),
    out="json",
    extras=(HEAT_MAP,),
    examples=("metaart create critique --run runs/rating --work new.png --ratings scores.csv --json judged.json",),
    route="critique",
)

ART = Art(
    name="rating",
    about="rate a picture as a curator would, and say why",
    works=WORKS,
    read=_read,
    support=_support,
    uses=(JUDGE,),
    evaluation=Evaluation(RatingEvaluation, _evaluate),
)
