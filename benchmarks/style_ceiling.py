"""How far a network of this kind gets at all: one style, every training photograph, a thousand steps."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from metaart.arts.style.evaluate import StylisationConfig, spaced, subjects_of
from metaart.arts.style.trials import Subject
from metaart.build import build_pooled
from metaart.config import RunConfig
from metaart.domains.style.domain import StyleDomain
from metaart.domains.style.frames import square
from metaart.domains.style.measures import examples_of, wanted_of
from metaart.files import save_text
from metaart.training.run import load_config, pooled_theta

RUN, PAINTINGS, MADE = Path("runs/style"), Path("data/paintings"), Path("runs/style/ceiling.json")
STYLES, STEPS, WORKS = 1, (0, 20, 100, 300, 1000), 8

NETWORK, RATE = "the recipe's network, from its pooled weights", 0.002
"""What is trained, and the rate of Adam that it begins with."""


def main() -> int:
    """Train the network on every style; what came out is kept in `MADE`."""
    torch.set_num_threads(1)
    config, domain = load_config(RUN)
    assert isinstance(domain, StyleDomain)
    shown = domain.photographs("test")
    photographs = [square(shown[index], 64) for index in spaced(len(shown), 2)]
    subjects = subjects_of(domain, PAINTINGS, photographs, StylisationConfig(styles=STYLES, size=64))
    rows = [row for subject in subjects for row in _trained(config, domain, subject)]
    save_text(MADE, json.dumps({"command": "python -m benchmarks.style_ceiling", "rows": rows}, indent=1))
    return 0


def _trained(config: RunConfig, domain: StyleDomain, subject: Subject) -> Iterator[dict[str, Any]]:
    """The loss on the test photographs after each of `STEPS`, trained on cuts of the training photographs."""
    theta = {name: value.clone().requires_grad_() for name, value in pooled_theta(config, domain, RUN).items()}
    predict = build_pooled(config, domain).predict(theta)
    optimizer = torch.optim.Adam(theta.values(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(STEPS))
    photographs, rng = domain.photographs("train"), np.random.default_rng(0)
    for step in tqdm(range(max(STEPS) + 1), desc=subject.name):
        if step in STEPS:
            with torch.no_grad():
                drawn = predict(subject.query["photograph"], subject.query["statistics"])
                loss = domain.objective.parts(drawn, wanted_of(subject.query)).total.mean()
            yield {"network": NETWORK, "style": subject.name, "step": step, "loss": float(loss)}
        cuts = [square(photographs[int(index)], 64, rng, closest=0.4)
                for index in rng.integers(len(photographs), size=WORKS)]  # fmt: skip
        batch = examples_of(domain.reader, [subject.style], cuts, [0] * WORKS)
        drawn = predict(batch["photograph"], batch["statistics"])
        optimizer.zero_grad()
        loss = domain.objective.parts(drawn, wanted_of(batch)).total.mean()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()


if __name__ == "__main__":
    sys.exit(main())
