"""The command `metaart create ART`: what each art takes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Arts = argparse._SubParsersAction[argparse.ArgumentParser]


def add_create(create: argparse.ArgumentParser) -> None:
    """Add a command for each art; each sets `run`, which takes the options and returns 0."""
    arts = create.add_subparsers(required=True, metavar="ART")
    for add in CREATIONS.values():
        add(arts)


def _art(arts: Arts, name: str, about: str, epilog: str) -> argparse.ArgumentParser:
    return arts.add_parser(
        name, help=about, description=about, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def _add_music(arts: Arts) -> None:
    music = _art(
        arts,
        "music",
        "Adapt to one to twenty MIDI files and compose.",
        "  metaart create music --examples a.mid b.mid c.mid --bars 16 --seed 1 --out new.mid --picture new.png",
    )
    music.add_argument("--run", dest="model", type=Path, help="run directory (the model that ships with metaart)")
    music.add_argument("--examples", type=Path, nargs="+", required=True, metavar="MIDI", help="works to learn from")
    music.add_argument("--primer", type=Path, metavar="MIDI", help="how the piece begins")
    music.add_argument("--bars", type=int, default=16, help="length, 1 to 128 (16)")
    music.add_argument("--temperature", type=float, default=0.9, help="above 0 to 2; lower is safer (0.9)")
    music.add_argument("--top-p", type=float, default=0.95, help="above 0 to 1; lower is safer (0.95)")
    music.add_argument("--steps", type=int, help="adaptation steps (those the run was trained for)")
    music.add_argument("--seed", type=int, default=1, help="another seed, another piece (1)")
    music.add_argument("--out", type=Path, default=Path("new.mid"), help="MIDI file to write (new.mid)")
    music.add_argument("--picture", type=Path, metavar="PNG", help="also draw a piano roll of it beside an example")
    music.set_defaults(run=_music)


def _music(options: argparse.Namespace) -> int:
    from metaart.arts.music.create import create_music

    done = create_music(
        examples=options.examples,
        out=options.out,
        run=options.model,
        primer=options.primer,
        picture=options.picture,
        steps=options.steps,
        **{name: getattr(options, name) for name in ("bars", "temperature", "top_p", "seed")},
    )
    print(done)
    return 0


def _add_critique(arts: Arts) -> None:
    critique = _art(
        arts,
        "critique",
        "Judge a picture by examples: whose hand is it, or how would this curator rate it; and say why.",
        "  metaart create critique --work new.png --examples-from hands --heat-map why.png\n"
        "  metaart create critique --run runs/rating --work new.png --ratings scores.csv --json judged.json",
    )
    critique.add_argument("--run", dest="model", type=Path, help="run directory (the model that ships with metaart)")
    critique.add_argument("--work", type=Path, required=True, metavar="FILE", help="what to judge")
    given = critique.add_mutually_exclusive_group(required=True)
    given.add_argument("--examples-from", type=Path, metavar="DIR", help="one sub-folder of works for each hand")
    given.add_argument("--ratings", type=Path, metavar="CSV", help="a curator's scores from 1 to 10: file,score")
    critique.add_argument("--heat-map", type=Path, metavar="PNG", help="also draw where the evidence lies")
    critique.add_argument("--json", type=Path, metavar="FILE", help="also write the judgement as JSON")
    critique.set_defaults(run=_critique)


def _critique(options: argparse.Namespace) -> int:
    from metaart.arts.critique.files import create_critique

    print(
        create_critique(
            options.work,
            run=options.model,
            examples_from=options.examples_from,
            ratings=options.ratings,
            heat_map=options.heat_map,
            json_file=options.json,
        )
    )
    return 0


def _add_style(arts: Arts) -> None:
    style = _art(
        arts,
        "style",
        "Adapt to one to twenty pictures by one hand and redraw photographs.",
        "  metaart create style --examples a.jpg b.jpg --photographs garden.jpg --out new.png\n"
        "  metaart create style --examples a.jpg --blend c.jpg d.jpg --photographs *.jpg --out pictures --strength 0.7",
    )
    style.add_argument("--run", dest="model", type=Path, help="run directory (the model that ships with metaart)")
    style.add_argument("--examples", type=Path, nargs="+", required=True, metavar="PICTURE", help="by one hand")
    style.add_argument("--blend", type=Path, nargs="+", action="append", default=[], metavar="PICTURE",
                       help="by one more hand, mixed with the first in equal parts; may be repeated")  # fmt: skip
    style.add_argument("--photographs", type=Path, nargs="+", required=True, metavar="PHOTO", help="what is redrawn")
    style.add_argument("--out", type=Path, default=Path("new.png"), help="PNG file, or a folder for several (new.png)")
    style.add_argument("--strength", type=float, default=1.0, help="from 0, the photograph, to 1, the style (1)")
    style.add_argument("--keep-colour", action="store_true", help="keep the colours of the photograph")
    style.add_argument("--side", type=int, default=2048, help="longest side of what is written, px (2048; gatys 512)")
    style.add_argument("--steps", type=int, help="adaptation steps (those the run was trained for; gatys 100)")
    style.add_argument("--method", choices=("meta", "gatys"), default="meta",
                       help="a network that adapts, or pixels optimised anew for each photograph (meta)")  # fmt: skip
    style.add_argument("--loss-network", metavar="NAME", help="of gatys: efficientnet, random-vgg, vgg19:PATH")
    style.set_defaults(run=_style)


def _style(options: argparse.Namespace) -> int:
    from metaart.arts.style.create import Wish, create_style

    done = create_style(
        examples=[options.examples, *options.blend],
        photographs=options.photographs,
        out=options.out,
        wish=Wish(options.strength, options.keep_colour, options.side, options.steps),
        run=options.model,
        method=options.method,
        loss_network=options.loss_network,
    )
    print(done)
    return 0


CREATIONS: dict[str, Callable[[Arts], None]] = {"critique": _add_critique, "music": _add_music, "style": _add_style}
"""What adds the command of an art, by the art's name."""
