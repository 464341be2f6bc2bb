"""A trained run as a value: loaded once, handed on; it adapts to works and creates with what came of that."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.func import vmap

from metaart.algorithms import MetaAlgorithm, Predict
from metaart.artists.art import Art, Made, Request, Use
from metaart.artists.artist import Artist, Support, Verdict, checked, read_artist
from metaart.artists.reading import read_works
from metaart.artists.requests import check_steps, request_of
from metaart.artists.works import Brought, Work, WorksInput, works_from
from metaart.config import RunConfig
from metaart.domains import Domain
from metaart.errors import UserError
from metaart.tasks import Examples, Params
from metaart.training.run import CONFIG, POOLED, WEIGHTS, pooled_theta


# Compared by identity: what it holds are tensors, of which == makes tensors.
@dataclass(frozen=True, eq=False)
class Run:
    """A trained run.

    Adaptation takes requests in turn, so that each may have its own number of works; creation takes all of them
    together, each with its own weights, in double precision: so what is asked alone and what is asked beside others
    comes out the same.

    Attributes:
        folder: the run directory.
        config: what it was trained as.
        domain: what it learned.
        algorithm: the trained meta-learner; its parameters are constants from here on.
        art: what is offered of it.
        open: loads another run, to be compared with.
    """

    folder: Path
    config: RunConfig
    domain: Domain
    algorithm: MetaAlgorithm
    art: Art
    open: Callable[[Path], Run] = field(repr=False)

    @property
    def name(self) -> str:
        """That of its folder."""
        return self.folder.name

    @cached_property
    def hash(self) -> str:
        """Of its weights and configuration: what an artist of this run is known by."""
        digest = sha256()
        # The configuration too: the same weights read works and adapt otherwise under other settings.
        for file in (CONFIG, WEIGHTS):
            digest.update((self.folder / file).read_bytes())
        return digest.hexdigest()

    @cached_property
    def pooled(self) -> Params | None:
        """The learner's weights before meta-training, or None where the run has no pooled stage."""
        if not (self.folder / POOLED).exists():
            return None
        return pooled_theta(self.config, self.domain, self.folder)

    def others(self, pairs: Sequence[str]) -> dict[str, Run]:
        """The runs of options NAME=RUN, each loaded once.

        Raises:
            UserError: one of them is not of that form, two have one name, or one cannot be loaded.
        """
        named: dict[str, Run] = {}
        for pair in pairs:
            name, separator, path = pair.partition("=")
            if not separator or not name:
                raise UserError(expected="NAME=RUN", got=repr(pair), fix="For example: --rival pooled=runs/pooled")
            if name in named:
                raise UserError(
                    expected="runs with names of their own", got=f"two called {name}", fix=f"Call one of them {name}-2."
                )
            named[name] = self.open(Path(path))
        return named

    def adapt(
        self, works: Brought, *, steps: int | None = None, name: str = "", strict: bool = False, losses: bool = True
    ) -> Artist:
        """Adapt to works by one hand, to works of several ({hand: files}) or to rated ones ({file: score}).

        A work that cannot be used is passed over, and `Artist.verdicts` says why.

        Args:
            works: paths or bytes.
            steps: adaptation steps, 0 to 100; those the run was trained for if left out.
            name: of the artist.
            strict: refuse all where one work cannot be used.
            losses: measure the loss on the works before and after each step.

        Raises:
            UserError: no work that can be used, too many, or a number of steps that makes no sense.
        """
        return self.adapt_works(works_from(works, self.reads), steps=steps, name=name, strict=strict, losses=losses)

    @property
    def reads(self) -> WorksInput:
        """What works it adapts to.

        Raises:
            UserError: its art takes no files.
        """
        if self.art.works is None:
            raise UserError(
                expected="a run of an art that reads files",
                got=f"{self.folder}, a run of {self.art.name}",
                fix="Use a run of another art, such as music.",
            )
        return self.art.works

    def adapt_works(
        self, works: Sequence[Work], *, steps: int | None = None, name: str = "", strict: bool = True,
        losses: bool = False,
    ) -> Artist:  # fmt: skip
        """The same for works that are at hand."""
        check_steps(steps)
        support, verdicts = self.support(works, strict=strict)
        started = time.monotonic()
        # The curve takes one more look at the works a step, so only who asks for it pays for it.
        weights, curve = (
            self._walked(support.examples, steps) if losses else (self.adapted(support.examples, steps), ())
        )
        return Artist(
            self.art.name,
            self.name,
            self.hash,
            name or self.art.name,
            # The others are those of the run, which everyone has who can use the artist.
            {moving: weights[moving] for moving in self.algorithm.moving},
            support.beside,
            support.notes,
            verdicts,
            tuple(curve),
            self.steps if steps is None else steps,
            time.monotonic() - started,
        )

    def support(self, works: Sequence[Work], *, strict: bool = True) -> tuple[Support, tuple[Verdict, ...]]:
        """Works as what is adapted to, and what became of each; see `artists.reading`."""
        return read_works(self.art, self.domain, self.reads, works, strict=strict)

    @property
    def steps(self) -> int:
        """Adaptation steps that it was trained for."""
        return int(getattr(self.config.algorithm, "steps", 1))

    def adapted(self, support: Examples, steps: int | None = None) -> Params:
        """The learner's weights after adaptation to examples, constants from here on.

        Raises:
            UserError: steps outside 0 to 100.
        """
        check_steps(steps)
        with torch.no_grad():
            return {name: value.detach() for name, value in self.algorithm.adapt(support, steps).items()}

    def theta(self) -> Params:
        """The learner's weights before adaptation."""
        return self.algorithm.theta()

    def params(self, artist: Artist) -> Params:
        """All weights of an artist's learner."""
        return {**self.theta(), **artist.weights}

    def predict(self, params: Params) -> Predict:
        """The learner with these weights: inputs to outputs."""
        return self.algorithm.predict(params)

    def together(self, artists: Sequence[Artist]) -> Predict:
        """The learners of several artists side by side, in double precision.

        Every input and output has one more dimension in front, one entry per artist.
        """
        each = [self.params(artist) for artist in artists]
        # Double: sums of a batch are taken in another order than those of one artist, and the difference must be too
        # small to change what is drawn.
        stacked = {name: torch.stack([params[name] for params in each]).double() for name in each[0]}

        def one(params: Params, *inputs: Any) -> Any:
            return self.predict(params)(*inputs)

        return lambda *inputs: vmap(one)(stacked, *(_double(value) for value in inputs))

    def artist(self, path: Path | str) -> Artist:
        """An artist of this run, from the file that `Artist.save` wrote.

        Raises:
            UserError: no such file, damaged, or of another run.
        """
        return self.checked(read_artist(path))

    def checked(self, artist: Artist) -> Artist:
        """An artist, which must be of this run.

        Raises:
            UserError: it is of another.
        """
        theta = self.theta()
        return checked(artist, self.hash, {name: theta[name].shape for name in self.algorithm.moving})

    def create(self, artist: Artist | Sequence[Artist], **values: Any) -> Made:
        """Make what the art makes of an artist: a tune, a redrawn photograph, a judgement.

        Args:
            artist: of this run.
            values: options of the art by name (`bars=16`), its files by path or as bytes (`photograph="me.jpg"`), and
                `extras=("picture",)` for what is to be made beside; `metaart create ART --help` lists them.

        Raises:
            UserError: an artist of another run, or values that cannot be used.
        """
        return self._by_verb("create", artist, values)

    def judge(self, artist: Artist | Sequence[Artist], **values: Any) -> Made:
        """Judge a work by an artist, or by several that it may be of; see `create`.

        Raises:
            UserError: as `create`; also where the art judges nothing.
        """
        return self._by_verb("judge", artist, values)

    def make(self, use: Use, requests: Sequence[Request]) -> list[Made]:
        """What is asked, in order, all together."""
        with torch.no_grad():
            return self.art.make(use, self, requests) if requests else []

    def _by_verb(self, verb: str, artist: Artist | Sequence[Artist], values: Mapping[str, Any]) -> Made:
        use = self.art.use(verb)
        if use is None:
            raise UserError(
                expected=f"a run of an art that can {verb}",
                got=f"{self.folder}, a run of {self.art.name}",
                fix="Use a run of another art.",
            )
        artists = [self.checked(one) for one in ([artist] if isinstance(artist, Artist) else artist)]
        (made,) = self.make(use, [request_of(use, artists, values)])
        return made

    def _walked(self, support: Examples, steps: int | None) -> tuple[Params, list[float]]:
        """Adapted weights, and the loss on the support set before the first step and after each."""
        count = self.steps if steps is None else steps
        params = {name: value.detach() for name, value in self.theta().items()}
        with torch.no_grad():
            # `path` yields after each step, so the loss before the first is taken of theta itself.
            curve = [float(self.algorithm.support_loss(params, support))]
            for params in self.algorithm.path(support, count):
                curve.append(float(self.algorithm.support_loss(params, support)))
        return {name: value.detach() for name, value in params.items()}, curve


def _double(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.double() if value.is_floating_point() else value
    return value
