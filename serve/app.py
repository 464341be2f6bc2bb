"""The application for `serve run serve.app:build run=RUN`: a gateway in front of models that batch and scale."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import click
from ray import serve
from ray.serve import Application
from ray.serve.config import AutoscalingConfig

from metaart.artists.run import Run
from metaart.arts import ARTS, load
from metaart.arts.shipped import ships
from metaart.domains import DOMAINS
from metaart.errors import UserError
from serve.gateway import Gateway
from serve.replica import Replica
from serve.settings import OFF, Settings, served_arts, settings_from

ANSWERS_WITHIN_S = 10.0
"""How long a replica may take to say that it is well, seconds; Ray Serve replaces one that missed it three times."""

STUCK_AFTER_S = 10.0
"""How long a replica may let orders wait and compute nothing, and compute one batch beyond `timeout_s`, seconds."""


class ServedRun(NamedTuple):
    """A run to serve.

    Attributes:
        folder: an absolute path; None for the run that ships with the package, wherever that is on another machine.
        name: of the run.
    """

    folder: str | None
    name: str


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
    models = {art: deployed(art, run.folder, settings) for art, run in runs.items()}
    # A gateway only waits for models: it holds no core, but many requests.
    gateway = serve.deployment(
        name="gateway",
        num_replicas=settings.gateways,
        ray_actor_options={"num_cpus": 0},
        max_ongoing_requests=1000,
    )(serve.ingress()(Gateway))
    names = {art: run.name for art, run in runs.items()}
    return gateway.bind(models, names, [ARTS[art] for art in served_arts()], settings.timeout_s)


def deployed(art: str, run: str | None, settings: Settings) -> Application:
    """The model of one art: it holds two batches and no more, so that the rest waits for any replica that is added."""
    together = any(use.route and use.together for use in ARTS[art].uses)
    batch_size = settings.batch_size if together else 1
    deployment = serve.deployment(
        name=art,
        ray_actor_options={"num_cpus": settings.replica_cpus},
        autoscaling_config=autoscaling(settings, batch_size),
        max_ongoing_requests=2 * batch_size,
        max_queued_requests=settings.max_queued,
        health_check_period_s=5,
        health_check_timeout_s=ANSWERS_WITHIN_S,
    )(Replica)
    idle_s, busy_s = settings.batch_wait_s + STUCK_AFTER_S, settings.timeout_s + STUCK_AFTER_S
    application: Application = deployment.bind(
        ARTS[art], DOMAINS[art], run, batch_size, settings.batch_wait_s, idle_s, busy_s
    )
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


def served(settings: Settings) -> dict[str, ServedRun]:
    """The runs to serve, by art.

    Every run is loaded once: better fail here than in every replica.

    Raises:
        UserError: a run is missing, damaged or of another art, or nothing is left to serve.
    """
    arts, found = served_arts(), {}
    any_art = _of_any_art(settings.run) if settings.run is not None else None
    for art in arts:
        asked = settings.runs.get(art)
        if any_art is not None and any_art.art.name == art:
            if asked is not None:
                raise UserError(
                    expected=f"one run of {art}",
                    got=f"run={settings.run} and {art}={asked}",
                    fix=f"Leave one of the two out: {art}= is run= for an art that is named.",
                )
            run, asked = any_art, settings.run
        elif asked == OFF or (asked is None and not ships(art)):
            continue
        else:
            run = load(asked, art)
        if run.art.name != art:
            raise UserError(
                expected=f"a run of {art}",
                got=f"{run.folder}, a run of {run.art.name}",
                fix=f"Give {art}= of `metaart train {art}`, or leave it out.",
            )
        found[art] = ServedRun(None if asked is None else str(Path(asked).resolve()), run.name)
    if not found:
        raise UserError(expected="at least one art to serve", got="all of them off", fix=f"Leave {arts[-1]}=off out.")
    return found


def _of_any_art(folder: str) -> Run:
    """A run of an art that is served.

    Raises:
        UserError: the run is missing or damaged, or of an art without an address.
    """
    run = load(folder)
    if run.art.name not in served_arts():
        raise UserError(
            expected=f"a run of {', '.join(served_arts())}",
            got=f"{folder}, a run of {run.art.name}",
            fix="Give a run of `metaart train` for one of these.",
        )
    return run
