"""Which keys may be searched, and under which names."""

from __future__ import annotations

import pytest

from metaart.algorithms import ALGORITHMS
from metaart.config import override, to_json
from metaart.errors import UserError
from metaart.recipes import recipe
from tune.keys import changes_pooled, full_key, read_space, settle

MUSIC = recipe("music")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("alpha", "algorithm.alpha"),
        ("steps", "algorithm.steps"),
        ("inner", "algorithm.inner"),
        ("outer_lr", "meta.outer_lr"),
        ("tasks", "meta.tasks"),
        ("hidden_size", "domain.hidden_size"),
        ("meta.steps", "meta.steps"),
        ("algorithm", "algorithm"),
        ("batching.mode", "batching.mode"),
    ],
)
def test_short_names_stand_for_keys(name: str, key: str) -> None:
    assert full_key(name, MUSIC) == key


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ("alpa=uniform(1,2)", "Did you mean 'alpha'"),
        ("algorithm.alpa=uniform(1,2)", "Did you mean 'alpha'"),
        ("zzz=uniform(1,2)", "a key of the run"),
        ("meta.episode.support=choice(1,5)", "judged on"),
        ("validation_tasks=choice(1,5)", "judged on"),
        ("seed=randint(1,5)", "judged on"),
        ("data=choice(a,b)", "judged on"),
        ("workers=choice(1,2)", "what is learned"),
        ("deepspeed.zero_stage=choice(0,1)", "what is learned"),
        ("steps=choice(0,1)", r"algorithm\.steps to be a whole number from 1 up"),
        ("steps=uniform(1,3)", "whole number"),
        ("alpha=uniform(-1,1)", "above 0"),
        ("learn_alpha=choice(no,none)", "learn_alpha"),
        ("algorithm=choice(maml,mamml)", "algorithm to be one of"),
        ("algorithm=choice(maml,protonet)", "tells hands apart"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_anything_starts(space: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_space([space], MUSIC)


def test_one_key_under_two_names_is_refused() -> None:
    with pytest.raises(UserError, match="one space for each key"):
        read_space(["alpha=uniform(1,2)", "algorithm.alpha=uniform(1,2)"], MUSIC)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_what_an_algorithm_names_as_worth_searching_can_be_searched(name: str) -> None:
    """Alpha first, and within what the configuration takes; an algorithm without such a space asks for one."""
    spaces = getattr(ALGORITHMS[name].config(), "search_space", {})
    config = override(recipe("critique"), [f"algorithm={name}"])
    if not spaces:
        with pytest.raises(UserError, match="a space to search"):
            read_space([], config)
        return
    space = read_space([], config)
    assert [parameter.key for parameter in space] == [f"algorithm.{key}" for key in spaces]
    if hasattr(ALGORITHMS[name].config(), "alpha"):
        assert space[0].key == "algorithm.alpha"


def test_long_steps_of_adam_are_not_searched_where_sgd_is() -> None:
    adam, sgd = (read_space([], override(MUSIC, [f"algorithm.inner={inner}"]))[0] for inner in ("adam", "sgd"))
    assert float(adam.probes[-1]) < float(sgd.probes[-1])


def test_a_point_settles_a_configuration_whatever_the_order_of_its_keys() -> None:
    point = {"algorithm.alpha": "0.5", "algorithm.steps": "3", "algorithm": "anil"}
    for keys in (list(point), list(reversed(point))):
        config = settle(MUSIC, {key: point[key] for key in keys})
        assert (config.algorithm.alpha, config.algorithm.steps) == (0.5, 3)
        assert '"kind": "anil"' in to_json(config)


def test_pooled_models_differ_where_the_pooled_stage_or_the_network_is_searched() -> None:
    assert changes_pooled(["algorithm.alpha", "domain.hidden_size"])
    assert changes_pooled(["pretrain.steps"])
    assert not changes_pooled(["algorithm.alpha", "meta.outer_lr", "algorithm"])
