"""The command line: `metaart list|data|train|evaluate|adapt|create|draw`; `metaart COMMAND --help` teaches each."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import metaart
from metaart.commands.adapt import ADAPT_HELP, add_adapt
from metaart.commands.create import add_create
from metaart.commands.data import add_data
from metaart.commands.evaluate import EVALUATE_HELP, add_evaluate
from metaart.errors import UserError

KEYS_HELP = """\
Any value of the run can be set by its path: --set meta.steps=500 --set algorithm.order=2 --set algorithm.alpha=0.01
--set domain.new_hands.invert=false --set batching.mode=vmap. `metaart train NAME --show` prints them all.
"""
UNREAD = 141
"""What a shell calls the end of a process that wrote to a pipe without a reader."""


class _Parser(argparse.ArgumentParser):
    """One whose epilog may be made when help is printed: what it lists may take seconds to load."""

    listed: Callable[[], str] | None = None

    def format_help(self) -> str:
        if self.listed is not None:
            self.epilog = self.listed()
        return super().format_help()


if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[_Parser]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 if it did what was asked, 2 for bad input, 130 if it was interrupted, 141 if it stopped because nobody reads
        what it says.
    """
    options = _parser().parse_args(arguments)
    options.command = shlex.join(["metaart", *(sys.argv[1:] if arguments is None else arguments)])
    code: int | None = None
    try:
        code = int(options.run(options))
        print(end="", flush=True)  # a reader who has gone is noticed here, not when the interpreter ends
        return code
    except UserError as error:
        print(f"metaart: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return code if code is not None else 0 if options.only_prints else UNREAD
    except KeyboardInterrupt:
        print("metaart: interrupted", file=sys.stderr)
        return 130
    finally:
        _write_to_nobody()


def _write_to_nobody() -> None:
    """What stdout and stderr hold and cannot be rid of goes nowhere: the interpreter would stumble over it."""
    for stream in filter(None, (sys.stdout, sys.stderr)):  # None where it was closed from the start
        try:
            stream.flush()
        except BrokenPipeError:
            with open(os.devnull, "wb") as nobody:
                os.dup2(nobody.fileno(), stream.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="metaart", description=(metaart.__doc__ or "").splitlines()[0])
    parser.add_argument("--version", action="version", version=metaart.__version__)
    parser.set_defaults(only_prints=False)  # True where nothing is lost if nobody reads what is printed from here on
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_list(commands)
    _add_data(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_adapt(commands)
    _add_create(commands)
    _add_draw(commands)
    return parser


def _command(commands: Commands, name: str, about: str, epilog: str = "") -> _Parser:
    return commands.add_parser(
        name, help=about, description=about, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def _add_list(commands: Commands) -> None:
    about = "Print the arts, and for each its recipes, sources and algorithms."
    _command(commands, "list", about).set_defaults(run=_list, only_prints=True)


def _add_data(commands: Commands) -> None:
    add_data(_command(commands, "data", "Prepare works for learning, show what was prepared, or write it as files."))


def _add_train(commands: Commands) -> None:
    about = "Meta-train a recipe in this process (python -m cluster.train does it on many)."
    train = _command(commands, "train", about)
    train.listed = _recipes
    train.add_argument("recipe", nargs="?", help="one of the recipes below")
    train.add_argument("--recipe-file", type=Path, metavar="JSON", help="a recipe as a file: a sweep's best.json")
    train.add_argument("--data", help="prepared folder, or its URL; the recipe's own (data/music) if left out")
    train.add_argument("--out", type=Path, help="run directory (runs/RECIPE)")
    train.add_argument("--start-from", type=Path, metavar="RUN", help="take over the pooled weights of another run")
    train.add_argument("--resume", action="store_true", help="go on with the run that is there, from its checkpoint")
    train.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE", help="see below")
    train.add_argument("--show", action="store_true", help="print the configuration and stop")
    train.set_defaults(run=_train)


def _recipes() -> str:
    from metaart.recipes import RECIPES

    listed = "\n".join(f"  {name:10} {(make.__doc__ or '').splitlines()[0]}" for name, make in RECIPES.items())
    return f"Recipes:\n{listed}\n\n{KEYS_HELP}"


def _add_evaluate(commands: Commands) -> None:
    about = "Judge a run on test hands beside its rivals, on the same episodes; and judge what it creates."
    add_evaluate(_command(commands, "evaluate", about, EVALUATE_HELP))


def _add_adapt(commands: Commands) -> None:
    about = "Adapt a run to a few works and keep the artist that came of it."
    add_adapt(_command(commands, "adapt", about, ADAPT_HELP))


def _add_create(commands: Commands) -> None:
    add_create(_command(commands, "create", "Adapt to a few works and create a new one in their hand."))


def _add_draw(commands: Commands) -> None:
    draw = _command(commands, "draw", "Draw MIDI files as piano rolls, one below the other.")
    draw.add_argument("files", type=Path, nargs="+", metavar="MIDI", help="what to draw")
    draw.add_argument("--out", type=Path, default=Path("rolls.png"), help="picture to write (rolls.png)")
    draw.set_defaults(run=_draw)


def _list(options: argparse.Namespace) -> int:  # noqa: ARG001
    from metaart.listing import listing

    print(listing())
    return 0


def _train(options: argparse.Namespace) -> int:
    from metaart.config import override, to_json
    from metaart.files import only_writer
    from metaart.recipes import recipe_or_file
    from metaart.training.context import Interrupted, TrainContext
    from metaart.training.journal import Journal, summary
    from metaart.training.plan import plan_run
    from metaart.training.run import prepare_run, take_over_pooled, train_run

    settings = [f"data={options.data}", *options.settings] if options.data else options.settings
    config = override(recipe_or_file(options.recipe, options.recipe_file), settings)
    if options.show:
        print(to_json(config))
        return 0
    out = options.out or Path("runs") / config.recipe
    plan = plan_run(config, out, start_from=options.start_from)
    with only_writer(out):
        prepare_run(plan, resume=options.resume)
        take_over_pooled(plan)
        try:
            with Journal(out, {name: stage.steps for name, stage in config.stages.items()}) as journal:
                train_run(plan, TrainContext.of(config, report=journal))
        except Interrupted as stop:
            print(f"metaart: {stop}. Go on with: the same command and --resume", file=sys.stderr)
            return 130
    options.only_prints = True
    print(f"{summary(out)}\n{out}: weights.safetensors, config.json, metrics.jsonl, curves.png")
    return 0


def _draw(options: argparse.Namespace) -> int:
    from metaart.arts.music.create import draw

    draw(options.files, options.out)
    print(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
