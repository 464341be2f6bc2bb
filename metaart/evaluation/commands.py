"""The command `metaart evaluate`: what it takes, and which evaluation an art form has."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from metaart.errors import UserError

Evaluated = tuple[dict[str, Any], str, list[str]]
"""What came out, the same as Markdown, and the names of the pictures that were drawn."""

EVALUATE_HELP = """\
Writes evaluation.json, evaluation.md and pictures into the run (or --out).

  metaart evaluate runs/music --data data/music
  metaart evaluate runs/music --also three=runs/music-3 --rival pooled=runs/pooled --rival plain=runs/plain
  metaart evaluate runs/critique --also protonet=runs/critique-protonet --ways 10
  metaart evaluate runs/style --data data/paintings --gatys 100
"""


def add_evaluate(evaluate: argparse.ArgumentParser) -> None:
    """Add the options to the parser of `metaart evaluate`; it sets `run`, which takes the options and returns 0."""
    evaluate.add_argument("run_directory", type=Path, metavar="RUN", help="run directory of the meta-learner")
    evaluate.add_argument("--data", help="prepared folder or its URL, if not the one the run was trained on")
    evaluate.add_argument("--episodes", type=int, default=600, help="test episodes; of style: styles at most (600)")
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
    evaluate.add_argument(
        "--ways", type=int, default=5,
        help="of critique: hands in an episode; the calibration kept beside the run is of as many (5)",
    )  # fmt: skip
    evaluate.add_argument("--photographs", type=int, default=2, help="of style: photographs redrawn in each style (2)")
    evaluate.add_argument("--size", type=int, default=96, help="of style: side of what is redrawn, px (96)")
    evaluate.add_argument(
        "--gatys", type=int, nargs="+", default=[50, 100, 500], help="of style: steps of the classical way reported"
    )
    evaluate.add_argument("--out", type=Path, help="folder for the results (RUN)")
    evaluate.set_defaults(run=_evaluate)


def named_runs(pairs: Sequence[str]) -> dict[str, Path]:
    """The runs of options NAME=RUN.

    Raises:
        UserError: one of them is not of that form.
    """
    named = {}
    for pair in pairs:
        name, separator, path = pair.partition("=")
        if not separator or not name:
            raise UserError(expected="NAME=RUN", got=repr(pair), fix="For example: --rival pooled=runs/pooled")
        named[name] = Path(path)
    return named


def _evaluate(options: argparse.Namespace) -> int:
    from metaart.domains import art_of
    from metaart.evaluation.report import keep
    from metaart.training.run import load_config

    config, _ = load_config(options.run_directory)
    out = options.out or options.run_directory
    out.mkdir(parents=True, exist_ok=True)
    result, words, drawn = EVALUATIONS.get(art_of(config.domain), _adaptation)(options, out)
    written = keep(result, words, options.command, out)
    print(words)
    print(f"written to {out}: {', '.join(written + drawn)}")
    return 0


def _adaptation(options: argparse.Namespace, out: Path) -> Evaluated:
    """Loss against adaptation steps, and a judgement of what is created: the evaluation of most arts."""
    from metaart.evaluation import report
    from metaart.evaluation.adaptation import EvaluationConfig, evaluate
    from metaart.evaluation.judging import judge_run, judgement_table

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
        also=named_runs(options.also),
        rivals=named_runs(options.rival) or None,
        out=out,
    )
    words, drawn = report.text(result), ["evaluation.png"]
    report.plot(result, out / "evaluation.png")
    if options.judge_hands:
        report.keep(result, words, options.command, out)  # judging takes its time
        try:
            result["created"] = judge_run(options.run_directory, data=options.data, hands=options.judge_hands)
        except UserError as error:
            words += f"\nWhat the run creates was not judged: {error}\n"
        else:
            words += "\n" + judgement_table(result["created"])
            report.plot_created(result["created"], out / "created.png")
            drawn.append("created.png")
    return result, words, drawn


def _critique(options: argparse.Namespace, out: Path) -> Evaluated:
    """Attribution or rating, whichever question the run answers."""
    from metaart.evaluation.critique import evaluate_critique

    return evaluate_critique(
        options.run_directory,
        out=out,
        data=options.data,
        also=named_runs(options.also),
        episodes=options.episodes,
        validation_episodes=options.validation_episodes,
        ways=options.ways,
    )


def _stylisation(options: argparse.Namespace, out: Path) -> Evaluated:
    """Every picture of the test hands as a style: the objective, the seconds, and pictures of what came out."""
    from metaart.evaluation import stylisation_report as report
    from metaart.evaluation.stylisation import StylisationConfig, evaluate

    config = StylisationConfig(
        styles=options.episodes,
        photographs=options.photographs,
        size=options.size,
        steps=tuple(sorted(set(options.steps))),
        gatys_steps=tuple(sorted(set(options.gatys))),
    )
    result, subjects, photographs, trials = evaluate(
        options.run_directory, config, data=options.data, also=named_runs(options.also)
    )
    report.plot(result, out / "evaluation.png")
    drawn = report.draw(result, subjects, photographs, trials, out)
    return result, report.text(result), ["evaluation.png", *drawn]


EVALUATIONS: dict[str, Callable[[argparse.Namespace, Path], Evaluated]] = {"style": _stylisation, "critique": _critique}
"""The evaluations of arts that are judged in terms of their own, by the art's name; the others have `_adaptation`.

Each takes the options and the folder for its pictures.
"""
