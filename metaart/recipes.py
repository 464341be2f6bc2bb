"""Full runs, one function each: what `metaart train NAME` trains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from metaart.algorithms.anil import ANILConfig
from metaart.algorithms.batching import Batching
from metaart.algorithms.maml import MAMLConfig
from metaart.config import RunConfig, StageConfig, from_json
from metaart.data.sampler import EpisodeConfig
from metaart.domains.critique.domain import CritiqueConfig
from metaart.domains.music.domain import MusicConfig
from metaart.domains.rating.domain import RatingConfig
from metaart.domains.sinusoid.domain import SinusoidConfig
from metaart.domains.style.domain import StyleConfig
from metaart.errors import UserError


def music() -> RunConfig:
    """Compose in the hand of five pieces: a pooled LSTM, then first-order MAML, one step of Adam, a rate per weight.

    Why, and what else was tried: docs/results-music.md.
    """
    return RunConfig(
        recipe="music",
        domain=MusicConfig(),
        algorithm=MAMLConfig(steps=1, order=1, alpha=0.002, learn_alpha="weight", inner="adam"),
        data="data/music",
        pretrain=StageConfig(
            steps=13_000,
            tasks=48,
            episode=EpisodeConfig(support=0, query=1),
            outer_lr=3e-3,
            clip_norm=1.0,
            validate_every=1000,
            validation_tasks=256,
        ),
        meta=StageConfig(steps=600, tasks=16, outer_lr=4e-4, validate_every=100, validation_tasks=96),
    )


def critique() -> RunConfig:
    """Whose drawing is this: a map of frozen features and five steps on the last layer, from the hands' means.

    Why, and what else was tried: docs/results-critique.md.
    """
    episode = EpisodeConfig(support=5, query=5, ways=20)
    return RunConfig(
        recipe="critique",
        domain=CritiqueConfig(sees="frozen", most_works=60),
        algorithm=ANILConfig(steps=5, order=2, alpha=0.01, learn_alpha="layer_step", head_start="means"),
        data="data/drawings",
        batching=Batching("loop"),
        pretrain=StageConfig(steps=0, episode=episode),
        meta=StageConfig(steps=1000, tasks=1, episode=episode, validate_every=100, validation_tasks=32),
    )


def rating() -> RunConfig:
    """Rate a drawing as a curator would who rated ten others, by a map of frozen features; the curators are made.

    What else was tried: docs/results-critique.md.
    """
    episode = EpisodeConfig(support=10, query=10)
    return RunConfig(
        recipe="rating",
        domain=RatingConfig(sees="frozen"),
        algorithm=ANILConfig(steps=8, order=2, alpha=0.4, learn_alpha="layer_step"),
        data="data/drawings",
        pretrain=StageConfig(steps=0, episode=episode),
        meta=StageConfig(steps=1000, tasks=8, episode=episode, outer_lr=2e-3, validate_every=100, validation_tasks=64),
    )


def style() -> RunConfig:
    """Redraw photographs in the hand of a few pictures: a network told of the style, then MAML with Adam inside.

    Why, and what else was tried: docs/results-style.md.
    """
    return RunConfig(
        recipe="style",
        domain=StyleConfig(),
        algorithm=MAMLConfig(
            steps=10, order=1, alpha=0.002, learn_alpha="weight", inner="adam", query_loss_at=(1, 5, 10)
        ),
        data="data/drawings",
        batching=Batching("loop"),
        pretrain=StageConfig(
            steps=12_000,
            tasks=4,
            episode=EpisodeConfig(support=0, query=1),
            outer_lr=2e-3,
            clip_norm=1.0,
            validate_every=1000,
            validation_tasks=16,
        ),
        meta=StageConfig(
            steps=100,
            tasks=4,
            episode=EpisodeConfig(support=8, query=4),
            outer_lr=5e-4,
            clip_norm=1.0,
            validate_every=25,
            validation_tasks=8,
        ),
        checkpoint_every=50,
    )


def sinusoid() -> RunConfig:
    """The sine waves of Finn et al. 2017: 5 shots, one inner step of 0.01, second order, no pretraining."""
    episode = EpisodeConfig(support=5, query=10)
    return RunConfig(
        recipe="sinusoid",
        domain=SinusoidConfig(),
        algorithm=MAMLConfig(steps=1, order=2, alpha=0.01),
        pretrain=StageConfig(steps=0, episode=episode),
        meta=StageConfig(steps=30_000, tasks=25, episode=episode, validate_every=2000, validation_tasks=200),
        log_every=200,
        checkpoint_every=2000,
    )


RECIPES: dict[str, Callable[[], RunConfig]] = {
    "music": music,
    "critique": critique,
    "rating": rating,
    "style": style,
    "sinusoid": sinusoid,
}


def recipe(name: str) -> RunConfig:
    """The configuration of a recipe.

    Raises:
        UserError: there is none of that name.
    """
    if name not in RECIPES:
        raise UserError(
            expected=f"a recipe: {', '.join(RECIPES)}", got=repr(name), fix="`metaart train --help` lists them."
        )
    return RECIPES[name]()


def recipe_or_file(name: str | None, file: Path | None) -> RunConfig:
    """The configuration of a recipe by its name, or of a recipe file: any config.json of a run, best.json of a sweep.

    Raises:
        UserError: both or neither, no such recipe, or a file that is none.
    """
    if (name is None) == (file is None):
        raise UserError(
            expected="a recipe or a recipe file",
            got="neither" if name is None else f"both {name!r} and {file}",
            fix="Give one of them: metaart train music, or metaart train --recipe-file best.json",
        )
    if name is not None:
        return recipe(name)
    assert file is not None
    try:
        return from_json(file.read_text(encoding="utf-8"), where=str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            expected="a recipe file",
            got=f"{file}: {error}",
            fix="Give the best.json of a sweep or a run's config.json.",
        ) from error
