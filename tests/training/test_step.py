"""The local outer step against a plain training loop, and its state on the way to a file and back."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from metaart.algorithms import Batching
from metaart.algorithms.maml import MAML, MAMLConfig
from metaart.config import StageConfig
from metaart.data.sampler import EpisodeConfig, TaskSampler
from metaart.domains.sinusoid.domain import SinusoidConfig, SinusoidDomain
from metaart.errors import UserError
from metaart.tasks import Task
from metaart.training.checkpoint import load_checkpoint, save_checkpoint
from metaart.training.step import LocalStep, load_weights

DOMAIN = SinusoidDomain(SinusoidConfig(hidden_size=6))
SAMPLER = TaskSampler(DOMAIN.hands(None, "train", varied=True), EpisodeConfig(5, 5), seed=4)


def tasks(step: int) -> Task:
    return SAMPLER.batch(step, range(4))


def make(seed: int = 0) -> MAML:
    torch.manual_seed(seed)
    config = MAMLConfig(steps=2, learn_alpha="layer", alpha=0.02)
    return MAML(DOMAIN.base_learner(), config, Batching("vmap"))


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("clip_norm", [0.0, 0.1])
def test_it_moves_the_weights_as_a_plain_loop_does(optimizer: str, clip_norm: float) -> None:
    stage = StageConfig(optimizer=optimizer, clip_norm=clip_norm)  # type: ignore[arg-type]
    ours, peer = LocalStep(make(), stage), make()
    plain = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[optimizer](peer.parameters(), lr=1.0)
    for step in range(4):
        rate = 0.01 / (step + 1)
        loss = ours(tasks(step), rate)
        plain.param_groups[0]["lr"] = rate
        grads = torch.autograd.grad(peer(tasks(step)), list(peer.parameters()))
        norm = torch.cat([grad.flatten() for grad in grads]).norm()
        scale = min(1.0, clip_norm / (float(norm) + 1e-6)) if clip_norm else 1.0
        for value, grad in zip(peer.parameters(), grads, strict=True):
            value.grad = grad * scale
        assert loss == pytest.approx(peer(tasks(step)).item())
        plain.step()
        for one, other in zip(ours.algorithm.parameters(), peer.parameters(), strict=True):
            torch.testing.assert_close(one, other)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("taken", [0, 3])
def test_its_state_goes_through_a_file_and_on_bit_for_bit(optimizer: str, taken: int, tmp_path: Path) -> None:
    stage = StageConfig(optimizer=optimizer)  # type: ignore[arg-type]
    first, second = LocalStep(make(), stage), LocalStep(make(seed=1), stage)
    for step in range(taken):
        first(tasks(step), 0.01)
    save_checkpoint(tmp_path / "step-1", first.state_dict(), {"step": 1, "best": None, "units": 0, "seconds": 0.0})
    second.load_state_dict(load_checkpoint(tmp_path / "step-1")[0])
    for step in range(taken, taken + 3):
        assert first(tasks(step), 0.02) == second(tasks(step), 0.02)
    for part, values in first.state_dict().items():
        others = second.state_dict()[part]
        assert values.keys() == others.keys()
        assert all(torch.equal(value, others[name]) for name, value in values.items())
    assert bool(first.state_dict()["optimizer"]) is (optimizer == "adam")


def test_its_state_is_a_copy() -> None:
    step = LocalStep(make(), StageConfig())
    step(tasks(0), 0.01)
    state = step.state_dict()
    before = {name: value.clone() for part in state.values() for name, value in part.items()}
    step(tasks(1), 0.01)
    assert all(torch.equal(value, before[name]) for part in state.values() for name, value in part.items())


def test_evaluating_moves_nothing() -> None:
    step = LocalStep(make(), StageConfig())
    before = [value.clone() for value in step.algorithm.parameters()]
    after, before_adapting = step.evaluate(tasks(0), "after"), step.evaluate(tasks(0), "before")
    assert after == pytest.approx(make()(tasks(0)).item())
    assert before_adapting == pytest.approx(make()(tasks(0), "before").item())
    assert all(torch.equal(*pair) for pair in zip(before, step.algorithm.parameters(), strict=True))
    assert all(value.grad is None for value in step.algorithm.parameters())


def test_weights_of_another_configuration_are_refused() -> None:
    weights = LocalStep(make(), StageConfig()).state_dict()["weights"]
    renamed = {name.replace("theta/", ""): value for name, value in weights.items()}
    reshaped = {**weights, "alpha_log_shift": torch.zeros(1, 1)}
    for wrong in (renamed, reshaped, {}):
        with pytest.raises(UserError, match="weights of this configuration"):
            load_weights(make(), wrong)
