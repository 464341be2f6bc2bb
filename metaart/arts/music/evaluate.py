"""What `metaart evaluate` says of a run of music: how it adapts, what it creates, whose tunes it recognises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from metaart.artists.run import Run
from metaart.arts.judging.confidence import FILE, save_calibration
from metaart.arts.music import MusicEvaluation, report
from metaart.arts.music.adapt import music_of
from metaart.arts.music.created import judge_created
from metaart.arts.music.views import baselines, views
from metaart.arts.music.whose_tune import CALIBRATION, TunesConfig, calibrated
from metaart.data.location import same_location
from metaart.errors import UserError
from metaart.evaluation.usual import judge_adaptation


def evaluate(
    run: Run,
    asked: MusicEvaluation,
    out: Path,
    keep: Callable[[dict[str, Any], str], object],
    *,
    tunes: TunesConfig = CALIBRATION,
) -> tuple[dict[str, Any], str, list[str]]:
    """Judge loss against adaptation steps and what is created; beside the run and of its own data, calibrate it.

    Args:
        run: of music.
        asked: what was asked for.
        out: folder for the pictures.
        keep: keeps results safe, before more is asked that takes its time or may fail.
        tunes: how whose tune one is, is calibrated.

    Returns:
        What came out, the same as Markdown, and the names of the files that were written.
    """
    domain = music_of(run)
    result, words, files = judge_adaptation(run, asked, out, views=views(domain), baselines=baselines(domain))
    if asked.judge_hands:
        keep(result, words)
        try:
            result["created"] = judge_created(run, data=asked.data, hands=asked.judge_hands)
        except UserError as error:
            words += f"\nWhat the run creates was not judged: {error}\n"
        else:
            words += "\n" + report.judgement_table(result["created"])
            report.plot_created(result["created"], out / "created.png")
            files.append("created.png")
    # What a run says of its own answers must come of its own validation hands, and stands beside its weights alone.
    if not same_location(out, run.folder) or (
        asked.data is not None and not same_location(asked.data, run.config.data)
    ):
        return result, words, files
    keep(result, words)
    try:
        save_calibration(calibrated(run, tunes), run.folder)
    except UserError as error:
        return result, words + f"\nWhat the run says of whose tune one is was not calibrated: {error}\n", files
    return result, words, [*files, FILE]
