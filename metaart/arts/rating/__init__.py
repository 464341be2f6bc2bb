"""Rating: what score a curator would give a picture, from a few that he rated, and why."""

from __future__ import annotations

from metaart.artists.art import Art, FileInput, Use
from metaart.artists.works import WorksInput
from metaart.arts.judging import HEAT_MAP, MAX_WORKS
from metaart.evaluation.options import EvaluateOptions
from metaart.formats.base import JSON
from metaart.formats.pictures import PICTURE
from metaart.options import NoOptions, option, options


@options()
class RatingEvaluation(EvaluateOptions):
    """How a run of rating is judged."""

    validation_episodes: int = option(default=120, ge=2, help="for choosing penalties and intervals")


WORKS = WorksInput(
    PICTURE, "scores", least=2, most=MAX_WORKS, help="pictures that a curator rated from 1 to 10",
    advice="Five to ten say most of it.", counted=True,
)  # fmt: skip


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
    options=NoOptions,
    example={"scores": [7, 3.5], "heat_map": True},
    works=WORKS,
    inputs=(FileInput("work", PICTURE, "the picture to judge"),),
    makes=JSON,
    commands=("rating", "critique"),
    out="json",
    extras=(HEAT_MAP,),
    examples=("metaart create critique --run runs/rating --work new.png --ratings scores.csv --json judged.json",),
    route="critique",
)

ART = Art(
    name="rating",
    home=__name__,
    about="rate a picture as a curator would, and say why",
    works=WORKS,
    uses=(JUDGE,),
    evaluation=RatingEvaluation,
)
