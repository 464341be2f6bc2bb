"""What the service can be told: the arguments of `serve run serve.app:build name=value ...`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from metaart.errors import UserError


class Settings(BaseModel):
    """The service's arguments, with their defaults.

    Attributes:
        run: run directory of any art, served as what it is.
        music: run directory of the music model; left out, the one that ships with the package, if one does; `off`
            serves none.
        style: the same for style.
        critique: the same for attribution, whose hand a picture is.
        rating: the same for scores.
        min_replicas: model replicas that are always there.
        max_replicas: model replicas at most.
        replica_cpus: CPUs that Ray reserves for each of them, half a one so that every art fits a laptop of two; a
            replica computes on one thread.
        gateways: processes that read uploads and answer over HTTP.
        batch_size: pieces of music that one replica composes side by side, at most; pictures are done one by one.
        batch_wait_s: how long a batch waits to fill, seconds.
        max_queued: requests that wait for a replica before the next one is answered with 503.
        timeout_s: how long a request may take, once it has come in, before it is answered with 503, seconds.
        upscale_delay_s: how long there must be too much to do before a replica is added, seconds.
        downscale_delay_s: how long there must be too little before one is taken away, seconds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: str | None = None
    music: str | None = None
    style: str | None = None
    critique: str | None = None
    rating: str | None = None
    min_replicas: int = Field(1, ge=1)
    max_replicas: int = Field(2, ge=1)
    replica_cpus: float = Field(0.5, ge=0)
    gateways: int = Field(1, ge=1)
    batch_size: int = Field(8, ge=1, le=64)
    batch_wait_s: float = Field(0.02, ge=0, le=10)
    max_queued: int = Field(64, ge=1)
    timeout_s: float = Field(300.0, gt=0)
    upscale_delay_s: float = Field(5.0, ge=0)
    downscale_delay_s: float = Field(60.0, ge=0)


def settings_from(arguments: Mapping[str, Any]) -> Settings:
    """The settings that these arguments say.

    Raises:
        UserError: an unknown name, or a value that makes no sense.
    """
    try:
        settings = Settings.model_validate(dict(arguments))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        unknown = first["type"] == "extra_forbidden"
        names = ", ".join(Settings.model_fields)
        raise UserError(
            expected=f"arguments among {names}" if unknown else f"a value of {name} that is one",
            got=f"{name}={first['input']}" + ("" if unknown else f" ({first['msg']})"),
            fix="Start it with `serve run serve.app:build run=RUN`; docs/serving.md lists all arguments.",
        ) from error
    if settings.max_replicas < settings.min_replicas:
        raise UserError(
            expected="max_replicas of at least min_replicas",
            got=f"{settings.max_replicas} and {settings.min_replicas}",
            fix=f"Give max_replicas={settings.min_replicas} or more.",
        )
    return settings
