"""Critique: whose hand a picture is, from a few examples of each, and why."""

from __future__ import annotations

from metaart.artists.art import Art, FileInput, Use
from metaart.artists.works import WorksInput
from metaart.arts.judging import HEAT_MAP, MAX_WORKS
from metaart.evaluation.options import EvaluateOptions
from metaart.formats.base import JSON
from metaart.formats.pictures import PICTURE
from metaart.options import NoOptions, option, options


@options()
class CritiqueEvaluation(EvaluateOptions):
    """How a run of critique is judged."""

    validation_episodes: int = option(default=120, ge=2, help="for choosing temperatures, bounds and penalties")
    ways: int = option(default=5, ge=2, help="hands in an episode; the run's own calibration is of 5")


WORKS = WorksInput(
    PICTURE, "hands", least=2, most=MAX_WORKS, help="pictures of two hands or more",
    advice="Give a handful by each hand.", counted=True,
)  # fmt: skip


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
    options=NoOptions,
    example={"hands": ["Hokusai", "Turner"], "heat_map": True},
    works=WORKS,
    inputs=(FileInput("work", PICTURE, "the picture to judge"),),
    makes=JSON,
    commands=("critique",),
    out="json",
    extras=(HEAT_MAP,),
    examples=("metaart create critique --work new.png --examples-from hands --heat-map why.png",),
    route="critique",
)

ART = Art(
    name="critique",
    home=__name__,
    about="say whose hand a picture is, and why",
    works=WORKS,
    uses=(JUDGE,),
    evaluation=CritiqueEvaluation,
)
