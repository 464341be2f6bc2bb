"""Settings by `key=value`, and configurations through JSON."""

from __future__ import annotations

import dataclasses
import json
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.algorithms import Batching
from metaart.algorithms.maml import MAMLConfig
from metaart.algorithms.pooled import PooledConfig
from metaart.config import RunConfig, StageConfig, from_json, override, settings_between, to_json
from metaart.data.sampler import EpisodeConfig
from metaart.domains.music.domain import MusicConfig
from metaart.domains.sinusoid.domain import SinusoidConfig
from metaart.errors import TooLarge, UserError, WrongFormat
from metaart.recipes import recipe

positive = st.integers(1, 10_000)
rates = st.floats(1e-9, 1e3, allow_nan=False)
stages = st.builds(
    StageConfig,
    steps=st.integers(0, 10_000),
    tasks=positive,
    episode=st.builds(EpisodeConfig, st.integers(0, 20), st.integers(1, 20), st.floats(0, 1)),
    optimizer=st.sampled_from(["adam", "sgd"]),
    outer_lr=rates,
    warmup=st.floats(0, 0.99),
    anneal=st.booleans(),
    clip_norm=st.floats(0, 10),
)
algorithms = st.one_of(
    st.just(PooledConfig()),
    st.builds(
        MAMLConfig,
        steps=st.just(5),
        order=st.sampled_from([1, 2]),
        alpha=rates,
        learn_alpha=st.sampled_from(["no", "layer", "layer_step", "weight"]),
        inner=st.sampled_from(["sgd", "adam"]),
        query_loss_at=st.lists(st.integers(1, 5)).map(tuple),
    ),
)
domains = st.one_of(
    st.builds(SinusoidConfig, positive), st.builds(MusicConfig, max_tokens=st.integers(16, 500), hidden_size=positive)
)
runs = st.builds(
    RunConfig,
    recipe=st.text(),
    domain=domains,
    algorithm=algorithms,
    data=st.text(),
    batching=st.builds(Batching, st.sampled_from(["auto", "vmap", "loop"]), st.integers(0, 64)),
    pretrain=stages,
    meta=stages,
    seed=st.integers(0, 2**32 - 1),
    log_every=positive,
    checkpoint_every=positive,
)


@given(runs)
@settings(max_examples=60, deadline=None)
def test_a_configuration_goes_through_json(config: RunConfig) -> None:
    assert from_json(to_json(config)) == config


@given(runs, runs)
@settings(max_examples=60, deadline=None)
def test_the_settings_between_two_configurations_lead_from_one_to_the_other(one: RunConfig, other: RunConfig) -> None:
    assert override(one, settings_between(one, other)) == other
    assert settings_between(other, other) == []


def leaves(config: Any, path: str = "") -> list[tuple[str, Any]]:
    found = []
    for field in dataclasses.fields(config):
        value, key = getattr(config, field.name), path + field.name
        found += leaves(value, key + ".") if dataclasses.is_dataclass(value) else [(key, value)]
    return found


@given(runs, runs)
@settings(max_examples=30, deadline=None)
def test_every_value_can_be_set_by_its_path(config: RunConfig, wanted: RunConfig) -> None:
    kinds = {"domain": {SinusoidConfig: "sinusoid", MusicConfig: "music"},
             "algorithm": {PooledConfig: "pooled", MAMLConfig: "maml"}}  # fmt: skip
    switches = [f"{name}={by_kind[type(getattr(wanted, name))]}" for name, by_kind in kinds.items()]
    values = [f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in leaves(wanted)]
    assert override(config, [*switches, *values]) == wanted


@pytest.mark.parametrize(
    ("setting", "key", "value"),
    [
        ("meta.steps=7", "meta.steps", 7),
        ("meta.outer_lr=1", "meta.outer_lr", 1.0),
        ("meta.anneal=no", "meta.anneal", False),
        ("domain.new_hands.invert=off", "domain.new_hands.invert", False),
        ("algorithm.learn_alpha=no", "algorithm.learn_alpha", "no"),
        ("algorithm.order=1", "algorithm.order", 1),
        ("algorithm.query_loss_at=1", "algorithm.query_loss_at", (1,)),
        ("data=a=b", "data", "a=b"),
        ("data=", "data", ""),
    ],
)
def test_settings_are_read_as_what_they_set(setting: str, key: str, value: Any) -> None:
    config = override(recipe("music"), [setting])
    got = dict(leaves(config))[key]
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("meta.step=3", "Did you mean 'steps'?"),
        ("algoritm.order=1", "Did you mean 'algorithm'?"),
        ("nothing.like.this=1", "one of the keys"),
        ("meta.steps.more=1", "steps to be set itself"),
        ("meta=3", "meta.steps"),
        ("meta.steps", "a setting key=value"),
        ("=3", "a setting key=value"),
        ("meta.steps=1.5", "a whole number"),
        ("meta.steps=true", "a whole number"),
        ("meta.steps=many", "a whole number"),
        ("meta.anneal=1", "true or false"),
        ("meta.outer_lr=fast", "a number"),
        ("meta.outer_lr=NaN", "above 0"),
        ("meta.outer_lr=1e999", "above 0"),
        ("meta.optimizer=rmsprop", "adam or sgd"),
        ("algorithm.order=3", "1 or 2"),
        ("algorithm.alpha=-0.1", "inner learning rate"),
        ("algorithm.query_loss_at=[1,", "algorithm.query_loss_at"),
        ("algorithm=mamal", "maml, anil, protonet, pooled"),
        ("domain=musik", "critique, music, rating, sinusoid"),
        ("batching.mode=both", "vmap or loop or auto"),
        ("meta.episode.query=0", "meta.episode.query to be a whole number from 1 up"),
        ("domain.max_tokens=3", "from 16 up"),
        ("seed=-1", "seed to be a whole number from 0 to 2^32 - 1"),
        ("log_every=0", "log_every"),
    ],
)
def test_what_cannot_be_set_is_said(setting: str, reason: str) -> None:
    with pytest.raises(UserError) as caught:
        override(recipe("music"), [setting])
    assert reason in str(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "3", "{}", '{"recipe": 3}', '{"recipe": "x", "domain": {}, "algorithm": {}}',
     '{"recipe": "x", "domain": {"kind": "opera"}, "algorithm": {"kind": "maml"}}',
     '{"recipe": "x", "domain": {"kind": "music"}, "algorithm": {"kind": "maml"}, "meta": 3}',
     '{"recipe": "x", "domain": {"kind": "music"}, "algorithm": {"kind": "maml"}, "meta": {"steps": "3"}}',
     '{"recipe": "x", "domain": {"kind": "music"}, "algorithm": {"kind": "maml", "alpha": -1}}',
     '{"recipe": "x", "domain": {"kind": "music"}, "algorithm": {"kind": "maml"}, "metta": {}}'],
)  # fmt: skip
def test_json_that_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        from_json(text)


def test_the_rate_rises_stays_or_falls_to_zero() -> None:
    stage = StageConfig(steps=100, outer_lr=2.0, warmup=0.1)
    rates = [stage.rate(step) for step in range(100)]
    assert rates[:10] == pytest.approx([0.2 * (step + 1) for step in range(10)])
    assert max(rates) == 2.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 0.01
    assert rates[55] == pytest.approx(1.0)
    flat = StageConfig(steps=100, outer_lr=2.0, warmup=0.0, anneal=False)
    assert {flat.rate(step) for step in range(100)} == {2.0}


@pytest.mark.parametrize("kind", [UserError, TooLarge, WrongFormat])
def test_errors_teach_and_travel_between_processes(kind: type[UserError]) -> None:
    error = kind(expected="a tune", got="a stone", fix="Sing.")
    assert str(error) == "expected a tune; got a stone. Sing."
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert (back.expected, back.got, back.fix) == ("a tune", "a stone", "Sing.")
