"""The application for `serve run serve.app:build run=RUN`: a gateway in front of a model that batches and scales."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from ray import serve
from ray.serve import Application
from ray.serve.config import AutoscalingConfig

from metaart.creation.creator import Creator
from metaart.creation.music import music_of
from metaart.errors import UserError
from serve.gateway import Gateway
from serve.model import Model
from serve.settings import Settings, settings_from

STUCK_AFTER_S = 10.0
"""How long orders may wait in a replica that computes nothing before it is replaced, seconds."""


def build(arguments: dict[str, Any]) -> Application:
    """The application, for Ray Serve to run.

    Args:
        arguments: see `Settings`.

    Raises:
        click.UsageError: an argument or a run that cannot be used; `serve run` prints it and exits with 2.
    """
    try:
        settings = settings_from(arguments)
        run = _checked(settings.run)
    except UserError as error:
        raise click.UsageError(str(error)) from error
    model = serve.deployment(
        name="music",
        ray_actor_options={"num_cpus": settings.replica_cpus},
        autoscaling_config=autoscaling(settings),
        max_ongoing_requests=2 * settings.batch_size,
        max_queued_requests=settings.max_queued,
        health_check_period_s=5,
    )(Model).bind(run, settings.batch_size, settings.batch_wait_s, settings.batch_wait_s + STUCK_AFTER_S)
    gateway = serve.deployment(
        name="gateway",
        num_replicas=settings.gateways,
        ray_actor_options={"num_cpus": 0},
        max_ongoing_requests=1000,
    )(serve.ingress()(Gateway))
    return gateway.bind({"music": model}, {"music": run}, settings.timeout_s)


def autoscaling(settings: Settings) -> AutoscalingConfig:
    """As many replicas as there are full batches to compute."""
    return AutoscalingConfig(
        min_replicas=settings.min_replicas,
        max_replicas=settings.max_replicas,
        target_ongoing_requests=settings.batch_size,
        upscale_delay_s=settings.upscale_delay_s,
        downscale_delay_s=settings.downscale_delay_s,
    )


def _checked(run: str | None) -> str | None:
    """The run's absolute path, after it was loaded once: better fail here than in every replica.

    Raises:
        UserError: it is missing, damaged, or not of music.
    """
    creator = Creator(run)
    music_of(creator, fix="Give run= of `metaart train music`, or leave it out.")
    return None if run is None else str(Path(run).resolve())
