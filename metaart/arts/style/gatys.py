"""The classical way: the pixels themselves are what is optimised, anew for every picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from metaart.domains.style.objective import Objective, Wanted
from metaart.options import option, options


@options()
class GatysConfig:
    """How pixels are optimised."""

    steps: int = option(default=100, ge=1, help="gradient steps")
    optimizer: Literal["adam", "lbfgs"] = option(default="adam", help="adam, or lbfgs as the paper has it")
    rate: float = option(default=0.03, gt=0, le=1, help="of Adam, in units of the range from black to white")


def gatys(
    objective: Objective,
    photographs: Tensor,
    style: dict[str, Tensor],
    config: GatysConfig = GatysConfig(),
    start: Tensor | None = None,
    watch: Callable[[int, Tensor], None] | None = None,
) -> Tensor:
    """Pictures with the content of photographs and the style wanted.

    Source: Gatys, Ecker & Bethge 2016, section 2.3. Differs from the paper: it starts at a picture, not at noise.

    Args:
        objective: what is minimised.
        photographs: (pictures, 3, height, width) from 0 to 1.
        style: Gram matrices by tap (`Objective.of_style`), one for each picture or one for all.
        config: of the optimiser.
        start: pictures to start at, as the photographs (default: these).
        watch: is given the number of steps taken and the pictures as they are, after each step.

    Returns:
        As the photographs.
    """
    wanted = Wanted(objective.of_content(photographs), style)
    # L-BFGS sees all pixels as one row without a copy, which a picture whose channels lie last in memory does not
    # allow.
    pixels = (photographs if start is None else start).detach().clone(memory_format=torch.contiguous_format)
    pixels.requires_grad_()
    optimizer: torch.optim.Optimizer
    if config.optimizer == "adam":
        optimizer = torch.optim.Adam([pixels], lr=config.rate)
    else:
        # One iteration a step: what is clipped and watched after each is then the same for both optimisers.
        optimizer = torch.optim.LBFGS([pixels], lr=1.0, max_iter=1, history_size=20, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = objective.parts(pixels, wanted).total.sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    for step in range(1, config.steps + 1):
        optimizer.step(closure)  # type: ignore[no-untyped-call]
        with torch.no_grad():
            pixels.clamp_(0, 1)
        if watch is not None:
            watch(step, pixels.detach())
    return pixels.detach()
