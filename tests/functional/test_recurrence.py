import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from metaart.functional.recurrence import lstm_layer


def step_by_step(projected: Tensor, h: Tensor, c: Tensor, recurrent: Tensor) -> tuple[Tensor, Tensor]:
    """The definition, left to autograd."""
    hidden, cells = [], []
    for step in projected.unbind(1):
        i, f, g, o = (step + h @ recurrent.T).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        hidden.append(h)
        cells.append(c)
    return torch.stack(hidden, 1), torch.stack(cells, 1)


def arguments(works: int = 2, time: int = 4, size: int = 2) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    shapes = ((works, time, 4 * size), (works, size), (works, size), (4 * size, size))
    projected, h, c, recurrent = (torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes)
    return projected, h, c, recurrent


def test_equals_its_definition_in_values_and_gradients() -> None:
    inputs = arguments(3, 7, 5)
    weights = torch.randn(2, 3, 7, 5, dtype=torch.float64)
    outcomes = []
    for layer in (lstm_layer, step_by_step):
        hidden, cells = layer(*inputs)
        total = (hidden * weights[0]).sum() + (cells * weights[1]).sum()
        outcomes.append((hidden, cells, *torch.autograd.grad(total, inputs)))
    for ours, peer in zip(*outcomes, strict=True):
        torch.testing.assert_close(ours, peer, rtol=1e-12, atol=1e-12)


def test_derivatives_forward_backward_and_second_equal_finite_differences() -> None:
    assert gradcheck(lstm_layer, arguments(), check_forward_ad=True)
    assert gradgradcheck(lstm_layer, arguments())


def test_derivatives_of_one_step_and_one_work() -> None:
    assert gradcheck(lstm_layer, arguments(1, 1, 1), check_forward_ad=True)
    assert gradgradcheck(lstm_layer, arguments(1, 1, 1))
