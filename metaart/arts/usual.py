"""The evaluation of arts that have none of their own: loss against adaptation steps, beside rivals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaart.artists.art import Evaluation
from metaart.evaluation.options import AdaptationOptions

if TYPE_CHECKING:
    from metaart.artists.run import Run


def _judge(run: Run, asked: AdaptationOptions, out: Path, keep: Any) -> Any:  # noqa: ARG001
    from metaart.evaluation.usual import judge_adaptation

    return judge_adaptation(run, asked, out)


USUAL = Evaluation(AdaptationOptions, _judge)
