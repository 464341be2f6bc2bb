"""A run of verse judged: loss against steps, beside bigrams that are counted from the support set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from metaart.artists.art import Keep
from metaart.artists.run import Run
from metaart.evaluation.options import AdaptationOptions
from metaart.evaluation.usual import judge_adaptation
from metaart.functional.sequence import bigram_log_probs
from metaart.tasks import Examples
from tests.verse.medium import LETTERS


def evaluate(run: Run, asked: AdaptationOptions, out: Path, keep: Keep) -> tuple[dict[str, Any], str, list[str]]:
    """As most arts are judged, and beside one more rival."""
    return judge_adaptation(run, asked, out, baselines={"bigrams of the support set": counted})


def counted(support: Examples) -> Callable[..., Any]:
    """A predictor that counts pairs of letters."""
    table = bigram_log_probs(support["tokens"], len(LETTERS))
    return lambda tokens: (table[tokens],)
