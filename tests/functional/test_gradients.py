import pytest
import torch
from torch import Tensor

from metaart.functional.gradients import adam_direction, gradient
from metaart.tasks import Params


def test_adam_direction_walks_like_torch_adam() -> None:
    torch.manual_seed(0)
    target = torch.randn(7, 3, dtype=torch.float64)
    start = torch.randn(7, 3, dtype=torch.float64)
    peer = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.Adam([peer], lr=0.03)
    own, moments = {"w": start.clone()}, None
    for _ in range(12):
        optimizer.zero_grad()
        ((peer - target).abs() ** 3).sum().backward()
        optimizer.step()
        grads = gradient(lambda p: ((p["w"] - target).abs() ** 3).sum(), own, through=False)
        direction, moments = adam_direction(grads, moments)
        own = {"w": own["w"] - 0.03 * direction["w"]}
        torch.testing.assert_close(own["w"], peer.detach(), rtol=1e-12, atol=1e-12)
    assert moments is not None
    assert moments.steps == 12


def test_adam_direction_takes_other_betas_and_eps() -> None:
    peer = torch.nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
    optimizer = torch.optim.Adam([peer], lr=0.1, betas=(0.5, 0.7), eps=1e-3)
    own, moments = {"w": peer.detach().clone()}, None
    for _ in range(4):
        optimizer.zero_grad()
        (peer**4).sum().backward()
        optimizer.step()
        grads = {"w": 4 * own["w"] ** 3}
        direction, moments = adam_direction(grads, moments, beta1=0.5, beta2=0.7, eps=1e-3)
        own = {"w": own["w"] - 0.1 * direction["w"]}
    torch.testing.assert_close(own["w"], peer.detach())


def test_adam_direction_is_zero_with_zero_derivative_where_the_gradient_never_was() -> None:
    grads = {"w": torch.tensor([0.0, 0.5], dtype=torch.float64, requires_grad=True)}
    direction, moments = adam_direction(grads, None)
    direction, _ = adam_direction(grads, moments)
    (slope,) = torch.autograd.grad(direction["w"].sum(), grads["w"])
    assert direction["w"][0] == 0
    assert slope[0] == 0
    assert torch.isfinite(slope).all()


def test_adam_direction_goes_on_where_a_coordinate_falls_still() -> None:
    first, moments = adam_direction({"w": torch.tensor([2.0], dtype=torch.float64)}, None)
    second, _ = adam_direction({"w": torch.tensor([0.0], dtype=torch.float64)}, moments)
    assert first["w"].item() == pytest.approx(1.0)
    # m = 0.9 * 0.2, v = 0.999 * 0.004, both divided by their bias at t = 2
    expected = (0.9 * 0.2 / (1 - 0.9**2)) / (0.999 * 0.004 / (1 - 0.999**2)) ** 0.5
    assert second["w"].item() == pytest.approx(expected)


@pytest.mark.parametrize("through", [True, False])
def test_gradient_is_differentiable_only_when_asked(through: bool) -> None:
    w = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)

    def cubic(params: Params) -> Tensor:
        return (params["w"] ** 3).sum()

    grad = gradient(cubic, {"w": w}, through=through)["w"]
    torch.testing.assert_close(grad.detach(), 3 * w.detach() ** 2)
    assert grad.requires_grad is through
    if through:
        (second,) = torch.autograd.grad(grad.sum(), w)
        torch.testing.assert_close(second, 6 * w.detach())


def test_first_order_gradient_is_a_constant_to_an_outer_transform_too() -> None:
    def outer(w: Tensor, through: bool) -> Tensor:
        return (w * gradient(lambda p: (p["w"] ** 2).sum(), {"w": w}, through=through)["w"]).sum()

    w = torch.tensor([3.0], dtype=torch.float64)
    assert torch.func.grad(outer)(w, True).item() == pytest.approx(4 * 3.0)
    assert torch.func.grad(outer)(w, False).item() == pytest.approx(2 * 3.0)
