"""What is offered of a toy art: write verses in the hand of a poet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaart.artists.art import Art, Evaluation, Made, Request, Use
from metaart.artists.works import Work, WorksInput
from metaart.evaluation.options import AdaptationOptions
from metaart.options import option, options
from tests.verse.medium import TEXT

if TYPE_CHECKING:
    from metaart.artists.artist import Support
    from metaart.artists.run import Run
    from metaart.domains.base import Domain


@options()
class VerseOptions:
    """What may be asked of a verse."""

    letters: int = option(default=30, ge=1, le=200, help="length of the verse", unit="letters")
    seed: int = option(default=1, ge=0, le=2**63 - 1, help="another seed, another verse")
    steps: int | None = option(default=None, ge=0, le=100, help="adaptation steps", usual="as trained")


def _read(domain: Domain, work: Work) -> Any:
    from tests.verse.medium import tokens_of

    return tokens_of(work.data, work.name)


def _support(domain: Domain, verses: Sequence[Any], works: Sequence[Work]) -> Support:
    from metaart.artists.artist import Support
    from metaart.sequences.windows import window

    return Support({"tokens": window(verses, domain.config.max_letters)})  # type: ignore[attr-defined]


def _create(run: Run | None, requests: Sequence[Request]) -> list[Made]:
    from tests.verse.create import create

    assert run is not None
    return create(run, requests)


def _evaluate(run: Run, asked: AdaptationOptions, out: Path, keep: Any) -> Any:
    from tests.verse.evaluate import evaluate

    return evaluate(run, asked, out)


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
    make=_create,
    commands=("verse",),
    default_out=Path("new.txt"),
    examples=("metaart create verse --examples a.txt b.txt --letters 30",),
    route="verse",
    together=True,
)

ART = Art(
    name="verse",
    about="write verses in the hand of a poet",
    works=WORKS,
    read=_read,
    support=_support,
    uses=(CREATE,),
    evaluation=Evaluation(AdaptationOptions, _evaluate),
    blends=True,
)
