"""One second-order meta-step: our MAML beside a plain loop and other libraries, the gradients compared first."""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from metaart.algorithms import Batching
from metaart.algorithms.maml import MAML, MAMLConfig
from metaart.domains import Domain
from metaart.domains.music.domain import MusicConfig, MusicDomain
from metaart.domains.sinusoid.domain import SinusoidDomain
from metaart.tasks import BaseLearner, Examples, Task, num_tasks, unstack

MetaGradient = Callable[[], list[Tensor]]
"""Computes the gradient of the mean query loss after adaptation, one tensor per weight of the learner."""


@dataclass(frozen=True)
class Case:
    """What one meta-step works on.

    Attributes:
        name: of the case.
        domain: gives the learner and its loss.
        tasks: the batch, floats in float64.
        steps: inner steps of SGD.
        alpha: their rate.
    """

    name: str
    domain: Domain
    tasks: Task
    steps: int
    alpha: float

    def learner(self, dtype: torch.dtype) -> nn.Module:
        """The learner, the same weights every time."""
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return self.domain.learner().to(dtype)

    def cast(self, dtype: torch.dtype) -> Task:
        """The batch, its floats in another precision."""

        def cast(examples: Examples) -> Examples:
            return {name: value.to(dtype) if value.is_floating_point() else value for name, value in examples.items()}

        return self.tasks.mapped(cast)

    def base(self, dtype: torch.dtype) -> BaseLearner:
        """What our algorithms are built from."""
        return BaseLearner(self.learner(dtype), self.domain.loss, self.domain.loss)


def sinusoid_case(tasks: int = 25, points: int = 10, steps: int = 5) -> Case:
    """The network of Finn et al. 2017 on sine waves."""
    # Amplitudes from 0.1 to 5 and phases from 0 to pi, as in section 5.1 of the paper.
    generator = torch.Generator().manual_seed(1)
    amplitude = 0.1 + 4.9 * torch.rand(tasks, 1, 1, generator=generator, dtype=torch.float64)
    phase = torch.pi * torch.rand(tasks, 1, 1, generator=generator, dtype=torch.float64)

    def side() -> Examples:
        x = 10 * torch.rand(tasks, points, 1, generator=generator, dtype=torch.float64) - 5
        return {"x": x, "y": amplitude * torch.sin(x - phase)}

    return Case("sinusoid", SinusoidDomain(), Task(side(), side()), steps, alpha=0.01)


def music_case(tasks: int = 8, works: int = 4, tokens: int = 32, steps: int = 3, hidden_size: int = 256) -> Case:
    """The music LSTM on random tokens."""
    domain = MusicDomain(MusicConfig(max_tokens=tokens, hidden_size=hidden_size))
    generator, shape = torch.Generator().manual_seed(2), (tasks, works, tokens)
    support, query = (torch.randint(1, domain.vocabulary.size, shape, generator=generator) for _ in range(2))
    return Case("music", domain, Task({"tokens": support}, {"tokens": query}), steps, alpha=0.1)


CASES: dict[str, Callable[[], Case]] = {"sinusoid": sinusoid_case, "music": music_case}


def ours(case: Case, dtype: torch.dtype, batching: Batching) -> MetaGradient:
    """MAML of this library."""
    config = MAMLConfig(steps=case.steps, order=2, alpha=case.alpha)
    algorithm, tasks = MAML(case.base(dtype), config, batching), case.cast(dtype)
    return lambda: list(torch.autograd.grad(algorithm(tasks), list(algorithm.theta().values())))


def plain(case: Case, dtype: torch.dtype) -> MetaGradient:
    """A loop over tasks and steps with `torch.autograd.grad` and explicit weights."""
    learner, tasks = case.learner(dtype), case.cast(dtype)
    theta: dict[str, Tensor] = dict(learner.named_parameters())

    def loss(params: dict[str, Tensor], examples: Examples) -> Tensor:
        return case.domain.loss(lambda *inputs: functional_call(learner, params, inputs), examples)

    def meta_gradient() -> list[Tensor]:
        losses = []
        for task in unstack(tasks):
            params = theta
            for _ in range(case.steps):
                # The graph of the gradient is what second order is about: the outer gradient goes back through it.
                grads = torch.autograd.grad(loss(params, task.support), list(params.values()), create_graph=True)
                params = {
                    name: value - case.alpha * grad for (name, value), grad in zip(params.items(), grads, strict=True)
                }
            losses.append(loss(params, task.query))
        return list(torch.autograd.grad(torch.stack(losses).mean(), list(theta.values())))

    return meta_gradient


def with_higher(case: Case, dtype: torch.dtype) -> MetaGradient:
    """`higher.innerloop_ctx` with SGD."""
    import higher

    learner, tasks = case.learner(dtype), case.cast(dtype)
    optimizer = torch.optim.SGD(learner.parameters(), lr=case.alpha)

    def meta_gradient() -> list[Tensor]:
        losses = []
        for task in unstack(tasks):
            # Copied weights would cut the graph off from those of the learner, whose gradient is asked for.
            with higher.innerloop_ctx(learner, optimizer, copy_initial_weights=False) as (inner, steps):
                for _ in range(case.steps):
                    steps.step(case.domain.loss(inner, task.support))
                losses.append(case.domain.loss(inner, task.query))
        return list(torch.autograd.grad(torch.stack(losses).mean(), list(learner.parameters())))

    return meta_gradient


def with_torchopt(case: Case, dtype: torch.dtype) -> MetaGradient:
    """`torchopt.MetaSGD`."""
    import torchopt

    learner, tasks = case.learner(dtype), case.cast(dtype)
    theta = list(learner.parameters())
    optimizer = torchopt.MetaSGD(learner, lr=case.alpha)
    # By reference: a copy would not belong to the graph that leads back to theta.
    start = [torchopt.extract_state_dict(part, by="reference") for part in (learner, optimizer)]

    def meta_gradient() -> list[Tensor]:
        losses = []
        for task in unstack(tasks):
            for _ in range(case.steps):
                optimizer.step(case.domain.loss(learner, task.support))
            losses.append(case.domain.loss(learner, task.query))
            # Every task begins at theta, and with a fresh optimizer.
            for part, state in zip((learner, optimizer), start, strict=True):
                torchopt.recover_state_dict(part, state)
        return list(torch.autograd.grad(torch.stack(losses).mean(), theta))

    return meta_gradient


PEERS: dict[str, Callable[[Case, torch.dtype], MetaGradient]] = {"higher": with_higher, "torchopt": with_torchopt}


def contenders() -> dict[str, Callable[[Case, torch.dtype], MetaGradient]]:
    """All that can run here, by name; the plain loop first."""
    found: dict[str, Callable[[Case, torch.dtype], MetaGradient]] = {
        "plain loop": plain,
        "metaart, loop": lambda case, dtype: ours(case, dtype, Batching("loop")),
        "metaart, vmap": lambda case, dtype: ours(case, dtype, Batching("vmap")),
    }
    for name, build in PEERS.items():
        try:
            importlib.import_module(name)
        except ImportError:
            continue
        found[name] = build
    return found


def compare(case: Case, tolerance: float = 1e-10) -> dict[str, float]:
    """The largest difference of each contender's meta-gradient from the plain loop's, in float64, by its largest entry.

    Raises:
        ArithmeticError: one is above the tolerance: then a comparison of times means nothing.
    """
    expected = plain(case, torch.float64)()
    # By the largest entry of all weights: rounding is as large as that makes it, in small entries too.
    scale = max(float(grad.abs().max()) for grad in expected)
    differences = {}
    for name, build in contenders().items():
        grads = build(case, torch.float64)()
        pairs = zip(grads, expected, strict=True)
        differences[name] = max(float((one - other).abs().max()) for one, other in pairs) / scale
        # So written, a difference that is no number fails too.
        if not differences[name] <= tolerance:
            raise ArithmeticError(f"{name} differs from the plain loop by {differences[name]:.1e} on {case.name}")
    return differences


def measure(case: Case, repeats: int) -> dict[str, float]:
    """Median seconds of a meta-step in float32 by contender; all take turns, so that a busy machine is busy for all."""
    steps = {name: build(case, torch.float32) for name, build in contenders().items()}
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(repeats + 1):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            if turn:  # the first only warms up
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def table(case: Case, differences: dict[str, float], seconds: dict[str, float]) -> str:
    """Medians and ratios in words."""
    title = f"{case.name}: {num_tasks(case.tasks)} tasks, {case.steps} inner steps, second order"
    lines = [title, "", f"{'':16}{'median':>11}{'times faster':>15}{'difference':>13}"]
    for name, median_s in seconds.items():
        faster = seconds["plain loop"] / median_s
        lines.append(f"{name:16}{1000 * median_s:8.1f} ms{faster:15.2f}{differences[name]:13.0e}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Compare, measure, print."""
    options = _options(arguments)
    torch.set_num_threads(options.threads)
    results: dict[str, Any] = {}
    for name in options.case or CASES:
        case = CASES[name]()
        differences = compare(case)
        seconds = measure(case, options.repeats)
        print(table(case, differences, seconds), end="\n\n", flush=True)
        results[name] = {"median_s": seconds, "difference": differences}
    if options.json:
        options.json.write_text(json.dumps({"threads": options.threads, "cases": results}, indent=2), encoding="utf-8")
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench meta-step",
        description="Times one second-order meta-step of MAML (loop and vmap) beside a plain loop over "
        "torch.autograd.grad and, where they are installed, higher and torchopt. All give the same gradient, which is "
        "checked first in float64; the times are of float32.",
        epilog="example: scripts/bench meta-step --case music --repeats 20",
    )
    parser.add_argument("--case", action="append", choices=sorted(CASES), help="only this one; may be repeated")
    parser.add_argument("--repeats", type=int, default=10, help="meta-steps counted per contender (default 10)")
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch (default 1)")
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
