"""The outer step over the ranks of a process group: a DeepSpeed engine around the algorithm."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import deepspeed
import torch
from deepspeed.utils import (
    safe_get_full_fp32_param,
    safe_get_full_optimizer_state,
    safe_set_full_fp32_param,
    safe_set_full_optimizer_state,
    safe_set_local_fp32_param,
    safe_set_local_optimizer_state,
)
from torch import Tensor, distributed
from torch.nn import functional as F

from cluster.zero import DeepSpeedConfig, settings
from metaart.algorithms import LossKind, MetaAlgorithm
from metaart.config import StageConfig
from metaart.tasks import Examples, Task, num_tasks, select, to_device
from metaart.training.step import State, load_weights, outer_optimizer

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp64": torch.float64}
NO_TASKS = Task({"x": torch.empty(0)}, {"x": torch.empty(0)})


class EngineStep:
    """An outer step that all ranks take together, each with its share of the batch; see `metaart.training.step`.

    The ranks' mean losses are weighed by what each is a mean over, so the gradient is that of one process with the
    whole batch. Every rank has a task to train on: stage 2 sums gradients in the order in which they come, and a rank
    without tasks would have another order. In an evaluation a rank may have none. Weights and the optimizer's state
    are given and taken whole and by parameter name, in the layout of `LocalStep`: they know nothing of stages or
    numbers of ranks.

    Args:
        algorithm: whose parameters move; DeepSpeed takes it over.
        stage: optimizer and clipping.
        config: what DeepSpeed shares out.
        device: where to compute.
    """

    def __init__(self, algorithm: MetaAlgorithm, stage: StageConfig, config: DeepSpeedConfig, device: str) -> None:
        logging.getLogger("DeepSpeed").setLevel(logging.ERROR)
        # It would be compiled for half a minute to move a few kilobytes faster.
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
        self._device, self._stage, self._micro_batches = device, config.zero_stage, config.micro_batches
        self._dtype = DTYPES[config.precision]
        # DeepSpeed halves weights itself, after it has copied them.
        self._algorithm = algorithm.to(device, None if config.precision == "bf16" else self._dtype)
        if config.precision == "fp64":
            _let_reduce_fp64()
        self._optimizer = outer_optimizer(algorithm, stage)
        self._engine, *_ = deepspeed.initialize(
            model=algorithm,
            optimizer=self._optimizer,
            config=settings(sum(value.numel() for value in algorithm.parameters()), stage.clip_norm, config),
            dist_init_required=False,
        )
        if config.precision == "fp64":
            self._engine.communication_data_type = torch.float64
        # No rank goes on, perhaps to publish a finished stage, before all have seen that there is one to take. A sum,
        # because NCCL's barrier guesses a device from the rank, which holds on one machine alone.
        self._sum(0.0)

    def __call__(self, tasks: Task, rate: float) -> float:
        """See `OuterStep`."""
        self._engine.train()
        self._set_rate(rate)
        parts = self._parts(tasks)
        weights = [self._algorithm.weight(part) for part in parts]
        (total,) = self._sum(sum(weights))
        # DeepSpeed takes the mean over ranks and parts, as if all weighed the same. What each is a mean over (tasks, or
        # tokens) differs: so its loss is scaled by its weight, and by the number of ranks and parts to undo the mean.
        scale = distributed.get_world_size() * len(parts) / total
        summed = 0.0
        for part, weight in zip(parts, weights, strict=True):
            # The scaling is in fp32 at least: in bf16 it would round the share of a rank.
            at_least = max(self._dtype, torch.float32, key=lambda kind: kind.itemsize)
            loss = self._engine(self._on_device(part)).to(at_least)
            self._engine.backward(loss * (weight * scale))
            self._engine.step()  # moves the weights after the last part alone
            summed += float(loss.detach()) * weight
        return self._sum(summed)[0] / total

    @torch.no_grad()
    def evaluate(self, tasks: Task, kind: LossKind) -> float:
        """See `OuterStep`."""
        self._engine.eval()
        weight = self._algorithm.weight(tasks)
        loss = self._engine(self._on_device(tasks), kind)
        summed, total = self._sum(float(loss) * weight, weight)
        return summed / total

    def state_dict(self) -> dict[str, State]:
        """See `OuterStep`."""
        # The optimizer's own view, whose keys are the same on every rank even where it holds parts of parameters.
        held: dict[str, Any] = next(iter(self._optimizer.state.values()), {})
        moments = {
            f"{key}|{name}": self._moment(parameter, key).detach().cpu().clone()
            for name, parameter in self._algorithm.named_parameters()
            for key, value in held.items()
            if isinstance(value, Tensor)
        }
        with self._gathered():
            weights = {
                name: self._master(value).detach().cpu().clone() for name, value in self._algorithm.named_parameters()
            }
        return {"weights": weights, "optimizer": moments}

    def load_state_dict(self, state: dict[str, State]) -> None:
        """See `OuterStep`."""
        parameters = dict(self._algorithm.named_parameters())
        # What rank 0 writes into gathered weights is what every rank's part is cut from when the context ends.
        with self._gathered(modifier_rank=0):
            load_weights(self._algorithm, state["weights"])
        for name, value in state["weights"].items():
            self._set_master(parameters[name], value.to(self._device))
        if state["optimizer"]:
            self._lay_out_optimizer_state()
        for label, value in state["optimizer"].items():
            key, _, name = label.partition("|")
            self._set_moment(parameters[name], key, value.to(self._device))

    def _lay_out_optimizer_state(self) -> None:
        # Optimizers make their state in the first step: take one of no length along no gradient.
        self._engine.train()
        self._set_rate(0.0)
        for _ in range(self._micro_batches):
            self._engine.backward(self._engine(self._on_device(NO_TASKS)))
            self._engine.step()

    def _parts(self, tasks: Task) -> list[Task]:
        count, parts = num_tasks(tasks), self._micro_batches
        return [select(tasks, slice(count * part // parts, count * (part + 1) // parts)) for part in range(parts)]

    def _on_device(self, tasks: Task) -> Task:
        def cast(examples: Examples) -> Examples:
            return {name: v.to(self._dtype) if v.is_floating_point() else v for name, v in examples.items()}

        moved = to_device(tasks, self._device)
        return moved if self._dtype == torch.float32 else moved.mapped(cast)

    def _set_rate(self, rate: float) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = rate

    def _moment(self, parameter: Tensor, key: str) -> Tensor:
        if key == "step":  # one number, the same for all parameters
            return torch.as_tensor(next(iter(self._optimizer.state.values()))[key]).reshape(1)
        if self._stage == 0:
            return torch.as_tensor(self._optimizer.state[parameter][key])
        return torch.as_tensor(safe_get_full_optimizer_state(parameter, key))

    def _set_moment(self, parameter: Tensor, key: str, value: Tensor) -> None:
        if key == "step":
            for held in self._optimizer.state.values():
                held[key].fill_(float(value))
        elif self._stage == 0:
            self._optimizer.state[parameter][key].copy_(value)
        elif self._stage == 3:
            safe_set_local_optimizer_state(parameter, own_part(parameter, value), key)
        else:
            safe_set_full_optimizer_state(parameter, value, key)

    def _master(self, parameter: Tensor) -> Tensor:
        if self._dtype != torch.bfloat16:
            return parameter
        return torch.as_tensor(safe_get_full_fp32_param(parameter))

    def _set_master(self, parameter: Tensor, value: Tensor) -> None:
        # From stage 1 on the optimizer moves copies of its own, which overwrite the weights after each step.
        if self._stage == 3:
            safe_set_local_fp32_param(parameter, own_part(parameter, value))
        elif self._stage:
            safe_set_full_fp32_param(parameter, value)

    def _gathered(self, modifier_rank: int | None = None) -> AbstractContextManager[Any]:
        if self._stage < 3:
            return nullcontext()
        gathered: AbstractContextManager[Any] = deepspeed.zero.GatheredParameters(
            list(self._algorithm.parameters()), modifier_rank=modifier_rank
        )
        return gathered

    def _sum(self, *values: float) -> list[float]:
        summed = torch.tensor(values, dtype=torch.float64, device=self._device)
        distributed.all_reduce(summed)
        return summed.tolist()


def _let_reduce_fp64() -> None:
    # Gloo and NCCL reduce it; DeepSpeed's list of what it hands them leaves it out.
    accelerator = deepspeed.accelerator.get_accelerator()
    supported = accelerator.supported_dtypes()
    if torch.float64 not in supported:
        accelerator.supported_dtypes = lambda: [*supported, torch.float64]


def own_part(parameter: Tensor, value: Tensor) -> Tensor:
    """This rank's part of a value that stage 3 shares out: equal parts, the last filled up with zeros."""
    size = parameter.ds_tensor.numel()  # type: ignore[attr-defined]
    padded = F.pad(value.flatten(), (0, size * distributed.get_world_size() - value.numel()))
    return padded[size * distributed.get_rank() :][:size]
