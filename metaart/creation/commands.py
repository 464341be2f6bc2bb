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
    from metaart.creation.music import create_music

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


CREATIONS: dict[str, Callable[[Arts], None]] = {"music": _add_music}
"""What adds the command of an art, by the art's name."""
