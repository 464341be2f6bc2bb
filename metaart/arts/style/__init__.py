"""Style: redraw photographs in the hand of a few pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from metaart.artists.art import Art, FileInput, Use
from metaart.artists.works import WorksInput
from metaart.errors import UserError
from metaart.evaluation.options import EvaluateOptions
from metaart.formats.pictures import PHOTOGRAPH, PICTURE
from metaart.options import option, options

MAX_SIDE = 2048
"""Of a picture that is stylised, px."""

MAX_STEPS = 100
"""Of the adaptation."""


@options()
class StyleOptions:
    """What may be asked of a redrawn photograph."""

    strength: float = option(default=1.0, ge=0, le=1, help="from the photograph, 0, to the style, 1")
    keep_colour: bool = option(default=False, help="take the style's light and dark alone")
    side: int = option(
        default=MAX_SIDE, ge=16, le=MAX_SIDE, unit="px", usual=f"{MAX_SIDE}; of gatys 512",
        help="longest side of the answer; a larger photograph is scaled down to it",
    )  # fmt: skip
    steps: int | None = option(
        default=None, ge=0, usual="as trained; of gatys 100", help=f"adaptation steps, at most {MAX_STEPS}"
    )
    method: Literal["meta", "gatys"] = option(
        default="meta", help="a network that adapts, or pixels optimised anew for each photograph", local=True
    )
    loss_network: str | None = option(
        default=None, usual="efficientnet", help="of gatys: efficientnet, random-vgg, vgg19:PATH", local=True
    )

    def __post_init__(self) -> None:
        if self.method == "meta" and self.loss_network is not None:
            raise UserError(
                expected="--loss-network with --method gatys alone",
                got="--method meta",
                fix="A run has the loss network it was trained with.",
            )
        if self.method == "meta" and (self.steps or 0) > MAX_STEPS:
            raise UserError(
                expected=f"steps to be a whole number from 0 to {MAX_STEPS}",
                got=repr(self.steps),
                fix="Leave steps out for the number the run was trained for.",
            )


@options()
class StyleEvaluation(EvaluateOptions):
    """How a run of style is judged."""

    episodes: int = option(default=600, ge=1, help="styles of the test hands, at most")
    steps: tuple[int, ...] = option(default=(0, 1, 3, 5, 10, 20), help="adaptation steps reported")
    photographs: int = option(default=2, ge=1, help="photographs redrawn in each style")
    size: int = option(default=96, ge=16, unit="px", help="side of what is redrawn")
    gatys: tuple[int, ...] = option(default=(50, 100, 500), help="steps of the classical way reported")


WORKS = WorksInput(PICTURE, help="pictures by one hand", advice="Give one to five pictures by one hand.")


def _by_pixels(asked: StyleOptions) -> bool:
    return asked.method == "gatys"


CREATE = Use(
    verb="create",
    about="Adapt to one to twenty pictures by one hand and redraw photographs.",
    story=f"""\
Adapts the model to 1 to 20 pictures by one hand and redraws a photograph in it.

    curl -F photograph=@me.jpg -F examples=@a.png -F examples=@b.png -F 'options={{"strength": 0.8}}' \\
         -o new.png http://127.0.0.1:8000{{route}}

The answer is a PNG of the photograph's size, at most {MAX_SIDE} px a side.
""",
    options=StyleOptions,
    example={"strength": 1.0, "keep_colour": False, "side": 2048, "steps": 5},
    works=WORKS,
    inputs=(FileInput("photograph", PHOTOGRAPH, "what is redrawn", flag="photographs", each=True),),
    makes=PICTURE,
    commands=("style",),
    default_out=Path("new.png"),
    examples=(
        "metaart create style --examples a.jpg b.jpg --photographs garden.jpg --out new.png",
        "metaart create style --examples a.jpg --blend c.jpg d.jpg --photographs *.jpg --out pictures --strength 0.7",
    ),
    route="style",
    without_run=_by_pixels,
)

ART = Art(
    name="style",
    home=__name__,
    about="redraw photographs in the hand of a few pictures",
    works=WORKS,
    uses=(CREATE,),
    evaluation=StyleEvaluation,
    blends=True,
)
