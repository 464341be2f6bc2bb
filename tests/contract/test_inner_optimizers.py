"""What every registered inner optimizer owes the inner loop, and what those that are known by name are."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from metaart.algorithms.inner import InnerLoopConfig
from metaart.algorithms.inner_optimizers import INNER_OPTIMIZERS
from metaart.algorithms.maml import MAMLConfig
from metaart.errors import UserError
from tune.space import Range, parse

SHAPES = {"weight": (3, 2), "bias": (3,)}

every = pytest.mark.parametrize("name", INNER_OPTIMIZERS)


def gradients(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {key: torch.randn(shape, generator=generator, dtype=torch.float64) for key, shape in SHAPES.items()}


def walked(name: str, grads: list[dict[str, Tensor]]) -> list[dict[str, Tensor]]:
    """The directions of one task's steps."""
    optimizer, state, directions = INNER_OPTIMIZERS[name], None, []
    for grad in grads:
        direction, state = optimizer.direction(grad, state)
        directions.append(direction)
    return directions


@every
def test_a_direction_has_the_shapes_of_the_gradients_and_each_task_begins_afresh(name: str) -> None:
    grads = [gradients(seed) for seed in range(3)]
    first, again = walked(name, grads), walked(name, grads)
    for one, other in zip(first, again, strict=True):
        assert {key: tuple(value.shape) for key, value in one.items()} == SHAPES
        assert all(torch.equal(value, other[key]) for key, value in one.items())


@every
def test_directions_are_mapped_over_tasks_and_differentiable_in_the_gradients(name: str) -> None:
    batch = {key: torch.stack([gradients(seed)[key] for seed in range(4)]) for key in SHAPES}

    def second_direction(grads: dict[str, Tensor]) -> dict[str, Tensor]:
        return walked(name, [grads, grads])[1]

    mapped = torch.func.vmap(second_direction)(batch)
    for seed in range(4):
        for key, value in second_direction(gradients(seed)).items():
            torch.testing.assert_close(mapped[key][seed], value)
    grads = {key: value.requires_grad_() for key, value in gradients(5).items()}
    leaves = [grads[key] for key in SHAPES]
    assert torch.autograd.gradcheck(
        lambda *values: second_direction(dict(zip(SHAPES, values, strict=True)))["weight"], leaves, eps=1e-6
    )


@every
def test_a_step_along_the_direction_goes_down(name: str) -> None:
    for direction, grads in zip(walked(name, [gradients(1)]), [gradients(1)], strict=True):
        assert sum((direction[key] * grads[key]).sum() for key in SHAPES) > 0


@every
def test_it_can_be_chosen_and_names_rates_worth_searching(name: str) -> None:
    space = parse(f"alpha={MAMLConfig(inner=name).search_space['alpha']}")
    assert isinstance(space, Range)
    assert 0 < space.low < space.high


def test_one_that_is_not_registered_is_refused_with_those_that_are() -> None:
    with pytest.raises(UserError, match=" or ".join(INNER_OPTIMIZERS)):
        InnerLoopConfig(inner="rmsprop")


def test_sgd_is_the_identity() -> None:
    grads = [gradients(seed) for seed in range(3)]
    for direction, grad in zip(walked("sgd", grads), grads, strict=True):
        assert all(torch.equal(value, grad[key]) for key, value in direction.items())


def test_adam_is_torch_adam() -> None:
    grads = [gradients(seed) for seed in range(6)]
    peers = {key: nn.Parameter(torch.zeros(shape, dtype=torch.float64)) for key, shape in SHAPES.items()}
    optimizer = torch.optim.Adam(peers.values(), lr=0.1)
    weights = {key: torch.zeros(shape, dtype=torch.float64) for key, shape in SHAPES.items()}
    for direction, grad in zip(walked("adam", grads), grads, strict=True):
        for key, peer in peers.items():
            peer.grad = grad[key].clone()
        optimizer.step()
        weights = {key: value - 0.1 * direction[key] for key, value in weights.items()}
        for key, peer in peers.items():
            torch.testing.assert_close(weights[key], peer.detach(), rtol=1e-10, atol=1e-12)
