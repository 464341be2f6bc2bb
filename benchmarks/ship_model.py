"""Puts a trained and evaluated run into the package as the model that ships for its recipe, with its card."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from metaart.arts.judging import confidence
from metaart.config import RunConfig, to_json
from metaart.errors import UserError
from metaart.files import save_text
from metaart.recipes import recipe
from metaart.training.checkpoint import load_json
from metaart.training.run import CONFIG, WEIGHTS, load_algorithm

MOST_BYTES = 5_000_000
FILES, WHERE_THERE = (CONFIG, WEIGHTS), ("tokenizer.json", confidence.FILE)


class About(NamedTuple):
    """What a card says that no file of the run does.

    Attributes:
        what: the model in half a sentence.
        use: what it is for, and what it is not.
        prepare: what makes its data, after `metaart data prepare`: of `RunConfig.data`, then of its photographs.
    """

    what: str
    use: str
    prepare: tuple[str, ...]


ABOUT = {
    "music": About(
        "A recurrent language model of scores, meta-trained to adapt to the hand of a few pieces: five examples say "
        "most of it",
        "It composes single-part piano scores in the style of notated European folk tunes, dances and old polyphony; "
        "hands far from those adapt less well. It can repeat passages of its examples (the share is measured below). "
        "It knows no instruments, dynamics or lyrics. What it writes in the hand of a living composer is that "
        "composer's concern too: ask.",
        ("music",),
    ),
    "critique": About(
        "A map of the features of EfficientNet-Lite0 and a last layer, meta-trained to tell whose hand a picture is "
        "from a few examples of each",
        "It was trained on icons and emoji; on other pictures it is worth what the examples make of it, and its "
        "probabilities are calibrated on drawings alone. It names the hand that a picture is likest to among those "
        "that it is given: that is no proof of authorship.",
        ("drawings",),
    ),
    "style": About(
        "A network that redraws photographs, meta-trained to adapt to the hand of a few pictures",
        "It was trained on emoji and on painted-over photographs of 64 pixels a side. It takes colours, strokes and "
        "texture from the examples, not what they show or how they are composed. What it draws in the hand of a "
        "living artist is that artist's concern too: ask.",
        ("drawings", "photographs"),
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Copy the run's files and write the card; 2 where the run cannot ship."""
    options = _options(arguments)
    try:
        to = ship(options.run, options.to)
    except UserError as error:
        print(f"ship-model: {error}", file=sys.stderr)
        return 2
    print(f"{to}: {', '.join(sorted(path.name for path in to.iterdir()))}")
    return 0


def ship(run: Path, to: Path | None = None) -> Path:
    """Copy what is needed to use a run and write its card; where to.

    Args:
        run: its directory, evaluated.
        to: metaart/models/RECIPE if left out.

    Raises:
        UserError: a damaged run, no card for its recipe, data that is not free to use, no evaluation, or more than
            `MOST_BYTES`.
    """
    config, _, algorithm = load_algorithm(run)
    if config.recipe not in ABOUT:
        raise UserError(
            expected=f"a run of {', '.join(ABOUT)}",
            got=f"one of {config.recipe}",
            fix="Write what its card shall say into ABOUT of benchmarks/ship_model.py.",
        )
    data = {folder: load_json(Path(folder) / "metadata.json") for folder in _folders(config)}
    for folder, about in data.items():
        if about["licence"] != "permissive":
            raise UserError(
                expected="a run trained on works without known restrictions",
                got=f"one trained on {folder}, prepared with --licence {about['licence']}",
                fix="Prepare with --licence permissive and train on that.",
            )
    evaluation = run / "evaluation.md"
    if not evaluation.is_file():
        raise UserError(expected="an evaluated run", got=f"no {evaluation}", fix=f"metaart evaluate {run}")
    command = load_json(run / "evaluation.json").get("command")
    if not command:
        raise UserError(
            expected="an evaluation that says what it was asked",
            got=f"{run / 'evaluation.json'} without a command",
            fix=f"metaart evaluate {run}",
        )
    # Some arts need more than weights; what is not there was not needed.
    names = [*FILES, *(name for name in WHERE_THERE if (run / name).exists())]
    size = sum((run / name).stat().st_size for name in names)
    if size > MOST_BYTES:
        raise UserError(expected=f"at most {MOST_BYTES:,} bytes", got=f"{size:,}", fix="Train a smaller network.")
    to = to or Path("metaart/models") / config.recipe
    to.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copy(run / name, to / name)
    parameters = sum(value.numel() for value in algorithm.parameters())
    # The run lay anywhere on one machine; a reader has another place for it.
    asked = " ".join("RUN" if word == str(run) else word for word in command.split(" "))
    judged = Judged(asked, evaluation.read_text(encoding="utf-8"))
    save_text(to / "README.md", card(config, data, judged, size, parameters))
    return to


class Judged(NamedTuple):
    """An evaluation: the command that asked for it, and its tables."""

    command: str
    tables: str


def card(config: RunConfig, data: dict[str, Any], judged: Judged, size: int, parameters: int) -> str:
    """The model card as Markdown; `data` is what each folder's metadata says."""
    about = ABOUT[config.recipe]
    prepared = [
        f"metaart data prepare {what} --licence permissive --out {folder}"
        for what, folder in zip(about.prepare, data, strict=False)
    ]
    settings = " ".join(f"--set {setting}" for setting in changed(config))
    return f"""# The {config.recipe} model that ships with metaart

{about.what} ({parameters:,} parameters, {size / 1e6:.1f} MB). `metaart create {config.recipe}` and the service use it
where no run is named.

## Use and limits

{about.use}

## Data

{chr(10).join(map(_data, about.prepare, data.values()))}

No work is stored with the model.

## Commands

```text
{chr(10).join(prepared)}
{f"metaart train {config.recipe} --data {config.data} --out RUN {settings}".strip()}
{judged.command}
scripts/bench ship-model RUN
```

## Evaluation

{judged.tables.strip()}
"""


def _folders(config: RunConfig) -> list[str]:
    """What a run learned from: its data, and the photographs that a run of style redraws."""
    return [config.data, *filter(None, [getattr(config.domain, "photographs", "")])]


def _data(what: str, prepared: dict[str, Any]) -> str:
    counts = prepared["counts"]
    licences = sorted({name for group in prepared["groups"] for name in group["licences"]})
    groups = {split: ", ".join(prepared["traditions"][split]) for split in ("train", "validation", "test")}
    return f"""- {what.capitalize()}: {counts["works"]:,} works in {counts["groups"]} groups, none that carries a known
  restriction. Trained on: {groups["train"]}; for validation: {groups["validation"]}; never seen: {groups["test"]}.
  Licence notes of the works: {"; ".join(licences)}."""


def changed(config: RunConfig) -> list[str]:
    """The settings of a run that differ from its recipe's, the data left out, as `--set` takes them."""
    usual = dict(_flat(json.loads(to_json(recipe(config.recipe)))))
    own = dict(_flat(json.loads(to_json(config))))
    return [
        f"{key.removesuffix('.kind')}={_setting(value)}"
        for key, value in own.items()
        if key != "data" and usual.get(key) != value
    ]


def _flat(values: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _setting(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).replace(" ", "")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench ship-model",
        description="Copies config, weights and what else a run needs into the package and writes the model card with "
        "the run's evaluation.",
        epilog="example: scripts/bench ship-model runs/shipped",
    )
    parser.add_argument("run", type=Path, help="run directory, trained with --licence permissive, and evaluated")
    parser.add_argument("--to", type=Path, metavar="DIR", help="where to (metaart/models/RECIPE)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
