"""What a run is, as typed and frozen values; overrides by `key=value`; to and from JSON."""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

from metaart.algorithms import ALGORITHMS, Batching
from metaart.data.location import absolute
from metaart.data.sampler import EpisodeConfig
from metaart.domains import DOMAINS
from metaart.errors import UserError
from metaart.old_runs import upgraded
from metaart.options import described, from_plain, from_text, option, options, replaced

T = TypeVar("T")
SWITCHABLE: dict[str, Mapping[str, Any]] = {"domain": DOMAINS, "algorithm": ALGORITHMS}
"""Fields whose class is chosen by a name, and the registries where it is the `config` of an entry."""


@options(section="meta")
class StageConfig:
    """One stage of training: a number of outer steps over batches of tasks."""

    steps: int = option(default=1000, ge=0, help="outer steps; 0 leaves the stage out")
    tasks: int = option(default=16, ge=1, help="tasks per step, over all workers together")
    episode: EpisodeConfig = option(default=EpisodeConfig(), help="works per task")
    optimizer: Literal["adam", "sgd"] = option(default="adam", help="of the outer loop")
    outer_lr: float = option(default=1e-3, gt=0, help="learning rate of the outer loop at its highest")
    warmup: float = option(default=0.02, ge=0, lt=1, help="share of the steps in which the rate rises from 0")
    anneal: bool = option(default=True, help="let the rate fall to 0 along a cosine over the remaining steps")
    clip_norm: float = option(default=0.0, ge=0, help="norm above which the outer gradient is scaled down; 0 is off")
    validate_every: int = option(
        default=200,
        ge=0,
        help="steps between validations; 0 is off. The weights kept are the best validated ones",
    )
    validation_tasks: int = option(default=32, ge=1, help="tasks per validation, the same every time")

    def rate(self, step: int) -> float:
        """The outer learning rate of a step (0-based)."""
        # A warm-up that was asked for lasts a step at least. The first step moves already, the last one of the rise at
        # the full rate; the cosine ends one step beyond the stage, so that no step is taken at rate 0.
        rising = max(1, round(self.warmup * self.steps)) if self.warmup else 0
        if step < rising:
            return self.outer_lr * (step + 1) / rising
        if not self.anneal:
            return self.outer_lr
        return self.outer_lr * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, self.steps - rising)))


@options()
class RunConfig:
    """All that decides a run."""

    recipe: str = option(help="the recipe it came from")
    domain: Any = option(help="the art form")
    algorithm: Any = option(help="how a learner adapts")
    data: str = option(default="", help="folder of prepared works, or its URL; empty where the domain needs none")
    batching: Batching = option(default=Batching(), help="how the tasks of a batch are computed together")
    pretrain: StageConfig = option(default=StageConfig(), help="the pooled stage, on all hands at once")
    meta: StageConfig = option(default=StageConfig(), help="the meta-training stage, from the pooled weights")
    seed: int = option(default=0, ge=0, le=2**32 - 1, help="of weights and tasks")
    log_every: int = option(default=20, ge=1, help="steps between lines of the metrics")
    checkpoint_every: int = option(default=200, ge=1, help="steps between checkpoints")

    @property
    def stages(self) -> dict[str, StageConfig]:
        """The stages in their order, by name; one of no steps is left out."""
        return {name: stage for name, stage in (("pretrain", self.pretrain), ("meta", self.meta)) if stage.steps}


def located(config: RunConfig) -> RunConfig:
    """The same run, its files named so that a process in another folder finds them.

    An art form whose configuration names files has a method `located` there that does the same.
    """
    domain = config.domain.located() if hasattr(config.domain, "located") else config.domain
    return dataclasses.replace(config, data=absolute(config.data), domain=domain)


def override(config: T, settings: Sequence[str]) -> T:
    """Apply settings such as `meta.steps=500`, `algorithm.order=1` or `algorithm=maml`, in order.

    Raises:
        UserError: no `=`, a key that is not there, a value of the wrong type or range.
    """
    for setting in settings:
        key, separator, text = setting.partition("=")
        if not separator or not key:
            raise UserError(expected="a setting key=value", got=repr(setting), fix="For example: --set meta.steps=500")
        config = _replace(config, key.split("."), text, key)
    return config


def settings_between(base: Any, config: Any, prefix: str = "") -> list[str]:
    """The settings that `override` makes a configuration of another with, such as those of a recipe file."""
    settings = []
    for name in (entry.name for entry in dataclasses.fields(config)):
        before, after = getattr(base, name), getattr(config, name)
        if name in SWITCHABLE and type(before) is not type(after):
            settings.append(f"{prefix}{name}={_plain(after)['kind']}")
            # A switch brings the defaults of its class: only what differs from those has to be set after it.
            before = type(after)()
        if dataclasses.is_dataclass(after):
            settings += settings_between(before, after, f"{prefix}{name}.")
        elif before != after:
            settings.append(f"{prefix}{name}={after if isinstance(after, str) else json.dumps(after)}")
    return settings


def to_json(config: Any) -> str:
    """A configuration as JSON; `from_json` reads it back equal."""
    return json.dumps(_plain(config), indent=2)


def from_json(text: str, *, where: str = "config.json") -> RunConfig:
    """Read what `to_json` wrote, in this version or an earlier one.

    Raises:
        UserError: not JSON, unknown keys, wrong types.
    """
    try:
        return _run_of(upgraded(dict(json.loads(text))))
    except UserError as error:
        fix = f"{error.fix} The run may be of another version."
        raise UserError(expected=error.expected, got=f"{where} with {error.got}", fix=fix) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            expected="the JSON of a run's configuration",
            got=f"{where}: {error}",
            fix="Take the file from the run again, or train the run again.",
        ) from error


def _run_of(plain: dict[str, Any]) -> RunConfig:
    """A run of plain values; parts that are objects are made by their own classes first."""
    # Each under its own section, so that an error names the key as `--set` takes it.
    values = dict(plain)
    for name, field in described(RunConfig).items():
        if name not in values:
            continue
        if name in SWITCHABLE:
            inside = dict(values[name])
            values[name] = from_plain(_registered(name, inside.pop("kind")), inside, section=name)
        elif hasattr(field.kind, "__section__"):
            values[name] = from_plain(field.kind, values[name], section=name)
    return RunConfig(**values)


def _replace(config: Any, path: list[str], text: str, key: str) -> Any:
    """The same configuration with the field at a path set from a text."""
    name, rest = path[0], path[1:]
    fields = described(type(config))
    if name not in fields:
        close = difflib.get_close_matches(name, fields, n=1)
        raise UserError(
            expected=f"one of the keys {', '.join(fields)}",
            got=f"{key!r}",
            fix=f"Did you mean {close[0]!r}?" if close else "`metaart train --help` shows where keys come from.",
        )
    current = getattr(config, name)
    if rest:
        if not dataclasses.is_dataclass(current):
            raise UserError(expected=f"{name} to be set itself", got=repr(key), fix=f"Use --set {name}=VALUE.")
        # On the way back every level is made anew, and so checks its fields together again.
        return dataclasses.replace(config, **{name: _replace(current, rest, text, key)})
    if name in SWITCHABLE:
        return dataclasses.replace(config, **{name: _registered(name, text)()})
    if dataclasses.is_dataclass(current):
        inside = ", ".join(f"{key}.{entry.name}" for entry in dataclasses.fields(current))
        raise UserError(expected=f"one of the keys {inside}", got=repr(key), fix="Set one of them.")
    return replaced(config, name, from_text(type(config), name, text), key=key)


def _registered(name: str, choice: Any) -> type[Any]:
    registry = SWITCHABLE[name]
    if choice not in registry:
        raise UserError(
            expected=f"{name} to be one of {', '.join(registry)}", got=repr(choice), fix=f"Use --set {name}=NAME."
        )
    kind: type[Any] = registry[choice].config
    return kind


def _plain(value: Any) -> Any:
    if not dataclasses.is_dataclass(value):
        return list(value) if isinstance(value, tuple) else value
    plain = {entry.name: _plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
    for registry in SWITCHABLE.values():
        for name, entry in registry.items():
            # The very class: that of one algorithm may inherit from that of another.
            if type(value) is entry.config:
                return {"kind": name, **plain}
    return plain
