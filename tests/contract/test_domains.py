"""What every registered art form owes the rest."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.func import functional_call, grad, jvp, vmap

from metaart.algorithms.pooled import PooledConfig
from metaart.config import RunConfig, from_json, to_json
from metaart.domains import DOMAINS, Domain
from metaart.errors import UserError
from metaart.tasks import Examples, Params, Task, select
from tests.contract.arts import data_of, doubled, draw, small_config, small_domain

pytestmark = pytest.mark.parametrize("art", DOMAINS)
SPLITS = ("train", "validation", "test")


@pytest.fixture
def domain(art: str) -> Domain:
    torch.manual_seed(0)
    return small_domain(art)


@pytest.fixture
def data(art: str, request: pytest.FixtureRequest) -> Path | None:
    return data_of(art, request)


@pytest.fixture
def tasks(art: str, domain: Domain, data: Path | None) -> Task:
    return draw(art, domain, data)


def test_it_has_hands_in_every_split(art: str, domain: Domain, data: Path | None) -> None:
    for split in SPLITS:
        for varied in (True, False):
            hands = domain.hands(data, split, varied=varied)  # type: ignore[arg-type]
            assert hands
            assert len({hand.name for hand in hands}) == len(hands)
            for hand in hands:
                examples = hand.examples([0, 1, 2], np.random.default_rng(0))
                assert {value.shape[0] for value in examples.values()} == {3}


def test_a_variation_is_its_seed(art: str, domain: Domain, data: Path | None) -> None:
    (hand, *_) = domain.hands(data, "train", varied=True)
    drawn = [hand.examples([0, 1, 2], np.random.default_rng(seed)) for seed in (5, 5, *range(6, 14))]
    assert all(torch.equal(value, drawn[1][name]) for name, value in drawn[0].items())
    assert any(not torch.equal(value, other[name]) for other in drawn[2:] for name, value in drawn[0].items())


def test_its_learner_has_no_buffers_and_is_fresh(art: str, domain: Domain) -> None:
    one, other = domain.learner(), domain.learner()
    assert list(one.named_buffers()) == []
    assert any(not torch.equal(*pair) for pair in zip(one.parameters(), other.parameters(), strict=True))
    torch.manual_seed(4)
    third = domain.learner()
    torch.manual_seed(4)
    assert all(torch.equal(*pair) for pair in zip(third.parameters(), domain.learner().parameters(), strict=True))


def test_its_loss_takes_every_derivative_that_meta_learning_does(art: str, domain: Domain, tasks: Task) -> None:
    """grad, jvp of grad (Hessian times vector) mapped over tasks; both equal to reverse mode twice."""
    learner = domain.learner().double()
    theta = {name: value.detach() for name, value in learner.named_parameters()}
    direction = {name: torch.randn_like(value) for name, value in theta.items()}

    def loss(params: Params, examples: Examples) -> torch.Tensor:
        return domain.loss(lambda *inputs: functional_call(learner, params, inputs), examples)

    def product(examples: Examples) -> Params:
        return jvp(lambda params: grad(loss)(params, examples), (theta,), (direction,))[1]  # type: ignore[no-any-return]

    query = doubled(tasks).query
    mapped = vmap(product)(query)
    for index in range(3):
        params = {name: value.clone().requires_grad_() for name, value in theta.items()}
        value = loss(params, select(doubled(tasks), index).query)
        assert value.shape == ()
        first = torch.autograd.grad(value, list(params.values()), create_graph=True)
        along = sum((slope * direction[name]).sum() for name, slope in zip(params, first, strict=True))
        second = torch.autograd.grad(along, list(params.values()), materialize_grads=True)  # type: ignore[arg-type]
        for name, slope in zip(params, second, strict=True):
            torch.testing.assert_close(mapped[name][index], slope, rtol=1e-7, atol=1e-10)


def test_its_loss_is_a_mean_over_its_targets(art: str, domain: Domain, tasks: Task) -> None:
    learner, query = domain.learner(), select(tasks, 0).query
    works = next(iter(query.values())).shape[0]
    parts = [{name: value[index : index + 1] for name, value in query.items()} for index in range(works)]
    total = sum(domain.loss(learner, part) * domain.targets(part) for part in parts)
    torch.testing.assert_close(domain.loss(learner, query) * domain.targets(query), total)
    assert domain.targets(query) == sum(domain.targets(part) for part in parts) > 0
    assert domain.units(query) == sum(domain.units(part) for part in parts) > 0


def test_its_loss_has_a_unit_and_no_works_have_a_cost_of_nothing(art: str, domain: Domain, tasks: Task) -> None:
    assert domain.unit
    none = {name: value[:0] for name, value in select(tasks, 0).support.items()}
    assert (domain.units(none), domain.targets(none)) == (0, 0)


def test_it_keeps_what_a_run_needs(art: str, domain: Domain, tmp_path: Path) -> None:
    for name, asset in domain.assets().items():
        path = tmp_path / name
        path.write_bytes(asset)
        domain.check_asset(path)
        for damaged in (asset[: len(asset) // 2], b"", b"{}"):
            path.write_bytes(damaged)
            with pytest.raises(UserError, match=name):
                domain.check_asset(path)
        path.unlink()
        with pytest.raises(UserError, match=name):
            domain.check_asset(path)


def test_its_configuration_is_frozen_and_goes_through_json(art: str) -> None:
    entry = DOMAINS[art]
    assert dataclasses.is_dataclass(entry.config)
    for domain_config in (entry.config(), small_config(art)):
        config = RunConfig(recipe="contract", domain=domain_config, algorithm=PooledConfig())
        assert from_json(to_json(config)) == config
        hash(domain_config)
    for field in dataclasses.fields(entry.config):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(entry.config(), field.name, getattr(entry.config(), field.name))
