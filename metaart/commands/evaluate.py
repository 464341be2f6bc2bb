"""The command `metaart evaluate`: what it takes follows from the evaluations of the arts; the run decides which."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from metaart.arts import ARTS, load
from metaart.commands.flags import add_flags, values_of
from metaart.errors import UserError
from metaart.evaluation.options import AdaptationOptions
from metaart.options import Described, described

EVALUATE_HELP = """\
Writes evaluation.json, evaluation.md and pictures into the run (or --out). A run's own calibration.json, by which
`metaart create critique` believes its answers, comes from the usual evaluation on its own data into its own folder.

  metaart evaluate runs/music --data data/music
  metaart evaluate runs/music --also three=runs/music-3 --rival pooled=runs/pooled --rival plain=runs/plain
  metaart evaluate runs/critique --also protonet=runs/critique-protonet --ways 10 --out runs/ten
  metaart evaluate runs/style --data data/paintings --gatys 100
"""


def add_evaluate(evaluate: argparse.ArgumentParser) -> None:
    """Add the options to the parser of `metaart evaluate`; it sets `run`, which takes the options and returns 0."""
    evaluate.add_argument("run_directory", type=Path, metavar="RUN", help="run directory of the meta-learner")
    add_flags(evaluate, all_fields())
    evaluate.add_argument("--out", type=Path, help="folder for the results (RUN)")
    evaluate.set_defaults(run=_evaluate)


def asked_of(art: str) -> type[Any]:
    """The options of an art's evaluation; those of loss against adaptation steps, where it has none of its own."""
    return ARTS[art].evaluation or AdaptationOptions


def all_fields() -> dict[str, Described]:
    """What any evaluation takes; the help of what not all take names the arts that do."""
    by_art = {art: described(asked_of(art)) for art in ARTS}
    found: dict[str, Described] = {}
    for name, field in ((name, field) for fields in by_art.values() for name, field in fields.items()):
        takers = [art for art, fields in by_art.items() if name in fields]
        words = list(dict.fromkeys(by_art[art][name].help for art in takers))
        about = "; or ".join(words) if len(takers) == len(ARTS) else f"of {', '.join(takers)}: {'; or '.join(words)}"
        found.setdefault(name, field._replace(help=about))
    return found


def _evaluate(parsed: argparse.Namespace) -> int:
    from metaart.evaluation.report import keep
    from metaart.evaluation.usual import judge_adaptation
    from metaart.files import make_folder

    run = load(parsed.run_directory)
    kind = asked_of(run.art.name)
    refuse_others(parsed, run.art.name)
    asked = kind(**values_of(parsed, kind))
    out = make_folder(parsed.out or parsed.run_directory)
    keep_here = partial(keep, command=parsed.command, out=out)
    if run.art.evaluation is None:
        result, words, files = judge_adaptation(run, asked, out)
    else:
        result, words, files = run.art.evaluate(run, asked, out, keep_here)
    written = keep_here(result, words)
    parsed.only_prints = True
    print(words)
    print(f"written to {out}: {', '.join(written + files)}")
    return 0


def refuse_others(parsed: argparse.Namespace, art: str) -> None:
    """Refuse an option that only the evaluations of other arts take.

    Raises:
        UserError: one was given.
    """
    own = described(asked_of(art))
    for name, field in all_fields().items():
        if name not in own and getattr(parsed, name) is not None:
            takers = [other for other in ARTS if name in described(asked_of(other))]
            raise UserError(
                expected=f"options that the evaluation of {art} takes",
                got=f"{field.flag}, which is for {' and '.join(takers)}",
                fix="Leave it out.",
            )
