"""The command `metaart evaluate`: what it takes, and which evaluation an art form has."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from metaart.errors import UserError

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
    from metaart.training.run import load_config

    config, _ = load_config(options.run_directory)
    return EVALUATIONS.get(art_of(config.domain), _adaptation)(options)


def _adaptation(options: argparse.Namespace) -> int:
    """Loss against adaptation steps, and a judgement of what is created: the evaluation of most arts."""
    from metaart.evaluation import report
    from metaart.evaluation.adaptation import EvaluationConfig, evaluate
    from metaart.evaluation.judging import judge_run, judgement_table
    from metaart.training.checkpoint import save_text

    config = EvaluationConfig(
        episodes=options.episodes,
        validation_episodes=options.validation_episodes,
        steps=tuple(sorted(set(options.steps))),
        from_nothing=not options.tuning_only,
    )
    out = options.out or options.run_directory
    result = evaluate(
        options.run_directory,
        config,
        data=options.data,
        also=named_runs(options.also),
        rivals=named_runs(options.rival) or None,
        out=out,
    )
    out.mkdir(parents=True, exist_ok=True)
    written, words = ["evaluation.json", "evaluation.md", "evaluation.png"], report.text(result)

    def write() -> None:
        save_text(out / "evaluation.json", json.dumps({"command": options.command, **result}, indent=1))
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


def _critique(options: argparse.Namespace) -> int:
    """Attribution or rating, whichever question the run answers."""
    from metaart.evaluation.critique import evaluate_critique

    words, written = evaluate_critique(
        options.run_directory,
        out=options.out or options.run_directory,
        data=options.data,
        also=named_runs(options.also),
        episodes=options.episodes,
        validation_episodes=options.validation_episodes,
        ways=options.ways,
        command=options.command,
    )
    print(words)
    print(f"written to {options.out or options.run_directory}: {', '.join(written)}")
    return 0


def _stylisation(options: argparse.Namespace) -> int:
    """Every picture of the test hands as a style: the objective, the seconds, and pictures of what came out."""
    from metaart.evaluation import stylisation_report as report
    from metaart.evaluation.stylisation import StylisationConfig, evaluate
    from metaart.training.checkpoint import save_text

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
    out = options.out or options.run_directory
    out.mkdir(parents=True, exist_ok=True)
    save_text(out / "evaluation.json", json.dumps({"command": options.command, **result}, indent=1))
    save_text(out / "evaluation.md", report.text(result))
    report.plot(result, out / "evaluation.png")
    drawn = report.draw(result, subjects, photographs, trials, out)
    print(report.text(result))
    print(f"written to {out}: evaluation.json, evaluation.md, evaluation.png, {', '.join(drawn)}")
    return 0


EVALUATIONS: dict[str, Callable[[argparse.Namespace], int]] = {"style": _stylisation, "critique": _critique}
"""The evaluations of arts that are judged in terms of their own, by the art's name; the others have `_adaptation`."""
