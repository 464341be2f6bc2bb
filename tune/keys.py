"""Which settings a space may search: their full names, and those that all trials must share."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Sequence

from cluster.config import ClusterConfig
from metaart.build import build_algorithm, build_domain
from metaart.config import SWITCHABLE, RunConfig, override
from metaart.errors import UserError
from tune.space import Parameter, Point, corners, parse

JUDGING = ("meta.episode", "meta.validation_tasks", "meta.validate_every", "seed", "data", "recipe")
"""What decides on which validation tasks, and when, a trial is judged."""

_PARTS = ("algorithm", "meta", "domain", "pretrain", "batching")
"""Where a short name is looked for, in this order."""


def read_space(texts: Sequence[str], config: RunConfig) -> list[Parameter]:
    """Read a space whose every corner is a configuration that can be built.

    Args:
        texts: `NAME=KIND(...)`; NAME is a full key of `--set`, or a short one that stands in the algorithm, a stage or
            the art form, looked for in that order. None asks for what the algorithm names as worth searching.
        config: of the run that is searched.

    Raises:
        UserError: no space, an unknown key, one that all trials must share, values that the key refuses.
    """
    texts = list(texts) or [f"{name}={space}" for name, space in getattr(config.algorithm, "search_space", {}).items()]
    if not texts:
        raise UserError(
            expected="a space to search",
            got="none, and the algorithm has none of its own",
            fix="Use --space 'meta.outer_lr=loguniform(1e-4,1e-2)'.",
        )
    space: list[Parameter] = []
    for text in texts:
        parameter = parse(text)
        space.append(dataclasses.replace(parameter, key=full_key(parameter.key, config)))
    keys = [parameter.key for parameter in space]
    if len(set(keys)) != len(keys):
        raise UserError(expected="one space for each key", got=", ".join(keys), fix="Leave one of the equal ones out.")
    domain = build_domain(config)
    for point in corners(space):
        settled = settle(config, point)
        build_algorithm(settled, domain if settled.domain == config.domain else build_domain(settled))
    return space


def full_key(name: str, config: RunConfig) -> str:
    """The full key that a name stands for: `alpha` for `algorithm.alpha`.

    Raises:
        UserError: there is none, or all trials must share it.
    """
    if name.partition(".")[0] in {entry.name for entry in dataclasses.fields(ClusterConfig)}:
        raise UserError(
            expected="a setting that changes what is learned", got=repr(name), fix=f"Fix it for all: --set {name}=..."
        )
    own = {entry.name for entry in dataclasses.fields(config)}
    inside = {
        part: {entry.name for entry in dataclasses.fields(getattr(config, part))}
        for part in _PARTS
        if dataclasses.is_dataclass(getattr(config, part))
    }
    key = name
    if "." not in name and name not in own:
        key = next((f"{part}.{name}" for part, names in inside.items() if name in names), "")
    if not key:
        keys = [*own, *(entry for names in inside.values() for entry in names)]
        close = difflib.get_close_matches(name, keys, n=1)
        raise UserError(
            expected="a key of the run",
            got=repr(name),
            fix=f"Did you mean {close[0]!r}?" if close else "`metaart train RECIPE --show` prints them all.",
        )
    if any(key == fixed or key.startswith(f"{fixed}.") for fixed in JUDGING):
        raise UserError(
            expected="a key that leaves alone what trials are judged on",
            got=repr(key),
            fix=f"Losses on other tasks cannot be compared; fix it for all: --set {key}=...",
        )
    return key


def settle(config: RunConfig, point: Point) -> RunConfig:
    """A configuration at a point of a space; what brings keys of its own (`algorithm=anil`) is set first.

    Raises:
        UserError: the point is no configuration.
    """
    ordered = sorted(point, key=lambda key: key not in SWITCHABLE)
    return override(config, [f"{key}={point[key]}" for key in ordered])


def changes_pooled(keys: Sequence[str]) -> bool:
    """Whether a search over these keys makes pooled models that differ, so that trials cannot share one."""
    return any(key.partition(".")[0] in ("pretrain", "domain") for key in keys)
