"""Meta-learning against fine-tuning on music: runs every command of the study, then writes docs/results-music.md."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.music_report import write
from benchmarks.study import Command, carry_out, collect_evaluations, collect_runs, study_parser
from metaart.training.checkpoint import load_json

PLAIN = " ".join(f"--set domain.new_hands.{part}=false" for part in ("mode", "invert", "time", "durations"))
PLAIN += " --set domain.middle_share=0"

STUDY = (
    Command("data", "data prepare music --out data/music", "data/music/metadata.json"),
    Command(
        "base",
        "train music --out runs/base --set meta.steps=0",
        "runs/base/pooled.safetensors",
        "pooled model with new hands, where every meta-learner below starts",
    ),
    Command(
        "pooled",
        "train music --out runs/pooled --set meta.steps=0 --set pretrain.steps=16000",
        "runs/pooled/pooled.safetensors",
        "the rival: the same with the compute of the meta-learner, on one schedule of its own",
    ),
    Command(
        "plain",
        f"train music --out runs/plain --set meta.steps=0 --set pretrain.steps=10000 {PLAIN}",
        "runs/plain/pooled.safetensors",
        "the plain system: transposition alone",
    ),
    Command(
        "music",
        "train music --out runs/music --start-from runs/base",
        "runs/music/weights.safetensors",
        "the recipe: one step of Adam inside, a learned rate per weight, first order",
    ),
    Command(
        "five",
        "train music --out runs/five --start-from runs/base --set algorithm.steps=5 "
        "--set algorithm.query_loss_at=[1,3,5] --set meta.steps=200 --set meta.validate_every=50",
        "runs/five/weights.safetensors",
        "the same for more steps: the query loss after 1, 3 and 5",
    ),
    Command(
        "against-plain",
        "evaluate runs/music --also five=runs/five --rival plain=runs/plain --out runs/against-plain "
        "--steps 0 1 3 5 --tuning-only --judge-hands 0",
        "runs/against-plain/evaluation.json",
    ),
    Command(
        "against-pooled",
        "evaluate runs/music --also five=runs/five --rival pooled=runs/pooled --out runs/against-pooled "
        "--judge-hands 24",
        "runs/against-pooled/evaluation.json",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is not done yet, collect the results, write the document."""
    options = study_parser("music", "hours on a core").parse_args(arguments)
    return carry_out("music", STUDY, options, collect, write)


def collect() -> dict[str, Any]:
    """What the document is made of, out of the files of the runs."""
    data = load_json(Path("data/music/metadata.json"))
    return {
        "data": {"command": f"metaart {STUDY[0].line}", "counts": data["counts"], "traditions": data["traditions"]},
        "runs": collect_runs(STUDY),
        "evaluations": collect_evaluations(STUDY),
    }


if __name__ == "__main__":
    sys.exit(main())
