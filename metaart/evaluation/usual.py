"""Loss against adaptation steps as a table and a picture: the evaluation of most arts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from metaart.artists.run import Run
from metaart.evaluation import report
from metaart.evaluation.adaptation import EvaluationConfig, evaluate
from metaart.evaluation.measuring import EVERYTHING, Baseline, Views
from metaart.evaluation.options import AdaptationOptions


def judge_adaptation(
    run: Run,
    asked: AdaptationOptions,
    out: Path,
    *,
    views: Views = EVERYTHING,
    baselines: Mapping[str, Baseline] = MappingProxyType({}),
) -> tuple[dict[str, Any], str, list[str]]:
    """Judge how well a run adapts; see `evaluation.adaptation.evaluate`.

    Args:
        run: what is judged.
        asked: episodes, steps, other runs.
        out: folder for the picture, evaluation.png.
        views: ways to look at query examples.
        baselines: learners that are counted from a support set.

    Returns:
        What came out, the same as Markdown, and the names of the files that were written.
    """
    config = EvaluationConfig(
        episodes=asked.episodes,
        validation_episodes=asked.validation_episodes,
        steps=tuple(sorted(set(asked.steps))),
        from_nothing=not asked.tuning_only,
    )
    result = evaluate(
        run,
        config,
        data=asked.data,
        also=run.others(asked.also),
        rivals=run.others(asked.rival),
        views=views,
        baselines=baselines,
        out=out,
    )
    report.plot(result, out / "evaluation.png")
    return result, report.text(result), ["evaluation.png"]
