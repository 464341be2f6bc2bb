import torch

from metaart.networks.mlp import MLP


def test_is_linear_layers_with_relu_between_and_none_at_the_end() -> None:
    torch.manual_seed(0)
    network = MLP((1, 40, 40, 1)).double()
    assert [tuple(p.shape) for p in network.parameters()] == [(40, 1), (40,), (40, 40), (40,), (1, 40), (1,)]
    x = torch.linspace(-5, 5, 9, dtype=torch.float64).unsqueeze(1)
    w1, b1, w2, b2, w3, b3 = network.parameters()
    by_hand = ((x @ w1.T + b1).clamp(min=0) @ w2.T + b2).clamp(min=0) @ w3.T + b3
    torch.testing.assert_close(network(x), by_hand)
    assert (network(x) < 0).any() or (network(-x) < 0).any() or by_hand.min() >= 0
