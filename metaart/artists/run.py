"""From a few works to a new one: adapt a trained run to examples, then create in their hand."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.func import vmap

from metaart.algorithms import Predict
from metaart.errors import UserError
from metaart.tasks import Examples, Params
from metaart.training.run import load_algorithm

MAX_STEPS = 100
"""Adaptation steps above which a request is refused: past it the examples are only learned by heart."""


def shipped_run(art: str = "music") -> Path:
    """The run directory that ships with the package.

    Raises:
        UserError: this installation has none.
    """
    folder = _shipped(art)
    if not ships(art):
        raise UserError(
            expected=f"the {art} model that ships with metaart",
            got=f"an installation without {folder}",
            fix=f"Train a run with `metaart train {art} --out runs/{art}` and give it as --run (service: {art}=DIR).",
        )
    return folder


def run_folder(run: Path | str | None, art: str) -> Path:
    """The folder of a run; that of the one that ships with the package for None."""
    return shipped_run(art) if run is None else Path(run)


def ships(art: str) -> bool:
    """Whether a run of this art ships with the package."""
    return (_shipped(art) / "config.json").is_file()


def _shipped(art: str) -> Path:
    return Path(str(resources.files("metaart"))) / "models" / art


class Creator:
    """A trained run that adapts to examples and creates.

    Adaptation takes the requests in turn, so that each may have its own number of works; creation takes all of them
    together, each with its own weights, in double precision: so what is asked alone and what is asked beside others
    comes out the same.

    Args:
        run: run directory; the one that ships with the package if left out.
        art: whose shipped run.

    Raises:
        UserError: the run is missing or damaged.
    """

    def __init__(self, run: Path | str | None = None, art: str = "music") -> None:
        self.run = run_folder(run, art)
        self.config, self.domain, self._algorithm = load_algorithm(self.run)
        self._algorithm.requires_grad_(False)

    def create(
        self,
        examples: Sequence[Sequence[bytes]],
        requests: Sequence[Any],
        steps: Sequence[int | None] | int | None = None,
    ) -> list[bytes]:
        """One artefact per request, each in the hand of its own example files.

        Args:
            examples: files of each request.
            requests: in the domain's own terms, `ComposeRequest` for music.
            steps: adaptation steps, of all or of each; the number the run was trained for if left out, 0 for none.

        Raises:
            UserError: files or steps that cannot be used.
        """
        each = list(steps) if isinstance(steps, Sequence) else [steps] * len(requests)
        supports = [self.domain.read(files) for files in examples]
        adapted = [self.adapt(support, count) for support, count in zip(supports, each, strict=True)]
        return self.render(adapted, requests)

    def adapt(self, support: Examples, steps: int | None = None) -> Params:
        """The learner's weights after adaptation to examples, constants from here on.

        Raises:
            UserError: steps outside 0 to `MAX_STEPS`.
        """
        check_steps(steps)
        with torch.no_grad():
            return {name: value.detach() for name, value in self._algorithm.adapt(support, steps).items()}

    def theta(self) -> Params:
        """The learner's weights before adaptation."""
        return self._algorithm.theta()

    def predict(self, params: Params) -> Predict:
        """The learner with these weights: inputs to outputs."""
        return self._algorithm.predict(params)

    def render(self, adapted: Sequence[Params], requests: Sequence[Any]) -> list[bytes]:
        """One artefact per request from its own adapted weights, all together."""
        if not requests:
            return []
        if len(adapted) != len(requests):
            raise UserError(
                expected="as many requests as adapted weights",
                got=f"{len(requests)} and {len(adapted)}",
                fix="Repeat the weights that are to serve several requests.",
            )
        stacked = {name: torch.stack([params[name] for params in adapted]).double() for name in adapted[0]}

        def one(params: Params, *inputs: Any) -> Any:
            return self.predict(params)(*inputs)

        def predict(*inputs: Any) -> Any:
            return vmap(one)(stacked, *(_double(value) for value in inputs))

        with torch.no_grad():
            return self.domain.render(predict, requests)


def check_steps(steps: int | None) -> None:
    """Refuse a number of adaptation steps that makes no sense.

    Raises:
        UserError: it is not a whole number from 0 to `MAX_STEPS`.
    """
    if steps is not None and (not isinstance(steps, int) or isinstance(steps, bool) or not 0 <= steps <= MAX_STEPS):
        raise UserError(
            expected=f"steps to be a whole number from 0 to {MAX_STEPS}",
            got=repr(steps),
            fix="Leave steps out for the number the run was trained for.",
        )


def _double(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.double() if value.is_floating_point() else value
    return value
