"""New sequences, drawn token by token under a grammar."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from metaart.functional.sequence import nucleus
from metaart.sequences.grammar import Grammar
from metaart.tasks import Predict


class Drawing(NamedTuple):
    """How one sequence is drawn.

    Attributes:
        temperature: above 0; lower is safer.
        top_p: share of the likeliest tokens that is drawn from, above 0 to 1.
        seed: 0 or more; the same drawing by the same learner gives the same tokens, whatever is drawn beside it.
        primer: how the sequence begins, its first token included; empty where only that one is fixed. It is taken as
            it stands, and must keep to the grammar.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 1
    primer: Sequence[int] = ()


def _as_predicted(logits: Tensor) -> Tensor:
    return logits


@torch.no_grad()
def draw(
    predict: Predict,
    grammar: Grammar,
    drawings: Sequence[Drawing],
    *,
    begin: int,
    pad: int,
    reconsider: Callable[[Tensor], Tensor] = _as_predicted,
) -> list[list[int]]:
    """The tokens of each sequence, from the first to the one that ends it; primers are read, then tokens are drawn.

        p(next) = nucleus(softmax(reconsider(logits) / temperature, allowed tokens alone), top_p)

    Args:
        predict: learners side by side: tokens (sequences, 1, time), and the state that an earlier call ended in, to
            logits (sequences, 1, time, vocabulary) and a state. No state is passed at first.
        grammar: of as many sequences, all begun with `begin`.
        drawings: one per sequence.
        begin: the token that all sequences begin with.
        pad: what stands for nothing in a sequence that has ended.
        reconsider: what the art makes of logits (sequences, vocabulary) float64 before the grammar cuts them.
    """
    # One generator per sequence, advanced once per drawn token of that sequence alone: that, and double precision in
    # `predict`, is why a sequence comes out the same whatever stands beside it.
    generators = [np.random.default_rng(drawing.seed) for drawing in drawings]
    temperature = torch.tensor([[drawing.temperature] for drawing in drawings], dtype=torch.float64)
    top_p = torch.tensor([[drawing.top_p] for drawing in drawings], dtype=torch.float64)
    sequences = [[begin] for _ in drawings]
    state: list[Any] = []
    while not grammar.ended.all():
        # The learner keeps a state, so it reads the newest token alone, that of a primer too.
        newest = torch.tensor([tokens[-1] for tokens in sequences]).view(-1, 1, 1)
        logits, *state = predict(newest, *state)
        logits = reconsider(logits[:, 0, -1].double().cpu())
        allowed = torch.from_numpy(grammar.allowed())
        probabilities = nucleus(logits.masked_fill(~allowed, -math.inf), temperature, top_p).numpy()
        # Sequences that have ended wait for the longest one; what is predicted for them is dropped.
        tokens = np.full(len(drawings), pad)
        for row in np.flatnonzero(~grammar.ended).tolist():
            primer, length = drawings[row].primer, len(sequences[row])
            tokens[row] = primer[length] if length < len(primer) else _drawn(probabilities[row], generators[row])
            sequences[row].append(int(tokens[row]))
        grammar.advance(tokens)
    return sequences


def _drawn(probabilities: NDArray[np.float64], generator: np.random.Generator) -> int:
    """A token drawn from probabilities, (vocabulary,); never one of probability zero."""
    mass = probabilities.cumsum()
    # The sum of rounded shares may fall short of 1, and what is drawn short of the last one: hence mass[-1] and min.
    token = int(np.searchsorted(mass, generator.random() * mass[-1], side="right"))
    return min(token, int(np.flatnonzero(probabilities)[-1]))
