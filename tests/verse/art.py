"""What is offered of a toy art: write verses in the hand of a poet."""

from __future__ import annotations

from pathlib import Path

from metaart.artists.art import Art, Use
from metaart.artists.works import WorksInput
from metaart.evaluation.options import AdaptationOptions
from metaart.options import option, options
from tests.verse.medium import TEXT


@options()
class VerseOptions:
    """What may be asked of a verse."""

    letters: int = option(default=30, ge=1, le=200, help="length of the verse", unit="letters")
    seed: int = option(default=1, ge=0, le=2**63 - 1, help="another seed, another verse")
    steps: int | None = option(default=None, ge=0, le=100, help="adaptation steps", usual="as trained")


WORKS = WorksInput(TEXT, help="verses by one poet")

CREATE = Use(
    verb="create",
    about="Adapt to one to twenty verses and write one more.",
    story="Adapts the model to verses by one poet and writes one more.\n\n"
    "    curl -F examples=@a.txt -F 'options={\"letters\": 30}' http://127.0.0.1:8000{route}\n",
    options=VerseOptions,
    example={"letters": 30, "seed": 7},
    works=WORKS,
    inputs=(),
    makes=TEXT,
    commands=("verse",),
    default_out=Path("new.txt"),
    examples=("metaart create verse --examples a.txt b.txt --letters 30",),
    route="verse",
    together=True,
)

ART = Art(
    name="verse",
    home="tests.verse",
    about="write verses in the hand of a poet",
    works=WORKS,
    uses=(CREATE,),
    evaluation=AdaptationOptions,
    blends=True,
)
