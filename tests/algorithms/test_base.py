"""What every algorithm inherits: flat parameters, no skeleton in the state, weights that are checked."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.func import functional_call

from metaart.algorithms import Batching, MetaAlgorithm
from metaart.algorithms.maml import MAML, MAMLConfig
from metaart.algorithms.pooled import Pooled, PooledConfig
from metaart.domains.music.domain import MusicConfig, MusicDomain
from metaart.domains.sinusoid.domain import SinusoidDomain
from metaart.errors import UserError
from metaart.networks.mlp import MLP
from metaart.tasks import BaseLearner, Task, select, stack

MUSIC = MusicDomain(MusicConfig(max_tokens=16, embedding_size=6, hidden_size=7))
SINE = SinusoidDomain()


def sine(network: nn.Module) -> BaseLearner:
    return BaseLearner(network, SINE.loss, SINE.loss)


def music_tasks(count: int = 3, support: int = 2, query: int = 3) -> Task:
    torch.manual_seed(5)
    size = MUSIC.vocabulary.size
    works = [torch.randint(0, size, (works, 16)) for _ in range(count) for works in (support, query)]
    return stack([Task({"tokens": s}, {"tokens": q}) for s, q in zip(works[::2], works[1::2], strict=True)])


def sine_tasks(count: int = 5) -> Task:
    torch.manual_seed(6)
    points = [{"x": torch.randn(count, 4, 1).double(), "y": torch.randn(count, 4, 1).double()} for _ in range(2)]
    return Task(*points, tuple("abcdefgh"[:count]))


def maml(art: str, batching: Batching, **settings: object) -> tuple[MAML, Task]:
    torch.manual_seed(7)
    config = MAMLConfig(**{"steps": 2, "alpha": 0.05, "learn_alpha": "layer_step", **settings})  # type: ignore[arg-type]
    if art == "music":
        return MAML(MUSIC.base_learner(), config, batching).double(), music_tasks()
    return MAML(SINE.base_learner(), config, batching).double(), sine_tasks()


@pytest.mark.parametrize("art", ["sine", "music"])
@pytest.mark.parametrize("inner", ["sgd", "adam"])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("chunk", [0, 2])
def test_vmap_equals_loop(art: str, inner: str, order: int, chunk: int) -> None:
    losses, grads = [], []
    for batching in (Batching("loop"), Batching("vmap", chunk)):
        algorithm, tasks = maml(art, batching, inner=inner, order=order)
        losses.append(algorithm.losses(tasks))
        grads.append(torch.autograd.grad(losses[-1].mean(), list(algorithm.parameters())))
        assert losses[-1].shape == ({"sine": 5, "music": 3}[art],)
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-10, atol=1e-12)
    for one, other in zip(*grads, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("mode", ["vmap", "loop"])
def test_unadapted_losses_are_the_bare_learner_on_the_query_set(mode: str) -> None:
    algorithm, tasks = maml("sine", Batching(mode))  # type: ignore[arg-type]
    torch.manual_seed(7)
    learner = SINE.learner().double()
    by_hand = torch.stack([SINE.loss(learner, select(tasks, index).query) for index in range(5)])
    torch.testing.assert_close(algorithm.losses(tasks, "before"), by_hand)
    torch.testing.assert_close(algorithm(tasks, "before"), by_hand.mean())


@pytest.mark.parametrize("inner", ["sgd", "adam"])
def test_the_path_is_where_adapt_goes(inner: str) -> None:
    algorithm, tasks = maml("music", Batching("loop"), inner=inner)
    support = select(tasks, 0).support
    walked = list(algorithm.path(support, 4))
    assert len(walked) == 4
    for steps, params in enumerate(walked, start=1):
        for name, value in algorithm.adapt(support, steps).items():
            torch.testing.assert_close(params[name], value)


def test_no_steps_give_the_weights_before_adaptation() -> None:
    algorithm, tasks = maml("sine", Batching("loop"))
    adapted = algorithm.adapt(select(tasks, 0).support, 0)
    assert all(torch.equal(adapted[name], value) for name, value in algorithm.theta().items())


def test_first_order_builds_no_graph_through_the_inner_loop() -> None:
    algorithm, tasks = maml("sine", Batching("loop"), order=1, learn_alpha="no")
    adapted = algorithm.adapt(select(tasks, 0).support)
    for name, value in algorithm.theta().items():
        (slope,) = torch.autograd.grad(adapted[name].sum(), value)
        assert torch.equal(slope, torch.ones_like(slope))


@pytest.mark.parametrize("make", [MAML, Pooled])
def test_parameters_are_flat_and_the_skeleton_is_hidden(make: type[MetaAlgorithm]) -> None:
    learner = MLP((1, 5, 1))
    algorithm = MAML(sine(learner), MAMLConfig()) if make is MAML else Pooled(sine(learner), PooledConfig())
    names = {"theta/" + name.replace(".", "/") for name, _ in learner.named_parameters()}
    assert set(algorithm.state_dict()) == names
    assert {name for name, _ in algorithm.named_parameters()} == names
    assert list(algorithm.children()) == []
    assert all(value.device.type == "cpu" for value in algorithm.parameters())


def test_the_learner_is_copied() -> None:
    learner = MLP((1, 5, 1))
    algorithm = MAML(sine(learner), MAMLConfig())
    before = {name: value.clone() for name, value in algorithm.theta().items()}
    with torch.no_grad():
        for value in learner.parameters():
            value.add_(1.0)
    assert all(torch.equal(before[name], value) for name, value in algorithm.theta().items())


def test_predict_is_the_learner_with_other_weights() -> None:
    learner, x = MLP((1, 5, 1)), torch.randn(3, 1)
    algorithm = MAML(sine(learner), MAMLConfig())
    other = {name: value + 0.1 for name, value in algorithm.theta().items()}
    torch.testing.assert_close(algorithm.predict(other)(x), functional_call(learner, other, (x,)))
    torch.testing.assert_close(algorithm.predict(algorithm.theta())(x), learner(x))


def test_load_theta_takes_over_a_learner() -> None:
    algorithm, other = MAML(sine(MLP((1, 5, 1))), MAMLConfig()), MLP((1, 5, 1))
    algorithm.load_theta(dict(other.named_parameters()))
    assert all(torch.equal(algorithm.theta()[name], value) for name, value in other.named_parameters())


@pytest.mark.parametrize(
    ("other", "where"),
    [
        (MLP((1, 6, 1)), "layers.0.weight"),
        (MLP((1, 5, 5, 1)), "layers.4.bias"),
        (nn.Linear(1, 1), "bias"),
    ],
)
def test_load_theta_refuses_another_learner(other: nn.Module, where: str) -> None:
    algorithm = MAML(sine(MLP((1, 5, 1))), MAMLConfig())
    before = {name: value.clone() for name, value in algorithm.theta().items()}
    with pytest.raises(UserError) as caught:
        algorithm.load_theta(dict(other.named_parameters()))
    assert where in caught.value.got
    assert all(torch.equal(before[name], value) for name, value in algorithm.theta().items())


def test_a_learner_with_buffers_is_refused() -> None:
    with pytest.raises(UserError, match="GroupNorm"):
        Pooled(sine(nn.BatchNorm1d(3)), PooledConfig())


@pytest.mark.parametrize("settings", [{"mode": "both"}, {"chunk": -1}])
def test_batching_refuses_what_it_does_not_know(settings: dict[str, object]) -> None:
    with pytest.raises(UserError, match="batching"):
        Batching(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": 0},
        {"order": 3},
        {"alpha": -0.1},
        {"alpha": 0.0},
        {"alpha": float("nan")},
        {"alpha": float("inf")},
        {"learn_alpha": "all"},
        {"inner": "rmsprop"},
        {"query_loss_at": (0,)},
    ],
)
def test_maml_refuses_what_cannot_be_and_says_how_to_set_it(settings: dict[str, object]) -> None:
    field = list(settings)[-1]
    with pytest.raises(UserError) as caught:
        MAMLConfig(**settings)  # type: ignore[arg-type]
    assert f"--set algorithm.{field}=" in caught.value.fix
    assert caught.value.got == repr(settings[field])


def test_pooled_does_not_adapt_and_weighs_all_works_alike() -> None:
    algorithm, tasks = Pooled(MUSIC.base_learner(), PooledConfig()), music_tasks()
    adapted = algorithm.adapt(select(tasks, 0).support)
    assert all(torch.equal(adapted[name], value) for name, value in algorithm.theta().items())
    works = {"tokens": tasks.query["tokens"].reshape(-1, 16)}
    torch.testing.assert_close(algorithm(tasks), MUSIC.loss(algorithm.predict(algorithm.theta()), works))
    torch.testing.assert_close(algorithm(tasks, "before"), algorithm(tasks))
