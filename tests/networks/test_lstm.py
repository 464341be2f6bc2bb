import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck
from torch.func import functional_call

from metaart.networks.lstm import LSTM, LanguageModel


def pair(num_layers: int, dtype: torch.dtype) -> tuple[LSTM, nn.LSTM]:
    torch.manual_seed(0)
    ours = LSTM(5, 4, num_layers).to(dtype)
    peer = nn.LSTM(5, 4, num_layers, batch_first=True, dtype=dtype)
    peer.load_state_dict(ours.state_dict())
    return ours, peer


@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
def test_equals_torch_lstm_in_values_state_and_gradients(num_layers: int, dtype: torch.dtype, tolerance: float) -> None:
    ours, peer = pair(num_layers, dtype)
    inputs, weight = torch.randn(3, 9, 5, dtype=dtype), torch.randn(3, 9, 4, dtype=dtype)
    own_out, own_state = ours(inputs)
    peer_out, (peer_h, peer_c) = peer(inputs)
    torch.testing.assert_close(own_out, peer_out, atol=tolerance, rtol=0)
    torch.testing.assert_close(torch.stack([h for h, _ in own_state]), peer_h, atol=tolerance, rtol=0)
    torch.testing.assert_close(torch.stack([c for _, c in own_state]), peer_c, atol=tolerance, rtol=0)
    (own_out * weight).sum().backward()
    (peer_out * weight).sum().backward()
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, peer.get_parameter(name).grad, atol=20 * tolerance, rtol=0)


def test_a_peer_s_weights_load_into_ours() -> None:
    peer = nn.LSTM(5, 4, 2, batch_first=True)
    ours = LSTM(5, 4, 2)
    ours.load_state_dict(peer.state_dict())
    inputs = torch.randn(2, 3, 5)
    torch.testing.assert_close(ours(inputs)[0], peer(inputs)[0], atol=1e-6, rtol=0)


def test_goes_on_from_a_state() -> None:
    ours, _ = pair(2, torch.float64)
    inputs = torch.randn(2, 8, 5, dtype=torch.float64)
    whole, end = ours(inputs)
    first, state = ours(inputs[:, :3])
    second, end_of_second = ours(inputs[:, 3:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
    for (h, c), (other_h, other_c) in zip(end, end_of_second, strict=True):
        torch.testing.assert_close(h, other_h)
        torch.testing.assert_close(c, other_c)


def small() -> tuple[LSTM, tuple[Tensor, ...], tuple[str, ...]]:
    torch.manual_seed(3)
    model = LSTM(2, 2, 1).double()
    inputs = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    names, values = zip(*model.named_parameters(), strict=True)
    return model, (inputs, *(value.detach().requires_grad_() for value in values)), names


def test_first_and_second_derivatives_equal_finite_differences() -> None:
    model, arguments, names = small()

    def run(inputs: Tensor, *values: Tensor) -> Tensor:
        return functional_call(model, dict(zip(names, values, strict=True)), (inputs,))[0]  # type: ignore[no-any-return]

    assert gradcheck(run, arguments)
    assert gradgradcheck(run, arguments)


def test_hessian_vector_product_forward_over_reverse_equals_reverse_over_reverse() -> None:
    model, (inputs, *_), _ = small()
    params = {name: value.detach() for name, value in model.named_parameters()}
    direction = {name: torch.randn_like(value) for name, value in params.items()}

    def loss(weights: dict[str, Tensor]) -> Tensor:
        out, _ = functional_call(model, weights, (inputs.detach(),))
        return (out * out).sum()

    _, forward = torch.func.jvp(torch.func.grad(loss), (params,), (direction,))

    def along(weights: dict[str, Tensor]) -> Tensor:
        grads = torch.func.grad(loss)(weights)
        return torch.stack([(grads[name] * direction[name]).sum() for name in grads]).sum()

    reverse = torch.func.grad(along)(params)
    for name in params:
        torch.testing.assert_close(forward[name], reverse[name])


def test_maps_over_tasks_each_with_its_own_weights() -> None:
    torch.manual_seed(4)
    model = LanguageModel(11, 3, 4, 2).double()
    params = {name: torch.randn(3, *p.shape, dtype=torch.float64) * 0.3 for name, p in model.named_parameters()}
    tokens = torch.randint(0, 11, (3, 2, 6))

    def total(weights: dict[str, Tensor], sequence: Tensor) -> Tensor:
        logits, _ = functional_call(model, weights, (sequence,))
        return logits.log_softmax(-1).square().mean()

    mapped = torch.func.vmap(torch.func.grad(total))(params, tokens)
    for task in range(3):
        alone = torch.func.grad(total)({name: value[task] for name, value in params.items()}, tokens[task])
        for name, value in alone.items():
            torch.testing.assert_close(mapped[name][task], value)


def test_language_model_predicts_one_token_at_a_time_as_it_does_all_at_once() -> None:
    torch.manual_seed(5)
    model = LanguageModel(9, 4, 6, 2).double()
    tokens = torch.randint(0, 9, (2, 7))
    whole, _ = model(tokens)
    assert whole.shape == (2, 7, 9)
    state, logits = None, []
    for step in range(7):
        out, state = model(tokens[:, step : step + 1], state)
        logits.append(out)
    torch.testing.assert_close(torch.cat(logits, 1), whole)
