"""How far networks of this kind get at all: one style, every training photograph, a thousand steps."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from metaart.build import build_pooled
from metaart.domains.style import Style
from metaart.evaluation.stylisation import StylisationConfig, Subject, spaced, subjects_of
from metaart.style.frames import square
from metaart.style.measures import examples_of, wanted_of
from metaart.training.checkpoint import save_text
from metaart.training.run import load_config, pooled_theta

RUN, PAINTINGS, MADE = Path("runs/style"), Path("data/paintings"), Path("runs/style/ceiling.json")
STYLES, STEPS, WORKS = 1, (0, 20, 100, 300, 1000), 8

Predict = Callable[..., Tensor]


@dataclass(frozen=True)
class Try:
    """A network that is trained on one style, and the rate of Adam that it begins with."""

    name: str
    rate: float
    learner: Callable[[], tuple[Predict, list[Tensor]]]


def main() -> int:
    """Train every network on every style; what came out is kept in `MADE`."""
    torch.set_num_threads(1)
    config, domain = load_config(RUN)
    assert isinstance(domain, Style)
    shown = domain.photographs("test")
    photographs = [square(shown[place], 64) for place in spaced(len(shown), 2)]
    subjects = subjects_of(domain, PAINTINGS, photographs, StylisationConfig(styles=STYLES, size=64))

    def pooled() -> tuple[Predict, list[Tensor]]:
        algorithm = build_pooled(config, domain)
        theta = {name: value.clone().requires_grad_() for name, value in pooled_theta(config, domain, RUN).items()}
        return algorithm.predict(theta), list(theta.values())

    tries = (Try("the recipe's network, from its pooled weights", 0.002, pooled),)
    rows = [row for one in tries for subject in subjects for row in _trained(domain, one, subject)]
    save_text(MADE, json.dumps({"command": "python -m benchmarks.style_ceiling", "rows": rows}, indent=1))
    return 0


def _trained(domain: Style, one: Try, subject: Subject) -> Iterator[dict[str, Any]]:
    """The loss on the test photographs after each of `STEPS`, trained on cuts of the training photographs."""
    predict, weights = one.learner()
    optimizer = torch.optim.Adam(weights, lr=one.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(STEPS))
    photographs, rng = domain.photographs("train"), np.random.default_rng(0)
    for step in tqdm(range(max(STEPS) + 1), desc=f"{one.name}: {subject.name}"):
        if step in STEPS:
            with torch.no_grad():
                drawn = predict(subject.query["photograph"], subject.query["statistics"])
                loss = domain.objective.parts(drawn, wanted_of(subject.query)).total.mean()
            yield {"network": one.name, "style": subject.name, "step": step, "loss": float(loss)}
        cuts = [square(photographs[int(place)], 64, rng, closest=0.4)
                for place in rng.integers(len(photographs), size=WORKS)]  # fmt: skip
        batch = examples_of(domain.reader, [subject.style], cuts, [0] * WORKS)
        drawn = predict(batch["photograph"], batch["statistics"])
        optimizer.zero_grad()
        loss = domain.objective.parts(drawn, wanted_of(batch)).total.mean()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()


if __name__ == "__main__":
    sys.exit(main())
