"""What a run is, as typed and frozen values; overrides by `key=value`; to and from JSON."""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from metaart.algorithms import ALGORITHMS, Batching
from metaart.data.location import absolute
from metaart.data.sampler import EpisodeConfig
from metaart.domains import DOMAINS
from metaart.errors import UserError

T = TypeVar("T")
SWITCHABLE: dict[str, dict[str, type[Any]]] = {
    "domain": {name: entry.config for name, entry in DOMAINS.items()},
    "algorithm": {name: entry.config for name, entry in ALGORITHMS.items()},
}
"""Fields whose class is chosen by a registered name."""


@dataclass(frozen=True)
class StageConfig:
    """One stage of training: a number of outer steps over batches of tasks.

    Attributes:
        steps: outer steps; 0 leaves the stage out.
        tasks: tasks per step, over all workers together.
        episode: works per task.
        optimizer: of the outer loop, `adam` or `sgd`.
        outer_lr: its learning rate at its highest.
        warmup: share of the steps in which the rate rises from 0.
        anneal: let the rate fall to 0 along a cosine over the remaining steps.
        clip_norm: norm above which the outer gradient is scaled down; 0 is off.
        validate_every: steps between validations; 0 is off. The weights kept are the best validated ones.
        validation_tasks: tasks per validation, the same every time.
    """

    steps: int = 1000
    tasks: int = 16
    episode: EpisodeConfig = field(default_factory=EpisodeConfig)
    optimizer: Literal["adam", "sgd"] = "adam"
    outer_lr: float = 1e-3
    warmup: float = 0.02
    anneal: bool = True
    clip_norm: float = 0.0
    validate_every: int = 200
    validation_tasks: int = 32

    def __post_init__(self) -> None:
        for good, name, expected in (
            (self.steps >= 0, "steps", "0 or more"),
            (self.tasks >= 1, "tasks", "1 or more"),
            (self.optimizer in ("adam", "sgd"), "optimizer", "adam or sgd"),
            (math.isfinite(self.outer_lr) and self.outer_lr > 0, "outer_lr", "above 0"),
            (0 <= self.warmup < 1, "warmup", "a share from 0 to below 1"),
            (self.clip_norm >= 0, "clip_norm", "0 (off) or a norm above 0"),
            (self.validate_every >= 0, "validate_every", "0 (off) or a number of steps"),
            (self.validation_tasks >= 1, "validation_tasks", "1 or more"),
        ):
            if not good:
                raise UserError(
                    expected=f"{name} of a stage to be {expected}",
                    got=repr(getattr(self, name)),
                    fix=f"Give another value: --set meta.{name}=... or --set pretrain.{name}=...",
                )

    def rate(self, step: int) -> float:
        """The outer learning rate of a step (0-based)."""
        rising = max(1, round(self.warmup * self.steps)) if self.warmup else 0
        if step < rising:
            return self.outer_lr * (step + 1) / rising
        if not self.anneal:
            return self.outer_lr
        return self.outer_lr * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, self.steps - rising)))


@dataclass(frozen=True)
class RunConfig:
    """All that decides a run.

    Attributes:
        recipe: the recipe it came from.
        domain: the art form.
        algorithm: how a learner adapts.
        data: folder of prepared works, or its URL; empty where the domain needs none.
        batching: how the tasks of a batch are computed together.
        pretrain: the pooled stage, on all hands at once.
        meta: the meta-training stage, from the pooled weights.
        seed: of weights and tasks.
        log_every: steps between lines of the metrics.
        checkpoint_every: steps between checkpoints.
    """

    recipe: str
    domain: Any
    algorithm: Any
    data: str = ""
    batching: Batching = field(default_factory=Batching)
    pretrain: StageConfig = field(default_factory=StageConfig)
    meta: StageConfig = field(default_factory=StageConfig)
    seed: int = 0
    log_every: int = 20
    checkpoint_every: int = 200

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**32:
            raise UserError(expected="a seed from 0 to 4294967295", got=str(self.seed), fix="Use --set seed=0.")
        if self.log_every < 1 or self.checkpoint_every < 1:
            raise UserError(
                expected="log_every and checkpoint_every of 1 step or more",
                got=f"{self.log_every} and {self.checkpoint_every}",
                fix="Use --set log_every=20 --set checkpoint_every=200.",
            )


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
    """Read what `to_json` wrote.

    Raises:
        UserError: not JSON, unknown keys, wrong types.
    """
    try:
        return typing.cast(RunConfig, _built(RunConfig, json.loads(text)))
    except UserError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            expected="the JSON of a run's configuration",
            got=f"{where}: {error}",
            fix="Take the file from the run again, or train the run again.",
        ) from error


def _replace(config: Any, path: list[str], text: str, key: str) -> Any:
    name, rest = path[0], path[1:]
    known = [entry.name for entry in dataclasses.fields(config)]
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        raise UserError(
            expected=f"one of the keys {', '.join(known)}",
            got=f"{key!r}",
            fix=f"Did you mean {close[0]!r}?" if close else "`metaart train --help` shows where keys come from.",
        )
    current = getattr(config, name)
    if rest:
        if not dataclasses.is_dataclass(current):
            raise UserError(expected=f"{name} to be set itself", got=repr(key), fix=f"Use --set {name}=VALUE.")
        return dataclasses.replace(config, **{name: _replace(current, rest, text, key)})
    if name in SWITCHABLE:
        return dataclasses.replace(config, **{name: _registered(name, text)()})
    if dataclasses.is_dataclass(current):
        inside = ", ".join(f"{key}.{entry.name}" for entry in dataclasses.fields(current))
        raise UserError(expected=f"one of the keys {inside}", got=repr(key), fix="Set one of them.")
    kind = typing.get_type_hints(type(config))[name]
    return dataclasses.replace(config, **{name: _parse(kind, text, key)})


def _parse(kind: Any, text: str, key: str) -> Any:
    try:
        return _coerced(kind, json.loads(text) if kind is not str and typing.get_origin(kind) is not Literal else text)
    except (ValueError, TypeError) as error:
        words = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False}
        if kind is bool and text.lower() in words:
            return words[text.lower()]
        raise UserError(
            expected=f"{key} to be {_named(kind)}", got=repr(text), fix=f"Give another value: --set {key}=..."
        ) from error


def _coerced(kind: Any, value: Any) -> Any:
    origin = typing.get_origin(kind)
    if origin is Literal:
        for choice in typing.get_args(kind):
            if str(choice) == str(value):
                return choice
        raise ValueError(f"{value!r} is none of {typing.get_args(kind)}")
    if origin in (typing.Union, types.UnionType):
        return None if value is None else _coerced(next(k for k in typing.get_args(kind) if k is not type(None)), value)
    if origin is tuple:
        values = value if isinstance(value, list) else [value]
        return tuple(_coerced(typing.get_args(kind)[0], entry) for entry in values)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise TypeError(f"{value!r} is not {_named(kind)}")


def _named(kind: Any) -> str:
    if typing.get_origin(kind) is Literal:
        return " or ".join(str(choice) for choice in typing.get_args(kind))
    return {int: "a whole number", float: "a number", bool: "true or false", str: "text"}.get(kind, str(kind))


def _registered(name: str, choice: Any) -> type[Any]:
    registry = SWITCHABLE[name]
    if choice not in registry:
        raise UserError(
            expected=f"{name} to be one of {', '.join(registry)}", got=repr(choice), fix=f"Use --set {name}=NAME."
        )
    return registry[choice]


def _plain(value: Any) -> Any:
    if not dataclasses.is_dataclass(value):
        return list(value) if isinstance(value, tuple) else value
    plain = {entry.name: _plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
    for registry in SWITCHABLE.values():
        for name, kind in registry.items():
            if type(value) is kind:
                return {"kind": name, **plain}
    return plain


def _built(kind: Any, value: Any) -> Any:
    hints = typing.get_type_hints(kind)
    arguments = {}
    for name, entry in value.items():
        if name not in hints:
            raise UserError(
                expected=f"the keys {', '.join(hints)}", got=repr(name), fix="The run may be of another version."
            )
        if name in SWITCHABLE:
            inner = dict(entry)
            arguments[name] = _built(_registered(name, inner.pop("kind")), inner)
        elif dataclasses.is_dataclass(hints[name]):
            arguments[name] = _built(hints[name], entry)
        else:
            arguments[name] = _coerced(hints[name], entry)
    return kind(**arguments)
