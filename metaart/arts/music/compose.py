"""New pieces: tokens drawn one by one under the grammar, and written as MIDI files."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import symusic
import torch
from numpy.typing import NDArray
from torch import Tensor

from metaart.domains.music.grammar import Grammar
from metaart.errors import TooLarge, UserError
from metaart.formats.scores.canonical import Notes, bar_ticks, build
from metaart.formats.scores.midi import write_midi
from metaart.formats.scores.tokens import Tokens, Vocabulary
from metaart.functional.sequence import nucleus

MAX_BARS = 128
MAX_PRIMER_TOKENS = 8192


@dataclass(frozen=True)
class ComposeRequest:
    """One piece to write.

    Attributes:
        bars: length of the whole piece, its primer included; 1 to 128.
        temperature: above 0 to 2; lower is safer.
        top_p: share of the likeliest tokens that is drawn from, above 0 to 1.
        seed: 0 or more; the same request with the same weights gives the same piece, whatever is composed beside it.
        primer: tokens of how the piece begins (`primer_tokens`); fewer bars than the piece.
    """

    bars: int = 16
    temperature: float = 0.9
    top_p: float = 0.95
    seed: int = 1
    primer: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for good, name, expected in (
            (_whole(self.bars) and 1 <= self.bars <= MAX_BARS, "bars", f"a whole number from 1 to {MAX_BARS}"),
            (_number(self.temperature) and 0 < self.temperature <= 2, "temperature", "a number above 0 and at most 2"),
            (_number(self.top_p) and 0 < self.top_p <= 1, "top_p", "a number above 0 and at most 1"),
            (_whole(self.seed) and 0 <= self.seed < 2**63, "seed", "a whole number from 0 to 2^63 - 1"),
        ):
            if not good:
                raise UserError(
                    expected=f"{name} to be {expected}",
                    got=repr(getattr(self, name))[:80],
                    fix=f"Leave {name} out for its default, {getattr(ComposeRequest, name)}, or give another value.",
                )
        if len(self.primer) > MAX_PRIMER_TOKENS:
            raise TooLarge(
                expected=f"a primer of at most {MAX_PRIMER_TOKENS:,} tokens (about a third as many notes)",
                got=f"{len(self.primer):,}",
                fix="Give the last bars of it alone.",
            )


def primer_tokens(tokens: Tokens, vocabulary: Vocabulary, bars: int) -> tuple[int, ...]:
    """The tokens of a piece to go on with: a bar line stands for its end, so that nothing is added to its last bar.

    Args:
        tokens: BOS, the piece, EOS.
        vocabulary: of the tokens.
        bars: of the whole piece to be written.

    Raises:
        UserError: the primer leaves no bar to write.
    """
    primer = tuple(int(token) for token in tokens if token != vocabulary.eos)
    begun = primer.count(vocabulary.bar)
    if begun >= bars:
        raise UserError(
            expected=f"a primer shorter than the {bars} bars asked for",
            got=f"one of {begun} bars",
            fix=f"Ask for more than {begun} bars (at most {MAX_BARS}), or give the last bars of the primer alone.",
        )
    return (*primer, vocabulary.bar)


@torch.no_grad()
def compose(predict: Callable[..., Any], requests: Sequence[ComposeRequest], vocabulary: Vocabulary) -> list[bytes]:
    """One MIDI file per request, of exactly the asked number of bars, all drawn side by side.

    Args:
        predict: the adapted learners: tokens (requests, 1, time), and the state that an earlier call ended in, to
            logits (requests, 1, time, vocabulary) and a state. No state is passed at first.
        requests: what is asked for.
        vocabulary: of the tokens.
    """
    return [write_midi(score_of(tokens, vocabulary)) for tokens in draw(predict, requests, vocabulary)]


@torch.no_grad()
def draw(predict: Callable[..., Any], requests: Sequence[ComposeRequest], vocabulary: Vocabulary) -> list[list[int]]:
    """The tokens of each piece, BOS to EOS; primers are read first, then tokens are drawn under the grammar."""
    grammar = Grammar(vocabulary, [request.bars for request in requests])
    generators = [np.random.default_rng(request.seed) for request in requests]
    temperature = torch.tensor([[request.temperature] for request in requests], dtype=torch.float64)
    top_p = torch.tensor([[request.top_p] for request in requests], dtype=torch.float64)
    pieces = [[vocabulary.bos] for _ in requests]
    state: list[Any] = []
    while not grammar.ended.all():
        heard = torch.tensor([piece[-1] for piece in pieces]).view(-1, 1, 1)
        logits, *state = predict(heard, *state)
        logits = _where_bars_end(logits[:, 0, -1].double().cpu(), grammar.in_last_bar, vocabulary)
        allowed = torch.from_numpy(grammar.allowed())
        probabilities = nucleus(logits.masked_fill(~allowed, -math.inf), temperature, top_p).numpy()
        tokens = np.full(len(requests), vocabulary.pad)
        for row in np.flatnonzero(~grammar.ended).tolist():
            primer, length = requests[row].primer, len(pieces[row])
            tokens[row] = primer[length] if length < len(primer) else _drawn(probabilities[row], generators[row])
            pieces[row].append(int(tokens[row]))
        grammar.advance(tokens)
    return pieces


def _where_bars_end(logits: Tensor, in_last_bar: NDArray[np.bool_], vocabulary: Vocabulary) -> Tensor:
    """What was to be a bar line ends the last bar, and what was to be the end is a bar line before.

    Either wish is that this bar shall end; the grammar would forbid it, and notes that nobody wished for would fill up.

    Args:
        logits: (sequences, vocabulary).
        in_last_bar: (sequences,).
        vocabulary: of the tokens.
    """
    ends = torch.logaddexp(logits[:, vocabulary.bar], logits[:, vocabulary.eos])
    last, never = torch.from_numpy(in_last_bar), torch.full_like(ends, -math.inf)
    logits = logits.clone()
    logits[:, vocabulary.eos] = torch.where(last, ends, never)
    logits[:, vocabulary.bar] = torch.where(last, never, ends)
    return logits


def score_of(tokens: Sequence[int], vocabulary: Vocabulary) -> symusic.Score:
    """The score that the tokens of a finished piece say, and that lasts as long as its bars do.

    A pitch that is struck again ends there, nothing sounds beyond the last bar line, and the notes struck last are
    held up to it.
    """
    notes: list[tuple[int, int, int]] = []
    signatures: list[tuple[int, int, int]] = []
    bar_start = bar_end = beat = position = pitch = 0
    for token in tokens:
        kind, value = vocabulary.kind[token], vocabulary.value[token]
        if kind == "TimeSig":
            assert isinstance(value, tuple)
            numerator, denominator = int(value[0]), int(value[1])
            bar_start, bar_end = bar_end, bar_end + bar_ticks(numerator, denominator)
            beat = bar_ticks(1, denominator)
            if not signatures or signatures[-1][1:] != (numerator, denominator):
                signatures.append((bar_start, numerator, denominator))
        elif isinstance(value, tuple) or value is None:
            continue
        elif kind == "Position":
            position = bar_start + int(value) * beat // vocabulary.steps_per_beat
        elif kind == "Pitch":
            pitch = int(value)
        else:
            notes.append((position, round(value * beat), pitch))
    return build(_trimmed(np.array(sorted(notes), dtype=np.int64).reshape(-1, 3), bar_end), signatures)


def _trimmed(table: NDArray[np.int64], end: int) -> Notes:
    """Rows of (start, length, pitch) sorted by start, cut where their pitch comes again and at the end."""
    start, length, pitch = table.T
    cut = np.full(len(start), end)
    by_pitch = np.lexsort((start, pitch))
    here, then = by_pitch[:-1], by_pitch[1:]
    again = pitch[here] == pitch[then]
    cut[here[again]] = start[then[again]]
    stop = np.where(start == start[-1], end, np.minimum(start + length, cut))
    order = np.lexsort((pitch, start))
    return Notes(start[order], (stop - start)[order], pitch[order])


def _drawn(probabilities: NDArray[np.float64], generator: np.random.Generator) -> int:
    """A token drawn from probabilities, (vocabulary,); never one of probability zero."""
    mass = probabilities.cumsum()
    token = int(np.searchsorted(mass, generator.random() * mass[-1], side="right"))
    return min(token, int(np.flatnonzero(probabilities)[-1]))


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
