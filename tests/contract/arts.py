"""Every registered art, made small, with data and works of its own kind: a new art needs no line here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from metaart.algorithms import ALGORITHMS
from metaart.artists.art import Art, FileInput, Use
from metaart.artists.run import Run
from metaart.artists.works import Work, WorksInput
from metaart.arts import ARTS, load
from metaart.build import build_algorithm
from metaart.config import RunConfig, to_json
from metaart.data import SOURCES
from metaart.data.prepare import prepare
from metaart.data.sampler import EpisodeConfig, TaskSampler
from metaart.data.shards import Dataset
from metaart.domains import DOMAINS, Domain, art_of
from metaart.domains.style.objective import ObjectiveConfig
from metaart.formats.base import Format
from metaart.options import described
from metaart.recipes import RECIPES
from metaart.tasks import Examples, Task
from metaart.training.checkpoint import save_tensors
from metaart.training.run import CONFIG, WEIGHTS

SMALL = {
    "hidden_size": 6, "embedding_size": 5, "max_tokens": 24,
    "side": 16, "layers": 2, "channels": 8, "most_hands": 3,
    "size": 16, "width": 2, "depth": 4, "blocks": 1, "hidden": 3, "photographs": "",
    "steps": 3,
    # Steps of the common inner rate would otherwise be so long that rounding grows past every tolerance.
    "objective": ObjectiveConfig(content=0.02, style=0.1, variation=0.1),
}  # fmt: skip
"""Fields of configurations, of domains and of algorithms, that decide what they cost."""

PREPARED = {"music": "music_data", "drawings": "drawings_data"}
"""The fixture that prepares works of a kind; works of another are prepared by the first source that needs no path."""

Shared = Callable[[str, Callable[[Path], object]], Path]


def small(default: Any) -> Any:
    """A configuration that costs little."""
    fields = {field.name for field in dataclasses.fields(default)}
    return dataclasses.replace(default, **{field: value for field, value in SMALL.items() if field in fields})


def small_config(name: str) -> Any:
    return small(DOMAINS[name].config())


def small_domain(name: str) -> Domain:
    return DOMAINS[name].build(small_config(name))


def recipe_of(art: str) -> RunConfig:
    """The first recipe that trains runs of an art."""
    return next(config for config in (make() for make in RECIPES.values()) if art_of(config.domain) == art)


def episode_of(art: str) -> EpisodeConfig:
    """Two works to adapt to and three more; of three hands, where the art tells hands apart."""
    return EpisodeConfig(2, 3, ways=3 if recipe_of(art).meta.episode.ways > 1 else 1)


def draw(art: str, domain: Domain, data: Path | None, count: int = 3) -> Task:
    return TaskSampler(domain.hands(data, "train", varied=True), episode_of(art), seed=1).batch(0, range(count))


def data_of(art: str, request: pytest.FixtureRequest) -> Path | None:
    """Prepared works that an art learns from, if it learns from any."""
    kinds = DOMAINS[art].works
    if not kinds:
        return None
    kind = next((kind for kind in kinds if kind in PREPARED), kinds[0])
    if kind in PREPARED:
        return Path(request.getfixturevalue(PREPARED[kind]))
    shared: Shared = request.getfixturevalue("shared")
    source = next(entry for entry in SOURCES[kind].values() if not needs_path(entry.options))
    return shared(f"data/{kind}", lambda out: prepare(source.build(source.options()), out, workers=1, progress=False))


def needs_path(options: type[Any]) -> bool:
    return any(field.default is ... for field in described(options).values())


def doubled(tasks: Task) -> Task:
    """Everything that is a number in float64, as witnesses are."""

    def double(examples: Examples) -> Examples:
        return {name: value.double() if value.is_floating_point() else value for name, value in examples.items()}

    return Task(double(tasks.support), double(tasks.query), tasks.names)


class Stock(NamedTuple):
    """Files of several hands that an art can be asked about.

    Attributes:
        art: itself.
        run: of it, with the weights it was initialised with.
        hands: files by hand, three of each.
        folder: where they lie, one sub-folder a hand.
    """

    art: Art
    run: Run
    hands: dict[str, list[Path]]
    folder: Path

    def works(self, wanted: WorksInput, first: int = 0) -> Any:
        """Works as Python code hands them over, with the labels that are wanted; other works with another `first`."""
        hands = list(self.hands)[first : first + 2]
        if wanted.labels == "hands":
            return {hand: self.hands[hand][:2] for hand in hands}
        files = self.hands[hands[0]][:2]
        return [(path, 3.0 + 4 * index) for index, path in enumerate(files)] if wanted.labels == "scores" else files

    def files(self, use: Use) -> dict[str, Path]:
        """A file for each input that a use needs."""
        return {entry.name: self.file(entry) for entry in use.inputs if entry.required}

    def file(self, entry: FileInput) -> Path:
        """A work of the last hand."""
        found = [path for path in self.hands[list(self.hands)[-1]] if path.suffix in entry.format.suffixes]
        assert found, f"the works of {self.art.name} are no {entry.format.many}: give this input in the test"
        return found[-1]

    def options(self, use: Use) -> dict[str, Any]:
        """Options that cost little, of those the use shows as an example; labels come with the works."""
        fields = described(use.options)
        return {name: value for name, value in use.example.items() if name in fields} | (
            {"side": 32} if "side" in fields else {}
        )


def make_stock(art: str, data: Path, folder: Path) -> Stock:
    """Files of three hands out of prepared works, and an untrained run of an art."""
    dataset = Dataset.open(data)
    groups = [group for split in ("train", "test", "validation") for group in dataset.groups(split)][:3]
    hands: dict[str, list[Path]] = {}
    for number, group in enumerate(groups):
        (folder / "hands" / f"hand-{number}").mkdir(parents=True)
        hands[f"hand-{number}"] = []
        for index, work in enumerate(dataset.works(group)[:3]):
            path = folder / "hands" / f"hand-{number}" / f"{index}{dataset.medium.suffix}"
            path.write_bytes(dataset.medium.file(work))
            hands[f"hand-{number}"].append(path)
    return Stock(ARTS[art], load(untrained(art, folder / "run")), hands, folder / "hands")


def untrained(art: str, folder: Path) -> Path:
    """A run directory of an art's own recipe, made small, with the weights it was initialised with."""
    recipe = recipe_of(art)
    config = dataclasses.replace(recipe, domain=small_config(art), algorithm=small(recipe.algorithm))
    domain = DOMAINS[art].build(config.domain)
    folder.mkdir(parents=True)
    (folder / CONFIG).write_text(to_json(config))
    for name, asset in domain.assets().items():
        (folder / name).write_bytes(asset)
    torch.manual_seed(0)
    weights = {name: value.detach() for name, value in build_algorithm(config, domain).named_parameters()}
    save_tensors(folder / WEIGHTS, weights)
    return folder


def numbers_beyond(kind: type[Any]) -> list[tuple[str, Any]]:
    """Values out of range, of every field of options that has one, and of the wrong type."""
    found: list[tuple[str, Any]] = []
    for name, field in described(kind).items():
        words = field.range.split()
        if words[:1] == ["from"] or words[:1] == ["above"]:
            found.append((name, float(words[1]) - 1 if "." in words[1] else int(words[1]) - 1))
        if words[-2:-1] == ["to"] and words[-1].isdigit():
            found.append((name, int(words[-1]) + 1))
        if field.kind is not str:
            found.append((name, {"a": "mapping"}))
    return found


def check_format(format: Format, data: bytes) -> None:
    """What is made must be what it says it is: it passes the count that what comes in has to pass."""
    assert data
    format.check([data], ["made"])


def as_works(paths: Sequence[Path]) -> list[Work]:
    return [Work(str(path), path.read_bytes()) for path in paths]


FITTING = [(name, art) for name in ALGORITHMS for art in DOMAINS if ALGORITHMS[name].fits(small_domain(art).head)]
"""Algorithms and arts that go together."""
