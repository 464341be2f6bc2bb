"""What every registered algorithm owes every registered art form."""

from __future__ import annotations

import pytest
import torch

from metaart.algorithms import ALGORITHMS, Batching, MetaAlgorithm
from metaart.config import RunConfig, StageConfig, from_json, override, to_json
from metaart.domains import DOMAINS
from metaart.errors import UserError
from metaart.tasks import Task, num_tasks, select
from metaart.training.step import LocalStep
from tests.contract.arts import FITTING, data_of, doubled, draw, small, small_config, small_domain

PAIRS = FITTING
"""What goes together; the rest is refused, see the last test."""

together = pytest.mark.parametrize(("name", "art"), PAIRS)


@pytest.fixture
def tasks(art: str, request: pytest.FixtureRequest) -> Task:
    return draw(art, small_domain(art), data_of(art, request))


def build(name: str, art: str, batching: Batching = Batching("loop")) -> MetaAlgorithm:  # noqa: B008
    torch.manual_seed(0)
    domain, entry = small_domain(art), ALGORITHMS[name]
    return entry.build(domain.base_learner(), small(entry.config()), batching)


@together
def test_an_outer_step_is_finite_and_moves_weights(name: str, art: str, tasks: Task) -> None:
    algorithm = build(name, art)
    loss = algorithm(tasks)
    assert loss.shape == ()
    grads = torch.autograd.grad(loss, list(algorithm.parameters()), allow_unused=True)
    assert all(grad is None or bool(grad.isfinite().all()) for grad in grads)
    assert any(grad is not None and bool(grad.any()) for grad in grads)
    before = {key: value.clone() for key, value in algorithm.state_dict().items()}
    step = LocalStep(algorithm, StageConfig())
    assert step(tasks, 1e-3) == pytest.approx(loss.item(), rel=1e-5)
    assert any(not torch.equal(before[key], value) for key, value in algorithm.state_dict().items())
    assert all(bool(value.isfinite().all()) for value in algorithm.parameters())


@together
def test_vmap_equals_loop(name: str, art: str, tasks: Task) -> None:
    losses, grads = [], []
    for batching in (Batching("loop"), Batching("vmap"), Batching("vmap", chunk=2)):
        algorithm = build(name, art, batching).double()
        losses.append(algorithm.losses(doubled(tasks)))
        assert losses[-1].shape == (num_tasks(tasks),)
        grads.append(torch.autograd.grad(losses[-1].mean(), list(algorithm.parameters()), allow_unused=True))
    for other in (1, 2):
        torch.testing.assert_close(losses[0], losses[other], rtol=1e-9, atol=1e-12)
        for one, peer in zip(grads[0], grads[other], strict=True):
            assert (one is None) == (peer is None)
            if one is not None:
                torch.testing.assert_close(one, peer, rtol=1e-7, atol=1e-11)


@together
def test_adapted_weights_are_the_learners_and_theta_stays(name: str, art: str, tasks: Task) -> None:
    algorithm = build(name, art)
    learner = dict(small_domain(art).learner().named_parameters())
    before = {key: value.clone() for key, value in algorithm.theta().items()}
    adapted = algorithm.adapt(select(tasks, 0).support)
    assert {key: value.shape for key, value in adapted.items()} == {key: value.shape for key, value in learner.items()}
    assert all(torch.equal(value, before[key]) for key, value in algorithm.theta().items())
    assert all(bool(value.isfinite().all()) for value in adapted.values())


@together
def test_adapting_is_differentiable_in_the_parameters(name: str, art: str, tasks: Task) -> None:
    algorithm, task = build(name, art), select(tasks, 0)
    loss = algorithm.query_loss(algorithm.adapt(task.support), task.query)
    grads = torch.autograd.grad(loss, list(algorithm.theta().values()))
    assert all(bool(grad.isfinite().all()) for grad in grads)
    assert any(bool(grad.any()) for grad in grads)


@together
def test_adapting_changes_nothing_but_what_moves(name: str, art: str, tasks: Task) -> None:
    algorithm = build(name, art)
    theta, adapted = algorithm.theta(), algorithm.adapt(select(tasks, 0).support)
    moving = algorithm.moving
    assert set(moving) <= set(theta)
    assert len(set(moving)) == len(moving)
    changed = {key for key, value in adapted.items() if not torch.equal(value, theta[key])}
    assert changed <= set(moving)
    assert bool(changed) == bool(moving)


@together
def test_what_is_judged_is_the_query_loss_before_and_after_adapting(name: str, art: str, tasks: Task) -> None:
    """Whatever is minimised: a validation of two algorithms compares the same thing."""
    algorithm = build(name, art)
    for kind, steps in (("before", 0), ("after", None)):
        found = algorithm.losses(tasks, kind)  # type: ignore[arg-type]
        for index in range(num_tasks(tasks)):
            task = select(tasks, index)
            by_hand = algorithm.query_loss(algorithm.adapt(task.support, steps), task.query)
            torch.testing.assert_close(found[index], by_hand)


@together
def test_the_path_leads_where_adapt_goes(name: str, art: str, tasks: Task) -> None:
    algorithm, support = build(name, art), select(tasks, 0).support
    walked = list(algorithm.path(support, 3))
    assert len(walked) == 3
    for steps, params in enumerate(walked, start=1):
        for key, value in algorithm.adapt(support, steps).items():
            torch.testing.assert_close(params[key], value)
    start = algorithm.adapt(support, 0)
    assert all(torch.equal(start[key], value) for key, value in algorithm.theta().items())


@together
def test_parameters_are_flat_and_no_scalars(name: str, art: str, tasks: Task) -> None:
    """A 0-dimensional parameter crashes DeepSpeed, and a submodule would be sharded on its own."""
    algorithm = build(name, art)
    assert list(algorithm.children()) == []
    assert set(algorithm.state_dict()) == {key for key, _ in algorithm.named_parameters()}
    assert all(value.dim() >= 1 and value.device.type == "cpu" for value in algorithm.parameters())


@together
def test_joined_weights_give_the_loss_of_the_whole_batch(name: str, art: str, tasks: Task) -> None:
    """Ranks join their mean losses by `weight`."""
    algorithm = build(name, art)
    parts = [select(tasks, part) for part in (slice(0, 1), slice(1, num_tasks(tasks)))]
    weights = [algorithm.weight(part) for part in parts]
    joined = sum(weight * algorithm(part) for weight, part in zip(weights, parts, strict=True)) / sum(weights)
    assert sum(weights) == pytest.approx(algorithm.weight(tasks))
    torch.testing.assert_close(joined, algorithm(tasks))


@together
def test_its_configuration_goes_through_json(name: str, art: str, tasks: Task) -> None:
    config = RunConfig(recipe="contract", domain=small_config(art), algorithm=ALGORITHMS[name].config())
    assert from_json(to_json(config)) == config
    switched = override(config, [f"algorithm={name}", f"domain={art}"])
    assert type(switched.algorithm) is ALGORITHMS[name].config
    assert type(switched.domain) is DOMAINS[art].config


@pytest.mark.parametrize("name", ALGORITHMS)
def test_what_an_art_form_lacks_is_said(name: str) -> None:
    """Built as `metaart train` builds it, on every art form and on one without a head."""
    entry = ALGORITHMS[name]
    heads = [small_domain(art).head for art in DOMAINS] + [None]
    for head in heads:
        domain = small_domain("sinusoid")
        if not entry.fits(head):
            with pytest.raises(UserError, match="art form"):
                entry.build(domain.base_learner()._replace(head=head), entry.config(), Batching("loop"))
