"""The evaluation of a run of critique, from run directory to files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metaart.creation.critic import Critic
from metaart.creation.files import write_file
from metaart.data.location import Where
from metaart.evaluation.attribution import AttributionConfig, evaluate_attribution
from metaart.evaluation.critique_report import attribution_text, plot_reliability, rating_text
from metaart.evaluation.episodes import draw_episodes, open_gallery
from metaart.evaluation.heat_maps import judge_maps, map_sheet
from metaart.evaluation.rating import RatingConfig, evaluate_rating
from metaart.pictures.read import write_png

MAPS = 40
"""Works whose heat maps are judged, at most."""


def evaluate_critique(
    run: Path,
    *,
    out: Path,
    data: Where | None = None,
    also: Mapping[str, Path] | None = None,
    episodes: int = 600,
    validation_episodes: int = 120,
    ways: int = 5,
) -> tuple[dict[str, Any], str, list[str]]:
    """Judge a run of attribution or rating, and keep its calibration beside it.

    Args:
        run: run directory.
        out: folder for the pictures.
        data: prepared folder, if not the one the run was trained on.
        also: more runs by name, on the same episodes.
        episodes: of test hands.
        validation_episodes: of validation hands.
        ways: of attribution: hands in an episode.

    Returns:
        What came out, the same as Markdown, and the names of the pictures that were drawn.

    Raises:
        UserError: not a run of critique, or too little data.
    """
    critic = Critic(run)
    if critic.domain.rates:
        result = evaluate_rating(run, RatingConfig(episodes, validation_episodes), data=data, also=also)
        return result, rating_text(result), []
    config = AttributionConfig(episodes, validation_episodes, ways)
    result = evaluate_attribution(run, config, data=data, also=also)
    gallery = open_gallery(critic.domain, data or critic.creator.config.data, "test", config.works_per_hand)
    some = draw_episodes(gallery, min(MAPS, episodes), ways=config.ways, shots=max(config.shots),
                         query=config.query, seed=config.seed)  # fmt: skip
    result["maps"] = judge_maps(critic, gallery, some, shots=max(config.shots))
    write_file(out / "heat-maps.png", write_png(map_sheet(critic, gallery, some, shots=max(config.shots))))
    plot_reliability(result, out / "reliability.png")
    return result, attribution_text(result), ["reliability.png", "heat-maps.png"]
