"""Music: compose in the hand of a few pieces; say whose tune one is, and which bars surprise."""

from __future__ import annotations

from pathlib import Path

from metaart.artists.art import Art, Extra, FileInput, Use
from metaart.artists.works import WorksInput
from metaart.evaluation.options import AdaptationOptions
from metaart.formats.base import JSON
from metaart.formats.pictures import PICTURE
from metaart.formats.scores import MIDI
from metaart.options import NoOptions, option, options

MAX_BARS = 128
MAX_COMPOSERS = 20


@options()
class ComposeOptions:
    """What may be asked of a new piece."""

    bars: int = option(default=16, ge=1, le=MAX_BARS, help="length of the piece, its primer included", unit="bars")
    temperature: float = option(default=0.9, gt=0, le=2, help="lower is safer, higher is bolder")
    top_p: float = option(default=0.95, gt=0, le=1, help="share of the likeliest tokens that is drawn from")
    seed: int = option(default=1, ge=0, le=2**63 - 1, help="another seed, another piece")
    steps: int | None = option(default=None, ge=0, le=100, help="adaptation steps", usual="as trained")


@options()
class MusicEvaluation(AdaptationOptions):
    """How a run of music is judged."""

    judge_hands: int = option(default=24, ge=0, help="hands to create for and judge; 0 leaves it out")


WORKS = WorksInput(
    MIDI, help="MIDI files by one hand", advice="Give a handful of pieces by one hand: five say most of it."
)
COMPOSERS = WORKS._replace(
    labels="hands", least=2, most=200, most_hands=MAX_COMPOSERS, help="one folder of MIDI files for each composer",
    advice="Give a handful of tunes by each composer.",
)  # fmt: skip


CREATE = Use(
    verb="create",
    about="Adapt to one to twenty MIDI files and compose.",
    story="""\
Adapts the model to 1 to 20 MIDI files by one hand and composes a new piece in it.

    curl -F examples=@a.mid -F examples=@b.mid -F 'options={"bars": 16, "seed": 7}' \\
         -o new.mid http://127.0.0.1:8000{route}

The same files and options give the same bytes, whatever else is asked meanwhile. The answer's headers
`Metaart-Run`, `Metaart-Bars` and `Metaart-Seed` say how to ask for it again.
""",
    options=ComposeOptions,
    example={"bars": 16, "temperature": 0.9, "top_p": 0.95, "seed": 1, "steps": 5},
    works=WORKS,
    inputs=(FileInput("primer", MIDI, "how the piece begins", required=False),),
    makes=MIDI,
    commands=("music",),
    default_out=Path("new.mid"),
    extras=(Extra("picture", PICTURE, "a piano roll of it beside an example"),),
    examples=("metaart create music --examples a.mid b.mid c.mid --bars 16 --seed 1 --out new.mid --picture new.png",),
    route="music",
    together=True,
)

JUDGE = Use(
    verb="judge",
    about="Say whose tune one is, of composers with a few tunes each, and which bars surprise.",
    story="",
    options=NoOptions,
    example={},
    works=COMPOSERS,
    inputs=(FileInput("work", MIDI, "what to judge"),),
    makes=JSON,
    commands=("critique",),
    out="json",
    examples=("metaart create critique --run runs/music --work tune.mid --examples-from composers",),
)

ART = Art(
    name="music",
    home=__name__,
    about="compose in the hand of a few pieces",
    works=WORKS,
    uses=(CREATE, JUDGE),
    evaluation=MusicEvaluation,
    blends=True,
)
