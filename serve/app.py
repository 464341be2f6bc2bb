"""The application for `serve run serve.app:build run=RUN`: a gateway in front of models that batch and scale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from ray import serve
from ray.serve import Application
from ray.serve.config import AutoscalingConfig

from metaart.artists.run import Creator, ships
from metaart.errors import UserError
from metaart.training.run import load_config
from serve.arts import ARTS
from serve.gateway import Gateway
from serve.model import Model
from serve.settings import Settings, settings_from

OFF = "off"
"""The value of an art's setting that leaves it out."""

ANSWERS_WITHIN_S = 10.0
"""How long a replica may take to say that it is well, seconds; Ray Serve replaces one that missed it three times."""

STUCK_AFTER_S = 10.0
"""How long a replica may let orders wait and compute nothing, and compute one batch beyond `timeout_s`, seconds."""


def build(arguments: dict[str, Any]) -> Application:
    """The application, for Ray Serve to run.

    Args:
        arguments: see `Settings`.

    Raises:
        click.UsageError: an argument or a run that cannot be used; `serve run` prints it and exits with 2.
    """
    try:
        settings = settings_from(arguments)
        runs = served(settings)
    except UserError as error:
        raise click.UsageError(str(error)) from error
    models = {art: deployed(art, run, settings) for art, run in runs.items()}
    gateway = serve.deployment(
        name="gateway",
        num_replicas=settings.gateways,
        ray_actor_options={"num_cpus": 0},
        max_ongoing_requests=1000,
    )(serve.ingress()(Gateway))
    return gateway.bind(models, runs, settings.timeout_s)


def deployed(art: str, run: str | None, settings: Settings) -> Application:
    """The model of one art: it holds two batches and no more, so that the rest waits for any replica that is added."""
    batch_size = settings.batch_size if ARTS[art].together else 1
    deployment = serve.deployment(
        name=art,
        ray_actor_options={"num_cpus": settings.replica_cpus},
        autoscaling_config=autoscaling(settings, batch_size),
        max_ongoing_requests=2 * batch_size,
        max_queued_requests=settings.max_queued,
        health_check_period_s=5,
        health_check_timeout_s=ANSWERS_WITHIN_S,
    )(Model)
    idle_s, busy_s = settings.batch_wait_s + STUCK_AFTER_S, settings.timeout_s + STUCK_AFTER_S
    application: Application = deployment.bind(run, art, batch_size, settings.batch_wait_s, idle_s, busy_s)
    return application


def autoscaling(settings: Settings, batch_size: int) -> AutoscalingConfig:
    """As many replicas as there are full batches to compute."""
    return AutoscalingConfig(
        min_replicas=settings.min_replicas,
        max_replicas=settings.max_replicas,
        target_ongoing_requests=batch_size,
        upscale_delay_s=settings.upscale_delay_s,
        downscale_delay_s=settings.downscale_delay_s,
    )


def served(settings: Settings) -> dict[str, str | None]:
    """The runs to serve, by art: absolute paths, or None for the run that ships with the package.

    Every run is loaded once: better fail here than in every replica.

    Raises:
        UserError: a run is missing, damaged or of another art, or nothing is left to serve.
    """
    named: dict[str, str | None] = {art: getattr(settings, art) for art in ARTS}
    if settings.run is not None:
        art = _art_of(settings.run)
        if named[art] is not None:
            raise UserError(
                expected=f"one run of {art}",
                got=f"run={settings.run} and {art}={named[art]}",
                fix=f"Leave one of the two out: {art}= is run= for an art that is named.",
            )
        named[art] = settings.run
    runs: dict[str, str | None] = {}
    for art, asked in named.items():
        if asked == OFF or (asked is None and not ships(art)):
            continue
        creator = Creator(asked, art)
        if not ARTS[art].fits(creator.config):
            raise UserError(
                expected=f"a run of {art}",
                got=f"{creator.run}, a run of {creator.config.recipe}",
                fix=f"Give {art}= of `metaart train {art}`, or leave it out.",
            )
        runs[art] = None if asked is None else str(Path(asked).resolve())
    if not runs:
        raise UserError(expected="at least one art to serve", got="all of them off", fix=f"Leave {art}=off out.")
    return runs


def _art_of(run: str) -> str:
    """The art that serves a run.

    Raises:
        UserError: the run is missing or damaged, or no art serves its kind.
    """
    config, _ = load_config(Path(run))
    for art, about in ARTS.items():
        if about.fits(config):
            return art
    raise UserError(
        expected=f"a run of {', '.join(ARTS)}",
        got=f"{run}, a run of {config.recipe}",
        fix="Give a run of `metaart train` for one of these.",
    )
