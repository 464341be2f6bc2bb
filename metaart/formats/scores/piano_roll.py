"""Scores to look at: piano rolls."""

from __future__ import annotations

import io
from collections.abc import Mapping

import symusic

from metaart.formats.scores.canonical import TICKS_PER_QUARTER, canonical


def piano_rolls(scores: Mapping[str, symusic.Score], *, max_quarters: int = 64) -> bytes:
    """Piano rolls one below the other, on common axes, as PNG.

    Args:
        scores: by title.
        max_quarters: quarter notes of each that are shown.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 2.6 * len(scores)), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(len(scores), 1, squeeze=False, sharex=True, sharey=True)[:, 0]
    for axes, (title, score), colour in zip(rows, scores.items(), _COLOURS * len(scores), strict=False):
        table = canonical(score, name=title).tracks[0].notes.numpy()
        start, length = (table[column] / TICKS_PER_QUARTER for column in ("time", "duration"))
        shown = start < max_quarters
        axes.barh(table["pitch"][shown], length[shown], left=start[shown], height=0.8, color=colour, edgecolor="white")
        axes.set_title(title, loc="left", fontsize=10)
        axes.set_ylabel("MIDI pitch")
        axes.grid(alpha=0.25)
    rows[-1].set_xlabel("quarter notes")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


_COLOURS = ["tab:blue", "tab:orange"]
