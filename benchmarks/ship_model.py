"""Puts a trained and evaluated run of music into the package as the model that ships, with its card."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from metaart.config import RunConfig
from metaart.errors import UserError
from metaart.evaluation.judging import judgement_table
from metaart.evaluation.report import text
from metaart.training.checkpoint import load_json, save_text
from metaart.training.run import CONFIG, WEIGHTS, load_algorithm

MOST_BYTES = 5_000_000
FILES = (CONFIG, WEIGHTS, "tokenizer.json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Copy the run's files and write the card; 2 where the run cannot ship."""
    options = _options(arguments)
    try:
        ship(options.run, options.to)
    except UserError as error:
        print(f"ship-model: {error}", file=sys.stderr)
        return 2
    print(f"{options.to}: {', '.join(FILES)}, README.md")
    return 0


def ship(run: Path, to: Path) -> None:
    """Copy what is needed to use a run and write its card.

    Raises:
        UserError: a damaged run, data that is not free to use, or more than `MOST_BYTES`.
    """
    config, _, algorithm = load_algorithm(run)
    data = load_json(Path(config.data) / "metadata.json")
    if data["licence"] != "permissive":
        raise UserError(
            expected="a run trained on works without known restrictions",
            got=f"one trained on {config.data}, prepared with --licence {data['licence']}",
            fix="Prepare with --licence permissive and train on that.",
        )
    size = sum((run / name).stat().st_size for name in FILES)
    if size > MOST_BYTES:
        raise UserError(expected=f"at most {MOST_BYTES:,} bytes", got=f"{size:,}", fix="Train a smaller network.")
    to.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(run / name, to / name)
    parameters = sum(value.numel() for value in algorithm.parameters())
    save_text(to / "README.md", card(config, data, load_json(run / "evaluation.json"), size, parameters))


def card(config: RunConfig, data: dict[str, Any], evaluation: dict[str, Any], size: int, parameters: int) -> str:
    """The model card as Markdown."""
    licences = sorted({name for group in data["groups"] for name in group["licences"]})
    groups = {split: ", ".join(data["traditions"][split]) for split in ("train", "validation", "test")}
    settings = f"--set pretrain.steps={config.pretrain.steps} --set meta.steps={config.meta.steps}"
    counts = data["counts"]
    flags = f"--steps {' '.join(map(str, evaluation['steps']))}"
    if "from scratch on the support set" not in evaluation["methods"]:
        flags += " --tuning-only"
    return f"""# The music model that ships with metaart

A recurrent language model of scores ({parameters:,} parameters, {size / 1e6:.1f} MB), meta-trained to adapt to the hand
of a few pieces: five examples say most of it. `metaart create music` and the service use it where no run is named.

## Use and limits

It composes single-part piano scores in the style of notated European folk tunes, dances and old polyphony; hands far
from those adapt less well. It can repeat passages of its examples (the share is measured below). It knows no
instruments, dynamics or lyrics. What it writes in the hand of a living composer is that composer's concern too: ask.

## Data

{counts["works"]:,} works in {counts["groups"]} groups of the corpus of the `music21` package, without those that carry
any known restriction. Traditions trained on: {groups["train"]}; for validation: {groups["validation"]}; never seen:
{groups["test"]}. Licence notes of the works: {"; ".join(licences)}. No work is stored with the model.

## Commands

```text
metaart data prepare music --licence permissive --out data/music-permissive
metaart train music --data data/music-permissive --out runs/shipped {settings}
metaart evaluate runs/shipped --data data/music {flags}
scripts/bench ship-model runs/shipped
```

## Evaluation

{text(evaluation).strip()}

{judgement_table(evaluation["created"]).strip() if "created" in evaluation else ""}
"""


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench ship-model",
        description="Copies config, weights and tokenizer of a run into the package and writes the model card from the "
        "run's evaluation.json.",
        epilog="example: scripts/bench ship-model runs/shipped",
    )
    parser.add_argument("run", type=Path, help="run directory, trained with --licence permissive, and evaluated")
    parser.add_argument("--to", type=Path, default=Path("metaart/models/music"), help="where to (metaart/models/music)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
