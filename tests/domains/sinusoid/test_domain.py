import numpy as np
import pytest
import torch
from torch.nn import functional as F

from metaart.domains.sinusoid.domain import SineHand, SinusoidConfig, SinusoidDomain
from metaart.errors import UserError


def test_points_lie_on_one_sine_wave_of_the_paper() -> None:
    """y = a sin(x - p) is linear in (a cos p, a sin p): least squares finds them exactly, and from them a and p."""
    for seed in range(30):
        examples = SineHand().examples(range(0, 10_000, 500), np.random.default_rng(seed))
        x, y = examples["x"][:, 0].double(), examples["y"].double()
        basis = torch.stack([x.sin(), -x.cos()], dim=1)
        found = torch.linalg.lstsq(basis, y).solution[:, 0]
        torch.testing.assert_close(basis @ found, y[:, 0], rtol=1e-5, atol=1e-5)
        amplitude, phase = float(found.norm()), float(torch.atan2(found[1], found[0]))
        assert 0.1 - 1e-5 <= amplitude <= 5.0 + 1e-5
        assert -1e-4 <= phase <= np.pi + 1e-4
        assert -5 < x.min() < x.max() < 5


def test_support_and_query_are_of_one_wave() -> None:
    together = SineHand().examples([1, 2, 3, 4], np.random.default_rng(3))
    apart = [SineHand().examples(works, np.random.default_rng(3)) for works in ([1, 2], [3, 4])]
    assert torch.equal(together["y"], torch.cat([part["y"] for part in apart]))


def test_the_loss_is_the_mean_squared_error() -> None:
    domain = SinusoidDomain()
    learner, examples = domain.learner(), SineHand().examples(range(9), np.random.default_rng(0))
    torch.testing.assert_close(domain.loss(learner, examples), F.mse_loss(learner(examples["x"]), examples["y"]))


def test_the_learner_is_the_network_of_the_paper() -> None:
    shapes = [tuple(value.shape) for value in SinusoidDomain().learner().parameters()]
    assert shapes == [(40, 1), (40,), (40, 40), (40,), (1, 40), (1,)]


def test_it_needs_no_data_and_refuses_no_width() -> None:
    assert [hand.name for hand in SinusoidDomain().hands(None, "test", varied=False)] == ["sine waves"]
    assert SinusoidDomain().assets() == {}
    with pytest.raises(UserError, match="hidden_size"):
        SinusoidConfig(hidden_size=0)
