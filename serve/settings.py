"""What the service can be set to: the arguments of `serve run serve.app:build name=value ...`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from metaart.arts import ARTS
from metaart.errors import UserError
from serve.endpoints import is_served

OFF = "off"
"""The value of an art's argument that leaves it out."""


class Settings(BaseModel):
    """The service's settings; of `runs` each art that has an address is an argument of its own, by its name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: str | None = Field(None, description="run directory of any art, served as what it is")
    runs: dict[str, str] = Field({}, description="run directories by art; `off` serves none")
    min_replicas: int = Field(1, ge=1, description="model replicas that are always there")
    max_replicas: int = Field(2, ge=1, description="model replicas at most")
    replica_cpus: float = Field(
        0.5, ge=0, description="CPUs that Ray reserves for each of them; a replica computes on one thread"
    )
    gateways: int = Field(1, ge=1, description="processes that read uploads and answer")
    batch_size: int = Field(
        8, ge=1, le=64, description="requests that one replica answers side by side, at most, where an art can do that"
    )
    batch_wait_s: float = Field(0.02, ge=0, le=10, description="how long a batch waits to fill, seconds")
    max_queued: int = Field(
        64, ge=1, description="requests that wait for a replica, for each gateway, before the next is answered with 503"
    )
    timeout_s: float = Field(
        300.0, gt=0, description="how long a request may take, once it has come in, before it is answered with 503"
    )
    upscale_delay_s: float = Field(
        5.0, ge=0, description="how long there must be too much to do before a replica is added"
    )
    downscale_delay_s: float = Field(
        60.0, ge=0, description="how long there must be too little before one is taken away"
    )


def served_arts() -> list[str]:
    """The arts that have an address."""
    return [name for name, art in ARTS.items() if is_served(art)]


def settings_from(arguments: Mapping[str, Any]) -> Settings:
    """The settings that these arguments say.

    Raises:
        UserError: an unknown name, or a value that makes no sense.
    """
    arts = served_arts()
    names = ["run", *arts, *(name for name in Settings.model_fields if name not in ("run", "runs"))]
    if unknown := next((name for name in arguments if name not in names), None):
        raise UserError(
            expected=f"arguments among {', '.join(names)}",
            got=f"{unknown}={arguments[unknown]}",
            fix="Start it with `serve run serve.app:build run=RUN`; docs/serving.md lists all arguments.",
        )
    runs = {name: arguments[name] for name in arts if arguments.get(name) is not None}
    rest = {name: value for name, value in arguments.items() if name not in arts}
    try:
        settings = Settings.model_validate({**rest, "runs": runs})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][-1])
        raise UserError(
            expected=f"a value of {name} that is one",
            got=f"{name}={first['input']} ({first['msg']})",
            fix="docs/serving.md lists all arguments and what they mean.",
        ) from error
    if settings.max_replicas < settings.min_replicas:
        raise UserError(
            expected="max_replicas of at least min_replicas",
            got=f"{settings.max_replicas} and {settings.min_replicas}",
            fix=f"Give max_replicas={settings.min_replicas} or more.",
        )
    return settings
