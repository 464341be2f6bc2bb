"""MAML on quadratics, where every number it should give is known in closed form."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.linalg import matrix_power

from metaart.algorithms import Batching
from metaart.algorithms.maml import ALPHA_SPEED, MAML, MAMLConfig
from metaart.tasks import BaseLearner, Examples, Task, stack

SIZE, ALPHA = 4, 0.05
EYE = torch.eye(SIZE, dtype=torch.float64)


class Point(nn.Module):
    """Nothing but a vector of weights, in two tensors so that a rate per tensor can be told apart."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Parameter(torch.randn(1, dtype=torch.float64))
        self.tail = nn.Parameter(torch.randn(SIZE - 1, dtype=torch.float64))

    def forward(self) -> Tensor:
        return torch.cat([self.head, self.tail])


def quadratic(predict: Any, examples: Examples) -> Tensor:
    """1/2 (w - c)^T A (w - c), A and c held by the only work."""
    error = predict() - examples["c"][0]
    return 0.5 * error @ examples["A"][0] @ error


def curvature() -> Tensor:
    root = torch.randn(SIZE, SIZE, dtype=torch.float64)
    return root @ root.T + 0.5 * EYE


def quadratic_task() -> Task:
    sides = [{"A": curvature()[None], "c": torch.randn(1, SIZE, dtype=torch.float64)} for _ in range(2)]
    return Task(*sides)


def maml(**settings: Any) -> MAML:
    return MAML(
        BaseLearner(Point(), quadratic, quadratic), MAMLConfig(**{"alpha": ALPHA, **settings}), Batching("loop")
    )


def flat(params: dict[str, Tensor]) -> Tensor:
    return torch.cat([params["head"], params["tail"]])


def meta_gradient(algorithm: MAML, tasks: Task) -> Tensor:
    theta = algorithm.theta()
    return torch.cat(torch.autograd.grad(algorithm(tasks), [theta["head"], theta["tail"]]))


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(3)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("steps", [1, 3, 7])
def test_steps_walk_the_closed_form(steps: int, order: int) -> None:
    algorithm, task = maml(steps=steps, order=order), quadratic_task()
    a, c = task.support["A"][0], task.support["c"][0]
    walked = flat(algorithm.adapt(task.support)) - c
    torch.testing.assert_close(walked, matrix_power(EYE - ALPHA * a, steps) @ (flat(algorithm.theta()) - c))


@pytest.mark.parametrize("steps", [1, 3, 7])
def test_meta_gradients_of_both_orders_are_the_closed_forms_and_differ(steps: int) -> None:
    second = maml(steps=steps, order=2)
    first = maml(steps=steps, order=1)
    first.load_theta(second.theta())
    task = quadratic_task()
    (a, c), (a_q, c_q) = ((side["A"][0], side["c"][0]) for side in task.sides)
    contraction = matrix_power(EYE - ALPHA * a, steps)
    reached = c + contraction @ (flat(second.theta()).detach() - c)
    outer = a_q @ (reached - c_q)  # the gradient at the adapted weights is all of first order
    of_second, of_first = meta_gradient(second, stack([task])), meta_gradient(first, stack([task]))
    torch.testing.assert_close(of_first, outer)
    torch.testing.assert_close(of_second, contraction.T @ outer)
    assert (of_first - of_second).norm() > 0.05 * of_second.norm()


def test_a_batch_is_the_mean_of_its_tasks() -> None:
    algorithm = maml(steps=2)
    tasks = [quadratic_task() for _ in range(3)]
    each = torch.stack([meta_gradient(algorithm, stack([task])) for task in tasks])
    torch.testing.assert_close(meta_gradient(algorithm, stack(tasks)), each.mean(0))


def test_query_loss_at_averages_the_closed_forms() -> None:
    algorithm, task = maml(steps=4, query_loss_at=(1, 4)), quadratic_task()
    (a, c), (a_q, c_q) = ((side["A"][0], side["c"][0]) for side in task.sides)
    losses = []
    for steps in (1, 4):
        error = c + matrix_power(EYE - ALPHA * a, steps) @ (flat(algorithm.theta()) - c) - c_q
        losses.append(0.5 * error @ a_q @ error)
    torch.testing.assert_close(algorithm.task_loss(task), (losses[0] + losses[1]) / 2)
    assert algorithm.passes == (4, 2)


def test_query_loss_at_stops_at_the_last_step_asked_for() -> None:
    algorithm, short = maml(steps=5, query_loss_at=(2,)), maml(steps=2)
    short.load_theta(algorithm.theta())
    task = quadratic_task()
    torch.testing.assert_close(algorithm.task_loss(task), short.task_loss(task))
    assert algorithm.passes == (2, 1)


def test_a_query_loss_beyond_the_last_step_is_that_of_the_last() -> None:
    algorithm, short = maml(steps=3, query_loss_at=(1, 5, 10)), maml(steps=3, query_loss_at=(1, 3))
    short.load_theta(algorithm.theta())
    task = quadratic_task()
    torch.testing.assert_close(algorithm.task_loss(task), short.task_loss(task))
    assert algorithm.passes == (3, 2)


@pytest.mark.parametrize(("learn_alpha", "columns"), [("layer", 1), ("layer_step", 3)])
def test_gradients_of_learned_alphas_are_finite_differences(learn_alpha: str, columns: int) -> None:
    algorithm, tasks = maml(steps=3, learn_alpha=learn_alpha), stack([quadratic_task(), quadratic_task()])
    algorithm.double()
    shift = algorithm.alpha_log_shift
    assert shift.shape == (2, columns)
    for step in range(4):
        for rate in algorithm.alphas(step).values():
            torch.testing.assert_close(rate, torch.tensor(ALPHA, dtype=torch.float64))
    (slope,) = torch.autograd.grad(algorithm(tasks), shift)
    torch.testing.assert_close(slope, differences(algorithm, tasks, shift), rtol=1e-6, atol=1e-8)


def per_weight(**settings: Any) -> tuple[MAML, dict[str, nn.Parameter]]:
    algorithm = maml(learn_alpha="weight", **settings)
    algorithm.double()
    shifts = {name: p for name, p in algorithm.named_parameters() if name.startswith("alpha_shift/")}
    return algorithm, shifts


def test_gradients_of_an_alpha_per_weight_are_finite_differences() -> None:
    algorithm, shifts = per_weight(steps=3)
    tasks = stack([quadratic_task(), quadratic_task()])
    assert [shift.shape for shift in shifts.values()] == [value.shape for value in algorithm.theta().values()]
    for shift, slope in zip(shifts.values(), torch.autograd.grad(algorithm(tasks), [*shifts.values()]), strict=True):
        torch.testing.assert_close(slope, differences(algorithm, tasks, shift), rtol=1e-6, atol=1e-8)


def test_each_weight_walks_at_its_own_alpha_which_may_be_zero_or_negative() -> None:
    algorithm, shifts = per_weight(steps=1)
    task = quadratic_task()
    with torch.no_grad():
        for shift in shifts.values():
            shift.copy_(torch.linspace(-0.2, 0.1, shift.numel()).view(shift.shape))
    multiples = 1 + ALPHA_SPEED * torch.cat([shift.detach() for shift in shifts.values()])
    assert multiples.min() < 0 < multiples.max()
    a, c = task.support["A"][0], task.support["c"][0]
    w = flat(algorithm.theta()).detach()
    for step in range(3):
        w = w - ALPHA * multiples * (a @ (w - c))
        torch.testing.assert_close(flat(algorithm.adapt(task.support, step + 1)), w)


def test_first_order_is_exact_for_the_alphas_of_the_last_step_alone() -> None:
    algorithm, tasks = maml(steps=3, learn_alpha="layer_step", order=1), stack([quadratic_task(), quadratic_task()])
    algorithm.double()
    (slope,) = torch.autograd.grad(algorithm(tasks), algorithm.alpha_log_shift)
    exact = differences(algorithm, tasks, algorithm.alpha_log_shift)
    torch.testing.assert_close(slope[:, 2], exact[:, 2], rtol=1e-6, atol=1e-8)
    assert (slope[:, 0] - exact[:, 0]).norm() > 0.01 * exact[:, 0].norm()


@torch.no_grad()
def differences(algorithm: MAML, tasks: Task, parameter: Tensor, eps: float = 1e-6) -> Tensor:
    slopes = torch.zeros_like(parameter)
    for index in range(parameter.numel()):
        sides = []
        for sign in (1, -1):
            parameter.view(-1)[index] += sign * eps
            sides.append(algorithm(tasks))
            parameter.view(-1)[index] -= sign * eps
        slopes.view(-1)[index] = (sides[0] - sides[1]) / (2 * eps)
    return slopes


def test_each_weight_tensor_walks_at_its_own_alpha_of_the_step() -> None:
    algorithm, task = maml(steps=2, learn_alpha="layer_step"), quadratic_task()
    algorithm.double()
    with torch.no_grad():
        algorithm.alpha_log_shift.copy_(torch.tensor([[0.01, -0.02], [0.03, 0.04]], dtype=torch.float64))
    a, c = task.support["A"][0], task.support["c"][0]
    w = flat(algorithm.theta()).detach()
    for step in range(3):  # one more than trained for: the last alpha is kept
        first, rest = (ALPHA * math.exp(ALPHA_SPEED * shift) for shift in ((0.01, 0.03), (-0.02, 0.04))[min(step, 1)])
        rates = torch.tensor([first] + [rest] * (SIZE - 1), dtype=torch.float64)
        w = w - rates * (a @ (w - c))
        torch.testing.assert_close(flat(algorithm.adapt(task.support, step + 1)), w)


@pytest.mark.parametrize("order", [1, 2])
def test_adam_inside_is_torch_adam(order: int) -> None:
    algorithm, task = maml(steps=5, inner="adam", order=order, alpha=0.1), quadratic_task()
    peer = nn.Parameter(flat(algorithm.theta()).detach().clone())
    optimizer = torch.optim.Adam([peer], lr=0.1)
    for adapted in algorithm.path(task.support, 5):
        optimizer.zero_grad()
        quadratic(lambda: peer, task.support).backward()
        optimizer.step()
        torch.testing.assert_close(flat(adapted), peer, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("inner", ["sgd", "adam"])
def test_second_order_gradients_are_finite_differences(inner: str) -> None:
    algorithm, tasks = maml(steps=3, inner=inner, alpha=0.02), stack([quadratic_task(), quadratic_task()])
    theta = algorithm.theta()
    exact = torch.autograd.grad(algorithm(tasks), list(theta.values()))
    for value, slope in zip(theta.values(), exact, strict=True):
        torch.testing.assert_close(slope, differences(algorithm, tasks, value), rtol=1e-5, atol=1e-7)


def test_adam_starts_afresh_for_every_task() -> None:
    algorithm, task = maml(steps=3, inner="adam"), quadratic_task()
    once = flat(algorithm.adapt(task.support))
    algorithm.adapt(quadratic_task().support)
    assert torch.equal(flat(algorithm.adapt(task.support)), once)
