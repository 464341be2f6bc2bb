"""The command line: `metaart data|train|evaluate|create|draw`; `metaart COMMAND --help` teaches each."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import metaart
from metaart.data.commands import add_data
from metaart.errors import UserError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

KEYS_HELP = """\
Any value of the run can be set by its path: --set meta.steps=500 --set algorithm.order=2 --set algorithm.alpha=0.01
--set domain.new_hands.invert=false --set batching.mode=vmap. `metaart train NAME --show` prints them all.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 if it did what was asked, 2 for bad input, 130 if it was interrupted."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except UserError as error:
        print(f"metaart: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        print("metaart: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="metaart", description=metaart.__doc__)
    parser.add_argument("--version", action="version", version=metaart.__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_data(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_create(commands)
    _add_draw(commands)
    return parser


def _command(commands: Commands, name: str, about: str, epilog: str = "") -> argparse.ArgumentParser:
    return commands.add_parser(
        name, help=about, description=about, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def _add_data(commands: Commands) -> None:
    add_data(_command(commands, "data", "Prepare works for learning, show what was prepared, or write it as files."))


def _add_train(commands: Commands) -> None:
    from metaart.recipes import RECIPES

    listed = "\n".join(f"  {name:10} {(make.__doc__ or '').splitlines()[0]}" for name, make in RECIPES.items())
    train = _command(
        commands,
        "train",
        "Meta-train a recipe in this process (python -m cluster.train does it on many).",
        f"Recipes:\n{listed}\n\n{KEYS_HELP}",
    )
    train.add_argument("recipe", help="one of the recipes below")
    train.add_argument("--data", help="prepared folder; the recipe's own (data/music) if left out")
    train.add_argument("--out", type=Path, help="run directory (runs/RECIPE)")
    train.add_argument("--start-from", type=Path, metavar="RUN", help="take over the pooled weights of another run")
    train.add_argument("--resume", action="store_true", help="go on with the run that is there, from its checkpoint")
    train.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE", help="see below")
    train.add_argument("--show", action="store_true", help="print the configuration and stop")
    train.set_defaults(run=_train)


def _add_evaluate(commands: Commands) -> None:
    evaluate = _command(
        commands,
        "evaluate",
        "Judge a run on test hands beside its rivals, on the same episodes; and judge what it creates.",
        "Writes evaluation.json, evaluation.md, evaluation.png and created.png into the run (or --out).\n\n"
        "  metaart evaluate runs/music --data data/music\n"
        "  metaart evaluate runs/music --also three=runs/music-3 --rival pooled=runs/pooled --rival plain=runs/plain",
    )
    evaluate.add_argument("run_directory", type=Path, metavar="RUN", help="run directory of the meta-learner")
    evaluate.add_argument("--data", type=Path, help="prepared folder, if not the one the run was trained on")
    evaluate.add_argument("--episodes", type=int, default=600, help="test episodes (600)")
    evaluate.add_argument("--validation-episodes", type=int, default=120, help="for choosing the rivals' rates (120)")
    evaluate.add_argument(
        "--steps", type=int, nargs="+", default=[0, 1, 3, 5, 10, 20], help="adaptation steps reported"
    )
    evaluate.add_argument("--also", action="append", default=[], metavar="NAME=RUN", help="one more meta-learner")
    evaluate.add_argument(
        "--rival", action="append", default=[], metavar="NAME=RUN", help="fine-tune the pooled model of this run"
    )
    evaluate.add_argument(
        "--tuning-only", action="store_true", help="leave out what starts from nothing: from scratch, bigrams"
    )
    evaluate.add_argument("--judge-hands", type=int, default=24, help="hands to create for and judge; 0 leaves it out")
    evaluate.add_argument("--out", type=Path, help="folder for the results (RUN)")
    evaluate.set_defaults(run=_evaluate)


def _add_create(commands: Commands) -> None:
    create = _command(commands, "create", "Adapt to a few works and create a new one in their hand.")
    arts = create.add_subparsers(required=True, metavar="ART")
    music = _command(
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
    music.set_defaults(run=_create_music)


def _add_draw(commands: Commands) -> None:
    draw = _command(commands, "draw", "Draw MIDI files as piano rolls, one below the other.")
    draw.add_argument("files", type=Path, nargs="+", metavar="MIDI", help="what to draw")
    draw.add_argument("--out", type=Path, default=Path("rolls.png"), help="picture to write (rolls.png)")
    draw.set_defaults(run=_draw)


def _train(options: argparse.Namespace) -> int:
    from metaart.config import override, to_json
    from metaart.recipes import recipe
    from metaart.training.journal import Journal, summary
    from metaart.training.loop import Interrupted, Place
    from metaart.training.run import prepare_run, start_from, train_run

    settings = [f"data={options.data}", *options.settings] if options.data else options.settings
    config = override(recipe(options.recipe), settings)
    if options.show:
        print(to_json(config))
        return 0
    out = options.out or Path("runs") / options.recipe
    prepare_run(config, out, resume=options.resume)
    if options.start_from is not None:
        start_from(config, out, options.start_from)
    totals = {"pretrain": config.pretrain.steps, "meta": config.meta.steps}
    try:
        with Journal(out, totals) as journal:
            place = Place(out, report=journal, log_every=config.log_every, checkpoint_every=config.checkpoint_every)
            train_run(config, place)
    except Interrupted as stop:
        print(f"metaart: {stop}. Go on with: the same command and --resume", file=sys.stderr)
        return 130
    print(f"{summary(out)}\n{out}: weights.safetensors, config.json, metrics.jsonl, curves.png")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from metaart import report
    from metaart.evaluation import EvaluationConfig, evaluate
    from metaart.judging import judge_run, judgement_table
    from metaart.training.checkpoint import save_text

    config = EvaluationConfig(
        episodes=options.episodes,
        validation_episodes=options.validation_episodes,
        steps=tuple(sorted(set(options.steps))),
        from_nothing=not options.tuning_only,
    )
    result = evaluate(
        options.run_directory,
        config,
        data=options.data,
        also=_named(options.also),
        rivals=_named(options.rival) or None,
    )
    out = options.out or options.run_directory
    out.mkdir(parents=True, exist_ok=True)
    written, words = ["evaluation.json", "evaluation.md", "evaluation.png"], report.text(result)

    def write() -> None:
        save_text(out / "evaluation.json", json.dumps(result, indent=1))
        save_text(out / "evaluation.md", words)

    report.plot(result, out / "evaluation.png")
    write()
    if options.judge_hands:
        try:
            result["created"] = judge_run(options.run_directory, data=options.data, hands=options.judge_hands)
        except UserError as error:
            words += f"\nWhat the run creates was not judged: {error}\n"
        else:
            words += "\n" + judgement_table(result["created"])
            report.plot_created(result["created"], out / "created.png")
            written.append("created.png")
        write()
    print(words)
    print(f"written to {out}: {', '.join(written)}")
    return 0


def _named(pairs: Sequence[str]) -> dict[str, Path]:
    named = {}
    for pair in pairs:
        name, separator, path = pair.partition("=")
        if not separator or not name:
            raise UserError(expected="NAME=RUN", got=repr(pair), fix="For example: --rival pooled=runs/pooled")
        named[name] = Path(path)
    return named


def _create_music(options: argparse.Namespace) -> int:
    from metaart.creation import create_music

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


def _draw(options: argparse.Namespace) -> int:
    from metaart.creation import draw

    draw(options.files, options.out)
    print(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
