"""The command `metaart evaluate`: what it takes, and which evaluation an art form has."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from metaart.errors import UserError

Evaluated = tuple[dict[str, Any], str, list[str]]
"""What came out, the same as Markdown, and the names of the pictures that were drawn."""

EVALUATE_HELP = """\
Writes evaluation.json, evaluation.md and pictures into the run (or --out). A run's own calibration.json, by which
`metaart create critique` believes its answers, comes from the usual evaluation on its own data into its own folder.

  metaart evaluate runs/music --data data/music
  metaart evaluate runs/music --also three=runs/music-3 --rival pooled=runs/pooled --rival plain=runs/plain
  metaart evaluate runs/critique --also protonet=runs/critique-protonet --ways 10 --out runs/ten
  metaart evaluate runs/style --data data/paintings --gatys 100
"""


def add_evaluate(evaluate: argparse.ArgumentParser) -> None:
    """Add the options to the parser of `metaart evaluate`; it sets `run`, which takes the options and returns 0.

    Options that only some arts take are None where they were not given; `Evaluation.takes` has what they are then.
    """
    evaluate.add_argument("run_directory", type=Path, metavar="RUN", help="run directory of the meta-learner")
    evaluate.add_argument("--data", help="prepared folder or its URL, if not the one the run was trained on")
    evaluate.add_argument("--episodes", type=int, default=600, help="test episodes; of style: styles at most (600)")
    evaluate.add_argument("--validation-episodes", type=int, help="for choosing rates, penalties, temperatures (120)")
    evaluate.add_argument("--steps", type=int, nargs="+", help="adaptation steps reported (0 1 3 5 10 20)")
    evaluate.add_argument("--also", action="append", default=[], metavar="NAME=RUN", help="one more meta-learner")
    evaluate.add_argument("--rival", action="append", metavar="NAME=RUN", help="fine-tune the pooled model of this run")
    evaluate.add_argument(
        "--tuning-only", action="store_true", default=None,
        help="leave out what starts from nothing: from scratch, bigrams",
    )  # fmt: skip
    evaluate.add_argument("--judge-hands", type=int, help="hands to create for and judge; 0 leaves it out (24)")
    evaluate.add_argument(
        "--ways", type=int, help="of attribution: hands in an episode; the run's own calibration is of 5 (5)"
    )
    evaluate.add_argument("--photographs", type=int, help="of style: photographs redrawn in each style (2)")
    evaluate.add_argument("--size", type=int, help="of style: side of what is redrawn, px (96)")
    evaluate.add_argument(
        "--gatys", type=int, nargs="+", help="of style: steps of the classical way reported (50 100 500)"
    )
    evaluate.add_argument("--out", type=Path, help="folder for the results (RUN)")
    evaluate.set_defaults(run=_evaluate)


def named_runs(pairs: Sequence[str]) -> dict[str, Path]:
    """The runs of options NAME=RUN.

    Raises:
        UserError: one of them is not of that form, or two have one name.
    """
    named = {}
    for pair in pairs:
        name, separator, path = pair.partition("=")
        if not separator or not name:
            raise UserError(expected="NAME=RUN", got=repr(pair), fix="For example: --rival pooled=runs/pooled")
        if name in named:
            raise UserError(
                expected="runs with names of their own", got=f"two called {name}", fix=f"Call one of them {name}-2."
            )
        named[name] = Path(path)
    return named


def _evaluate(options: argparse.Namespace) -> int:
    from metaart.domains import art_of
    from metaart.evaluation.report import keep
    from metaart.files import make_folder
    from metaart.training.run import load_config

    config, _ = load_config(options.run_directory)
    art = art_of(config.domain)
    settle(options, art)
    out = make_folder(options.out or options.run_directory)
    result, words, drawn = evaluation_of(art).judge(options, out)
    written = keep(result, words, options.command, out)
    options.only_prints = True
    print(words)
    print(f"written to {out}: {', '.join(written + drawn)}")
    return 0


def settle(options: argparse.Namespace, art: str) -> None:
    """Give the options of an art that were left out what they are then.

    Raises:
        UserError: an option that only other arts take was given.
    """
    from metaart.domains import DOMAINS

    takes = evaluation_of(art).takes
    for name in dict.fromkeys(name for one in (MOST, *EVALUATIONS.values()) for name in one.takes if name not in takes):
        if getattr(options, name) is not None:
            others = [other for other in DOMAINS if name in evaluation_of(other).takes]
            raise UserError(
                expected=f"options that the evaluation of {art} takes",
                got=f"--{name.replace('_', '-')}, which is for {' and '.join(others)}",
                fix="Leave it out.",
            )
    for name, otherwise in takes.items():
        if getattr(options, name) is None:
            setattr(options, name, otherwise)


def _adaptation(options: argparse.Namespace, out: Path) -> Evaluated:
    """Loss against adaptation steps, and a judgement of what is created: the evaluation of most arts."""
    from metaart.arts.music.created import judge_run, judgement_table
    from metaart.evaluation import report
    from metaart.evaluation.adaptation import EvaluationConfig, evaluate

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


def _music(options: argparse.Namespace, out: Path) -> Evaluated:
    """The same, and where it goes beside the run and is of its own data, how far its answers can be believed."""
    from metaart.arts.judging.confidence import FILE, save_calibration
    from metaart.arts.music import whose_tune as tunes
    from metaart.data.location import same_place
    from metaart.evaluation import report
    from metaart.training.run import load_config

    run, own_data = options.run_directory, load_config(options.run_directory)[0].data
    result, words, drawn = _adaptation(options, out)
    if not same_place(out, run) or (options.data is not None and not same_place(options.data, own_data)):
        return result, words, drawn
    report.keep(result, words, options.command, out)  # what took hours is safe before more is asked
    try:
        save_calibration(tunes.calibrated(run, tunes.CALIBRATION), run)
    except UserError as error:
        return result, words + f"\nWhat the run says of whose tune one is was not calibrated: {error}\n", drawn
    return result, words, [*drawn, FILE]


def _critique(options: argparse.Namespace, out: Path) -> Evaluated:
    """Attribution or rating, whichever question the run answers."""
    from metaart.arts.critique.evaluate_both import evaluate_critique

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
    from metaart.arts.style import report
    from metaart.arts.style.evaluate import StylisationConfig, evaluate

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


class Evaluation(NamedTuple):
    """How an art is judged.

    Attributes:
        judge: takes the options and the folder for its pictures.
        takes: the options that not every art takes, each with what it is where it was not given.
    """

    judge: Callable[[argparse.Namespace, Path], Evaluated]
    takes: dict[str, Any]


_STEPS: list[int] = [0, 1, 3, 5, 10, 20]
MOST = Evaluation(
    _adaptation,
    {"validation_episodes": 120, "steps": _STEPS, "rival": [], "tuning_only": False, "judge_hands": 24},
)
"""Of the arts that are not judged in terms of their own."""

EVALUATIONS: dict[str, Evaluation] = {
    "style": Evaluation(_stylisation, {"steps": _STEPS, "photographs": 2, "size": 96, "gatys": [50, 100, 500]}),
    "music": Evaluation(_music, MOST.takes),
    "critique": Evaluation(_critique, {"validation_episodes": 120, "ways": None}),
}
"""Of the arts that are, by the art's name."""


def evaluation_of(art: str) -> Evaluation:
    """How an art is judged."""
    return EVALUATIONS.get(art, MOST)
