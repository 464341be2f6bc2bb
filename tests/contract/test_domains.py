"""What every registered art form owes the rest."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.func import functional_call, grad, jvp, vmap

from metaart.algorithms.pooled import PooledConfig
from metaart.config import RunConfig, from_json, to_json
from metaart.domains import DOMAINS, Domain
from metaart.errors import UserError
from metaart.tasks import Examples, Params, Task, select
from tests.contract.arts import BEGINNINGS, WISHES, data_of, doubled, draw, small_config, small_domain

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
    for place in range(3):
        params = {name: value.clone().requires_grad_() for name, value in theta.items()}
        value = loss(params, select(doubled(tasks), place).query)
        assert value.shape == ()
        first = torch.autograd.grad(value, list(params.values()), create_graph=True)
        along = sum((slope * direction[name]).sum() for name, slope in zip(params, first, strict=True))
        second = torch.autograd.grad(along, list(params.values()), materialize_grads=True)  # type: ignore[arg-type]
        for name, slope in zip(params, second, strict=True):
            torch.testing.assert_close(mapped[name][place], slope, rtol=1e-7, atol=1e-10)


def test_its_loss_is_a_mean_over_its_targets(art: str, domain: Domain, tasks: Task) -> None:
    learner, query = domain.learner(), select(tasks, 0).query
    works = next(iter(query.values())).shape[0]
    parts = [{name: value[place : place + 1] for name, value in query.items()} for place in range(works)]
    total = sum(domain.loss(learner, part) * domain.targets(part) for part in parts)
    torch.testing.assert_close(domain.loss(learner, query) * domain.targets(query), total)
    assert domain.targets(query) == sum(domain.targets(part) for part in parts) > 0
    assert domain.units(query) == sum(domain.units(part) for part in parts) > 0


def test_its_views_and_baselines_have_losses(art: str, domain: Domain, tasks: Task) -> None:
    task, learner = select(tasks, 0), domain.learner()
    assert domain.views
    assert domain.unit
    predictors = [learner, *(count(task.support) for count in domain.baselines.values())]
    for view in domain.views.values():
        assert view(task.query).keys() == task.query.keys()
        for predict in predictors:
            assert domain.loss(predict, view(task.query)).isfinite()


def test_it_renders_side_by_side_what_it_renders_alone(art: str, domain: Domain) -> None:
    """In double precision, as `Creator` does: what is left of rounding is too small to be seen or heard."""
    learners, wishes = [domain.learner().double() for _ in WISHES[art]], WISHES[art]

    def double(value: Any) -> Any:
        return value.double() if isinstance(value, torch.Tensor) and value.is_floating_point() else value

    def predictor(chosen: list[torch.nn.Module]) -> Callable[..., Any]:
        params = {name: torch.stack([dict(one.named_parameters())[name].detach() for one in chosen])
                  for name, _ in chosen[0].named_parameters()}  # fmt: skip

        def predict(*inputs: Any) -> Any:
            mapped = vmap(lambda weights, *rest: functional_call(chosen[0], weights, rest))
            return mapped(params, *(double(value) for value in inputs))

        return predict

    together = domain.render(predictor(learners), wishes)
    assert all(file.startswith(BEGINNINGS[art]) for file in together)
    for place, (learner, wish) in enumerate(zip(learners, wishes, strict=True)):
        assert domain.render(predictor([learner]), [wish]) == [together[place]]


def test_it_refuses_files_that_are_none_of_its(art: str, domain: Domain) -> None:
    for files in ([], [b""], [b"not a work of art"], [b"junk"] * 21):
        with pytest.raises(UserError):
            domain.read(files)


def test_it_keeps_what_a_run_needs(art: str, domain: Domain, tmp_path: Path) -> None:
    domain.save_assets(tmp_path)
    domain.check_assets(tmp_path)
    for asset in list(tmp_path.iterdir()):
        whole = asset.read_bytes()
        for damaged in (whole[: len(whole) // 2], b"", b"{}"):
            asset.write_bytes(damaged)
            with pytest.raises(UserError, match=asset.name):
                domain.check_assets(tmp_path)
        asset.unlink()
        with pytest.raises(UserError, match=asset.name):
            domain.check_assets(tmp_path)
        asset.write_bytes(whole)


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
