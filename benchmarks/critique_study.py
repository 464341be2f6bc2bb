"""Critique beside frozen features: runs every command of the study, then writes docs/results-critique.md."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.critique_report import write
from benchmarks.painters import measure, read_painters
from benchmarks.study import Command, carry_out, collect_evaluations, collect_runs, study_parser
from metaart.arts import load
from metaart.arts.music.whose_tune import TunesConfig, evaluate_tunes
from metaart.files import save_text
from metaart.training.checkpoint import load_json

TUNES_FILE = Path("runs/critique-tunes.json")
TUNES = TunesConfig(episodes=60, validation_episodes=30)
MAML = (
    "--set algorithm=maml --set algorithm.steps=5 --set algorithm.alpha=0.00003 "
    "--set algorithm.learn_alpha=layer_step --set algorithm.head_start=means"
)
PICTURES = (
    "--set domain.sees=pictures --set domain.most_works=0 --set meta.episode.ways=10 "
    "--set meta.episode.shared_variation=true --set meta.steps=800 --set meta.outer_lr=0.002 "
    "--set meta.validation_tasks=16 --set meta.validate_every=200"
)
RATING = (
    "--set meta.tasks=4 --set meta.steps=500 --set meta.validation_tasks=16 --set meta.validate_every=100 "
    "--set batching.mode=loop --set meta.clip_norm=1.0"
)

STUDY = (
    Command("data", "data prepare drawings --out data/drawings", "data/drawings/metadata.json"),
    Command(
        "critique",
        "train critique --out runs/critique",
        "runs/critique/weights.safetensors",
        "the recipe: ANIL from the class means, a map of frozen features, second order, a rate per layer and step",
    ),
    Command(
        "critique-protonet",
        "train critique --out runs/critique-protonet --set algorithm=protonet",
        "runs/critique-protonet/weights.safetensors",
        "ProtoNet on the same",
    ),
    Command(
        "critique-maml",
        f"train critique --out runs/critique-maml {MAML}",
        "runs/critique-maml/weights.safetensors",
        "MAML from the class means on the same: five steps on all weights, second order",
    ),
    Command(
        "convolution-protonet",
        f"train critique --out runs/convolution-protonet --set algorithm=protonet {PICTURES}",
        "runs/convolution-protonet/weights.safetensors",
        "ProtoNet on convolutions that learn to read pictures, with new hands; ten hands a task",
    ),
    Command(
        "convolution-anil",
        f"train critique --out runs/convolution-anil {PICTURES}",
        "runs/convolution-anil/weights.safetensors",
        "ANIL on the same convolutions",
    ),
    Command(
        "rating",
        f"train rating --out runs/rating {RATING}",
        "runs/rating/weights.safetensors",
        "ANIL: eight steps on the last layer, second order, a rate per layer and step, over a map of frozen features",
    ),
    Command(
        "rating-convolutions",
        f"train rating --out runs/rating-convolutions {RATING} --set domain.sees=pictures",
        "runs/rating-convolutions/weights.safetensors",
        "the same over convolutions that learn to read pictures",
    ),
    Command(
        "attribution",
        "evaluate runs/critique --also critique-protonet=runs/critique-protonet "
        "--also critique-maml=runs/critique-maml --also convolution-protonet=runs/convolution-protonet "
        "--also convolution-anil=runs/convolution-anil",
        "runs/critique/evaluation.json",
    ),
    Command(
        "ten",
        "evaluate runs/convolution-anil --also convolution-protonet=runs/convolution-protonet --ways 10 "
        "--episodes 300 --out runs/critique-ten",
        "runs/critique-ten/evaluation.json",
    ),
    Command(
        "rated",
        "evaluate runs/rating --also rating-convolutions=runs/rating-convolutions --episodes 200 "
        "--validation-episodes 80",
        "runs/rating/evaluation.json",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is not done yet, collect the results, write the document."""
    parser = study_parser("critique", "an hour on a core")
    parser.add_argument("--music", type=Path, default=Path("metaart/models/music"), help="run of music to judge")
    options = parser.parse_args(arguments)
    return carry_out("critique", STUDY, options, lambda: collect(options.music), write)


def collect(music: Path) -> dict[str, Any]:
    """What the document is made of: what the runs left, and how well a run of music tells composers apart."""
    for name in ("reliability.png", "heat-maps.png"):
        shutil.copyfile(Path("runs/critique") / name, Path("docs/img") / f"critique-{name}")
    data = load_json(Path("data/drawings/metadata.json"))
    return {
        "data": {
            "command": f"metaart {STUDY[0].line}",
            "counts": data["counts"],
            "groups": {split: len(groups) for split, groups in data["splits"].items()},
        },
        "runs": collect_runs(STUDY),
        "evaluations": collect_evaluations(STUDY),
        "tunes": tunes(music),
        "painters": measure(read_painters()),
    }


def tunes(music: Path) -> dict[str, Any]:
    """How well a run of music tells composers apart: what was judged of it before, or is judged now."""
    if not TUNES_FILE.exists():
        judged = {"run": str(music), **evaluate_tunes(load(music), TUNES, data=Path("data/music"))}
        TUNES_FILE.parent.mkdir(parents=True, exist_ok=True)
        save_text(TUNES_FILE, json.dumps(judged, indent=1))
    return load_json(TUNES_FILE)


if __name__ == "__main__":
    sys.exit(main())
