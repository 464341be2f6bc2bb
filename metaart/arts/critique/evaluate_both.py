"""The evaluation of a run of critique, from run directory to files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metaart.arts.critique.episode_answers import AttributionConfig
from metaart.arts.critique.episodes import draw_episodes, open_gallery
from metaart.arts.critique.evaluate import evaluate_attribution
from metaart.arts.critique.heat_map_quality import judge_maps, map_sheet
from metaart.arts.critique.report import attribution_text, plot_reliability, rating_text
from metaart.arts.judging.confidence import FILE, WAYS
from metaart.arts.judging.critic import Critic
from metaart.arts.rating.evaluate import RatingConfig, evaluate_rating
from metaart.data.location import Where, same_place
from metaart.errors import UserError
from metaart.files import write_file
from metaart.formats.pictures.read import write_png

VALIDATION_EPISODES = 120
"""Of the evaluation that a run's own calibration is of; it is of `WAYS` hands."""

MAPS = 40
"""Works whose heat maps are judged, at most."""


def evaluate_critique(
    run: Path,
    *,
    out: Path,
    data: Where | None = None,
    also: Mapping[str, Path] | None = None,
    episodes: int = 600,
    validation_episodes: int = VALIDATION_EPISODES,
    ways: int | None = None,
) -> tuple[dict[str, Any], str, list[str]]:
    """Judge a run of attribution or rating, and keep its calibration.

    The run's own calibration is what answers are believed by, so only an evaluation on its own data, into its own
    folder, of `WAYS` hands, writes it; and with fewer than `VALIDATION_EPISODES` only over one made from no more. Any
    other is kept in `out`, and where that is the run, not at all.

    Args:
        run: run directory.
        out: folder for the pictures.
        data: prepared folder, if not the one the run was trained on.
        also: more runs by name, on the same episodes.
        episodes: of test hands.
        validation_episodes: of validation hands.
        ways: hands in an episode, `WAYS` if left out; of attribution only.

    Returns:
        What came out, the same as Markdown, and the names of the pictures that were drawn.

    Raises:
        UserError: not a run of critique, `ways` for one of rating, or too little data.
    """
    critic = Critic(run)
    if critic.domain.rates and ways is not None:
        raise UserError(
            expected="a number of hands for attribution alone",
            got=f"{ways} for {run}, which rates",
            fix="Leave out --ways.",
        )
    ways = WAYS if ways is None else ways
    why_not = _why_not_its_own(critic, out, data, validation_episodes, ways)
    calibration_to = None if why_not and same_place(out, run) else out
    kept = [FILE] if calibration_to is not None else []
    where = f"is in {out}, that of {run} stays as it was" if kept else "stays as it was"
    told = f"\n{FILE} {where}: {why_not}.\n" if why_not else ""
    if critic.domain.rates:
        rating = RatingConfig(episodes, validation_episodes)
        result = evaluate_rating(run, rating, data=data, also=also, calibration_to=calibration_to)
        return result, rating_text(result) + told, kept
    config = AttributionConfig(episodes, validation_episodes, ways)
    result = evaluate_attribution(run, config, data=data, also=also, calibration_to=calibration_to)
    gallery = open_gallery(critic.domain, data or critic.creator.config.data, "test", config.works_per_hand)
    some = draw_episodes(gallery, min(MAPS, episodes), ways=config.ways, shots=max(config.shots),
                         query=config.query, seed=config.seed)  # fmt: skip
    result["maps"] = judge_maps(critic, gallery, some, shots=max(config.shots))
    write_file(out / "heat-maps.png", write_png(map_sheet(critic, gallery, some, shots=max(config.shots))))
    plot_reliability(result, out / "reliability.png")
    return result, attribution_text(result) + told, ["reliability.png", "heat-maps.png", *kept]


def _why_not_its_own(critic: Critic, out: Path, data: Where | None, validation_episodes: int, ways: int) -> str:
    """Why this evaluation may not write the run's own calibration; empty where it may."""
    known, own_data = critic.calibration, critic.creator.config.data
    if not same_place(out, critic.creator.run):
        return "that is where the results are kept"
    if data is not None and not same_place(data, own_data):
        return f"this evaluation is of {data}, the run's own of {own_data}"
    if ways != WAYS:
        return f"this evaluation is of {ways} hands, the run's own of {WAYS}"
    if known is not None and validation_episodes < min(VALIDATION_EPISODES, known.episodes):
        return f"this evaluation is of {validation_episodes} validation episodes, the run's own of {known.episodes}"
    return ""
