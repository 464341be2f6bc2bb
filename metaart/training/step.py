"""One outer step: tasks in, weights moved."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn

from metaart.algorithms import LossKind, MetaAlgorithm
from metaart.config import StageConfig
from metaart.errors import UserError
from metaart.tasks import Task, to_device

State = dict[str, Tensor]


class OuterStep(Protocol):
    """What the training loop needs: in one process, or over the ranks of a cluster."""

    def __call__(self, tasks: Task, rate: float) -> float:
        """Move the weights by this rank's share of the batch; the mean loss over the whole batch."""

    def evaluate(self, tasks: Task, kind: LossKind) -> float:
        """Mean loss of a kind over all ranks' tasks, without moving anything."""

    def state_dict(self) -> dict[str, State]:
        """{"weights": ..., "optimizer": ...}, whole and by parameter name; every rank calls it."""

    def load_state_dict(self, state: dict[str, State]) -> None:
        """Go on from what `state_dict` gave."""


class LocalStep:
    """An outer step in this process.

    Args:
        algorithm: whose parameters move.
        stage: optimizer and clipping.
        device: where to compute.
    """

    def __init__(self, algorithm: MetaAlgorithm, stage: StageConfig, device: str = "cpu") -> None:
        self.algorithm = algorithm.to(device)
        self.optimizer = outer_optimizer(algorithm, stage)
        self._clip_norm, self._device = stage.clip_norm, device

    def __call__(self, tasks: Task, rate: float) -> float:
        """See `OuterStep`."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        loss = self.algorithm(to_device(tasks, self._device))
        loss.backward()
        if self._clip_norm:
            nn.utils.clip_grad_norm_(self.algorithm.parameters(), self._clip_norm)
        self.optimizer.step()
        return float(loss.detach())

    @torch.no_grad()
    def evaluate(self, tasks: Task, kind: LossKind) -> float:
        """See `OuterStep`."""
        return float(self.algorithm(to_device(tasks, self._device), kind))

    def state_dict(self) -> dict[str, State]:
        """See `OuterStep`."""
        weights = {name: value.detach().cpu().clone() for name, value in self.algorithm.named_parameters()}
        moments = {
            # One entry at least: safetensors files of ours hold no 0-dimensional tensors.
            f"{key}|{name}": value.detach().reshape(value.shape or (1,)).cpu().clone()
            for name, parameter in self.algorithm.named_parameters()
            for key, value in self.optimizer.state.get(parameter, {}).items()
            if isinstance(value, Tensor)
        }
        return {"weights": weights, "optimizer": moments}

    def load_state_dict(self, state: dict[str, State]) -> None:
        """See `OuterStep`."""
        load_weights(self.algorithm, state["weights"])
        parameters = dict(self.algorithm.named_parameters())
        for label, value in state["optimizer"].items():
            key, _, name = label.partition("|")
            slot = self.optimizer.state.setdefault(parameters[name], {})
            # PyTorch keeps the step count as a 0-dimensional tensor on the CPU; safetensors keeps it with one entry.
            slot[key] = value.reshape(()).clone() if key == "step" else value.to(self._device, copy=True)


def outer_optimizer(algorithm: nn.Module, stage: StageConfig) -> torch.optim.Optimizer:
    """The optimizer of the outer loop."""
    parameters: Any = list(algorithm.parameters())
    if stage.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=stage.outer_lr)
    return torch.optim.SGD(parameters, lr=stage.outer_lr)


@torch.no_grad()
def load_weights(algorithm: nn.Module, weights: State) -> None:
    """Take over all parameters of an algorithm by name.

    Raises:
        UserError: other names or shapes.
    """
    check_weights(algorithm, weights)
    own = dict(algorithm.named_parameters())
    for name, value in weights.items():
        # In place, for the optimizer holds these very tensors.
        own[name].copy_(value)


def check_weights(algorithm: nn.Module, weights: State) -> None:
    """Refuse weights that are not an algorithm's own, by names and shapes.

    Raises:
        UserError: they are not.
    """
    own = dict(algorithm.named_parameters())
    wrong = sorted(set(own) ^ set(weights)) or [n for n in own if own[n].shape != weights[n].shape]
    if wrong:
        raise UserError(
            expected="the weights of this configuration",
            got=f"others at {', '.join(wrong[:5])}",
            fix="Use weights and config.json of the same run.",
        )
