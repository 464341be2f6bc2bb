"""A GPU computes what the processor computes, double backward included, for all that is registered."""

from __future__ import annotations

import pytest
import torch

from metaart.algorithms import Batching
from metaart.tasks import to_device
from tests.contract.arts import data_of, doubled, draw, small_domain
from tests.contract.test_algorithms import build, together

pytestmark = pytest.mark.gpu


@together
@pytest.mark.parametrize("batching", [Batching("loop"), Batching("vmap")], ids=lambda batching: batching.mode)
def test_losses_and_gradients_are_those_of_the_processor(
    name: str, art: str, batching: Batching, request: pytest.FixtureRequest
) -> None:
    tasks = doubled(draw(art, small_domain(art), data_of(art, request)))
    losses, grads = [], []
    for device in ("cpu", "cuda"):
        algorithm = build(name, art, batching).double().to(device)
        loss = algorithm.losses(to_device(tasks, device))
        assert loss.device.type == device
        found = torch.autograd.grad(loss.mean(), list(algorithm.parameters()), allow_unused=True)
        losses.append(loss.detach().cpu())
        grads.append([None if grad is None else grad.cpu() for grad in found])
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-6, atol=1e-10)
