"""Algorithms that treat the last layer apart: ANIL, ProtoNet and MAML from class means."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from metaart.algorithms import Batching
from metaart.algorithms.anil import ANIL, ANILConfig
from metaart.algorithms.maml import MAML, MAMLConfig
from metaart.algorithms.protonet import ProtoNet, ProtoNetConfig
from metaart.errors import UserError
from metaart.tasks import BaseLearner, Examples, Head, Task, stack

WAYS, SHOTS, SIZE = 3, 4, 5


class Net(nn.Module):
    """Features by one layer, answers by another."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(2, SIZE), nn.Linear(SIZE, WAYS)

    def forward(self, points: Tensor, answer: bool = True) -> Tensor:
        found = torch.tanh(self.body(points))
        return self.head(found) if answer else found


def loss(predict: Any, examples: Examples) -> Tensor:
    return F.cross_entropy(predict(examples["points"]), examples["labels"])


HEAD = Head("head", lambda predict, examples: predict(examples["points"], False), classifies=True)
WHOLE = Head("head")
"""The same layer, when nothing is known of what it is given."""


def base(network: Net, head: Head | None = HEAD) -> BaseLearner:
    return BaseLearner(network, loss, loss, head)


def task() -> Task:
    labels = torch.arange(WAYS).repeat_interleave(SHOTS)
    sides = [{"points": torch.randn(len(labels), 2, dtype=torch.float64), "labels": labels} for _ in range(2)]
    return Task(*sides)


@pytest.fixture
def learner() -> Net:
    torch.manual_seed(2)
    return Net().double()


@pytest.mark.parametrize("inner", ["sgd", "adam"])
@pytest.mark.parametrize("order", [1, 2])
def test_anil_takes_the_same_steps_with_features_found_once_and_found_anew(
    learner: Net, order: int, inner: str
) -> None:
    config = ANILConfig(steps=3, order=order, alpha=0.1, inner=inner)  # type: ignore[arg-type]
    tasks = stack([task(), task()])
    values, grads = [], []
    for head in (HEAD, WHOLE):
        algorithm = ANIL(base(learner, head), config, Batching("loop"))
        values.append(algorithm(tasks))
        grads.append(torch.autograd.grad(values[-1], list(algorithm.parameters())))
    torch.testing.assert_close(*values)
    torch.testing.assert_close(*grads)


def test_anil_moves_the_head_alone_by_gradient_descent(learner: Net) -> None:
    algorithm, support = ANIL(base(learner), ANILConfig(steps=2, alpha=0.3), Batching("loop")), task().support
    adapted = algorithm.adapt(support)
    by_hand = Net().double()
    by_hand.load_state_dict(learner.state_dict())
    optimizer = torch.optim.SGD(by_hand.head.parameters(), lr=0.3)
    for _ in range(2):
        optimizer.zero_grad()
        loss(by_hand, support).backward()
        optimizer.step()
    for name, value in by_hand.named_parameters():
        torch.testing.assert_close(adapted[name].detach(), value.detach())
    assert torch.equal(adapted["body.weight"], learner.body.weight)
    assert not torch.equal(adapted["head.weight"], learner.head.weight)


def test_anils_second_order_is_no_first_order(learner: Net) -> None:
    """The features' gradient through the inner step is what second order adds."""
    tasks, grads = stack([task()]), []
    for order in (1, 2):
        config = ANILConfig(steps=1, order=order, alpha=0.5)  # type: ignore[arg-type]
        algorithm = ANIL(base(learner), config, Batching("loop"))
        grads += torch.autograd.grad(algorithm(tasks), [algorithm.theta()["body.weight"]])
    assert not torch.allclose(*grads)


@pytest.mark.parametrize("learn_alpha", ["layer", "layer_step", "weight"])
def test_anil_learns_rates_of_the_head_alone(learner: Net, learn_alpha: str) -> None:
    algorithm = ANIL(base(learner), ANILConfig(steps=2, learn_alpha=learn_alpha), Batching("loop"))  # type: ignore[arg-type]
    assert set(algorithm.alphas(0)) == {"head.weight", "head.bias"}
    grads = torch.autograd.grad(algorithm(stack([task()])), list(algorithm.parameters()))
    assert all(bool(grad.any()) for grad in grads)


def test_protonet_answers_by_the_distance_to_the_means(learner: Net) -> None:
    algorithm, one = ProtoNet(base(learner), ProtoNetConfig()), task()
    adapted = algorithm.adapt(one.support)
    found = learner(one.support["points"], False)
    means = found.reshape(WAYS, SHOTS, SIZE).mean(1)
    asked = learner(one.query["points"], False)
    wanted = (-((asked[:, None] - means) ** 2).sum(-1)).softmax(-1)
    torch.testing.assert_close(functional_call(learner, adapted, (one.query["points"],)).softmax(-1), wanted)
    torch.testing.assert_close(algorithm.task_loss(one), -wanted.log()[torch.arange(12), one.query["labels"]].mean())


def test_protonet_gives_every_parameter_a_gradient(learner: Net) -> None:
    algorithm = ProtoNet(base(learner), ProtoNetConfig())
    grads = dict(
        zip(
            algorithm.theta(),
            torch.autograd.grad(algorithm(stack([task()])), list(algorithm.theta().values())),
            strict=True,
        )
    )
    assert not grads["head.weight"].any()
    assert grads["body.weight"].any()


def algorithms_from_means(learner: Net, alpha: float) -> list[MAML | ANIL]:
    return [
        MAML(base(learner), MAMLConfig(steps=2, alpha=alpha, head_start="means"), Batching("loop")),
        ANIL(base(learner), ANILConfig(steps=2, alpha=alpha, head_start="means"), Batching("loop")),
    ]


def test_steps_of_no_length_from_the_means_are_protonet(learner: Net) -> None:
    one, protonet = task(), ProtoNet(base(learner), ProtoNetConfig())
    wanted = protonet.task_loss(one)
    slope = torch.autograd.grad(wanted, protonet.theta()["body.weight"])
    for algorithm in algorithms_from_means(learner, 1e-12):
        found = algorithm.task_loss(one)
        torch.testing.assert_close(found, wanted)
        torch.testing.assert_close(torch.autograd.grad(found, algorithm.theta()["body.weight"]), slope)


def test_steps_from_the_means_lower_the_support_loss(learner: Net) -> None:
    one, protonet = task(), ProtoNet(base(learner), ProtoNetConfig())
    start = protonet.query_loss(protonet.adapt(one.support), one.support).item()
    for algorithm in algorithms_from_means(learner, 0.05):
        losses = [
            start,
            *(algorithm.support_loss(params, one.support).item() for params in algorithm.path(one.support, 4)),
        ]
        assert losses == sorted(set(losses), reverse=True)


def test_a_head_that_is_not_there_is_asked_for(learner: Net) -> None:
    with pytest.raises(UserError, match="linear layer"):
        ANIL(base(learner, None), ANILConfig())
    with pytest.raises(UserError, match="does not classify"):
        ProtoNet(base(learner, WHOLE), ProtoNetConfig())
    with pytest.raises(UserError, match="head_start=means"):
        MAML(base(learner, WHOLE), MAMLConfig(head_start="means"))
    with pytest.raises(UserError, match=r"algorithm\.head_start"):
        MAMLConfig(head_start="zero")  # type: ignore[arg-type]
