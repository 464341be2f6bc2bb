"""Do heat maps point at the evidence: deletion and insertion beside a random map and one of the ink alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from metaart.arts.critique.episodes import AttributionEpisode, SplitWorks
from metaart.arts.judging.critic import STRIDE_SHARE, Critic, background, heat_map
from metaart.arts.judging.heat import heat_picture
from metaart.evaluation.statistics import half_width
from metaart.formats.pictures.read import Pixels
from metaart.functional.evidence import Evidence, deletion_curve, insertion_curve, log_odds

MAPS = ("occlusion", "random", "ink")


def judge_maps(
    critic: Critic, works: SplitWorks, episodes: Sequence[AttributionEpisode], *, shots: int, steps: int = 16
) -> dict[str, Any]:
    """Judge the maps of one work of each episode.

    A map ranks the pixels. They are painted over with the colour of the border from the first to the last (deletion) or
    appear in it (insertion); each time the log-odds of the answer are averaged over the steps. The random map has the
    same grain as the occlusion map; the map of the ink ranks pixels by how far they are from the border's colour, which
    is hard to beat, since nothing is lost where nothing is drawn.

    Args:
        critic: a run of attribution.
        works: of the episodes.
        episodes: one work of each is looked at, of a hand that changes from one to the next.
        shots: examples of each hand.
        steps: of the curves.

    Returns:
        {"maps": {name: {"deletion": {"mean", "interval"}, "insertion": ...}}, "ahead": {other: {...}}}: log-odds; lower
        is better for deletion, higher for insertion; "ahead" is paired, above zero where occlusion is better.
    """
    found: dict[str, dict[str, list[float]]] = {name: {"deletion": [], "insertion": []} for name in MAPS}
    for number, episode in enumerate(episodes):
        evidence, picture = _looked_at(critic, works, episode, number, shots)
        fill = background(picture)
        maps = {
            "occlusion": heat_map(evidence, picture),
            "random": _random_map(picture.shape[-1], number),
            "ink": (picture - fill[:, None, None]).abs().sum(0),
        }
        for name, order in maps.items():
            for kind, curve in (("deletion", deletion_curve), ("insertion", insertion_curve)):
                found[name][kind].append(float(curve(evidence, picture, fill, order, steps).mean()))
    values = {name: {kind: np.array(one) for kind, one in kinds.items()} for name, kinds in found.items()}
    best = values["occlusion"]
    return {
        "works": len(episodes),
        "shots": shots,
        "maps": {name: {kind: _mean(one) for kind, one in kinds.items()} for name, kinds in values.items()},
        "ahead": {
            name: {
                "deletion": _mean(values[name]["deletion"] - best["deletion"]),
                "insertion": _mean(best["insertion"] - values[name]["insertion"]),
            }
            for name in MAPS[1:]
        },
    }


def map_sheet(
    critic: Critic,
    works: SplitWorks,
    episodes: Sequence[AttributionEpisode],
    *,
    shots: int,
    columns: int = 8,
    side: int = 128,
) -> Pixels:
    """The first works that `judge_maps` looks at, above their heat maps; never chosen by looks.

    Args:
        critic: a run of attribution.
        works: of the episodes.
        episodes: in their order.
        shots: examples of each hand.
        columns: works shown.
        side: of each picture, px.
    """
    rows: list[list[Pixels]] = [[], []]
    for number, episode in enumerate(episodes[:columns]):
        evidence, picture = _looked_at(critic, works, episode, number, shots)
        heat = heat_map(evidence, picture)
        pixels: Pixels = ((1 - picture) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
        larger = Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS)
        rows[0].append(_margined(np.asarray(larger)))
        rows[1].append(_margined(heat_picture(pixels, heat.numpy(), side)))
    return np.concatenate([np.concatenate(row, 1) for row in rows])


def _looked_at(
    critic: Critic, works: SplitWorks, episode: AttributionEpisode, number: int, shots: int
) -> tuple[Evidence, Tensor]:
    """The evidence for what a run answers of one work of an episode, and the work, (3, side, side)."""
    examples, labels = episode.examples(shots)
    hands, hand = len(episode.names), number % len(episode.names)
    support = {**critic.domain.see(works.ink(examples)), "labels": labels}
    picture = works.ink(episode.query[hand, :1])
    params = critic.run.adapted(support)
    seen = critic.impression(params, support, critic.domain.input_of(picture))
    # The map is of what the run answers, right or wrong: that is what a user would be shown.
    answer = int(seen.answers[0, :hands].argmax())
    return critic.evidence(params, lambda answers: log_odds(answers[:, :hands], answer)), picture[0]


def _margined(pixels: Pixels, margin: int = 6) -> Pixels:
    return np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), constant_values=255)


def _random_map(side: int, seed: int) -> Tensor:
    """A map without meaning, as coarse as that of occlusion."""
    # One value for every stride of the occlusion map.
    coarse = torch.rand(1, 1, STRIDE_SHARE, STRIDE_SHARE, generator=torch.Generator().manual_seed(seed))
    smooth: Tensor = F.interpolate(coarse, size=(side, side), mode="bilinear")[0, 0]
    return smooth


def _mean(values: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float]:
    return {"mean": float(values.mean()), "interval": half_width(values)}
