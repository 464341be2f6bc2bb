"""Every registered art form, made small, with the data and the wishes that its contract is tested with."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.func import vmap

from metaart.algorithms import MetaAlgorithm
from metaart.arts.music.compose import ComposeRequest
from metaart.arts.style.finish import Stylisation
from metaart.data.sampler import EpisodeConfig, TaskSampler
from metaart.domains import DOMAINS, Domain
from metaart.domains.style.objective import ObjectiveConfig
from metaart.tasks import Examples, Task

SMALL = {
    "hidden_size": 6, "embedding_size": 5, "max_tokens": 24,
    "side": 16, "layers": 2, "channels": 8, "most_hands": 3,
    "size": 16, "width": 2, "depth": 4, "blocks": 1, "hidden": 3, "photographs": "",
    "steps": 3,
    # Steps of the common inner rate would otherwise be so long that rounding grows past every tolerance.
    "objective": ObjectiveConfig(content=0.02, style=0.1, variation=0.1),
}  # fmt: skip
"""Fields of configurations, of domains and of algorithms, that decide what they cost."""

DATA = {"music": "music_data", "critique": "drawings_data", "rating": "drawings_data", "style": "drawings_data"}
"""The fixture that prepares the data of an art form; one that needs none has no line."""

EPISODES = {"critique": EpisodeConfig(2, 3, ways=3)}
"""What a task of an art form holds, where it is not two works to adapt to and three more."""

WISHES: dict[str, list[Any]] = {
    "music": [ComposeRequest(bars=1, seed=1), ComposeRequest(bars=2, seed=2)],
    "sinusoid": [120, 150],
    "style": [
        Stylisation(np.full((18, 21, 3), 90, np.uint8), torch.zeros(364)),
        Stylisation(np.eye(18, dtype=np.uint8)[..., None].repeat(3, -1) * 200, torch.ones(364), strength=0.5),
    ],
}
"""What each art form is asked to create; a new one adds a line."""

BEGINNINGS = {"music": b"MThd", "sinusoid": b"\x89PNG", "style": b"\x89PNG"}
"""How the files of each art form begin; a new one adds a line."""


def small(default: Any) -> Any:
    """A configuration that costs little."""
    fields = {field.name for field in dataclasses.fields(default)}
    return dataclasses.replace(default, **{field: value for field, value in SMALL.items() if field in fields})


def small_config(name: str) -> Any:
    return small(DOMAINS[name].config())


def small_domain(name: str) -> Domain:
    return DOMAINS[name].build(small_config(name))


def draw(art: str, domain: Domain, data: Path | None, count: int = 3) -> Task:
    episode = EPISODES.get(art, EpisodeConfig(2, 3))
    return TaskSampler(domain.hands(data, "train", varied=True), episode, seed=1).batch(0, range(count))


def data_of(art: str, request: pytest.FixtureRequest) -> Path | None:
    return request.getfixturevalue(DATA[art]) if art in DATA else None


def doubled(tasks: Task) -> Task:
    """Everything that is a number in float64, as witnesses are."""

    def double(examples: Examples) -> Examples:
        return {name: value.double() if value.is_floating_point() else value for name, value in examples.items()}

    return Task(double(tasks.support), double(tasks.query))


def create(
    domain: Domain, algorithm: MetaAlgorithm, supports: Sequence[Examples], wishes: Sequence[Any]
) -> list[bytes]:
    """Adapt to each support set and render each wish with its own weights."""
    adapted = [algorithm.adapt(support) for support in supports]
    stacked = {name: torch.stack([params[name].detach() for params in adapted]) for name in adapted[0]}

    def predict(*inputs: Any) -> Any:
        return vmap(lambda weights, *rest: algorithm.predict(weights)(*rest))(stacked, *inputs)

    return domain.render(predict, wishes)
