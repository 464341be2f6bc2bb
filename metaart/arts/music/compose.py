"""New pieces: tokens drawn under the grammar of scores, each piece of exactly the asked number of bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from metaart.arts.music import MAX_BARS, ComposeOptions
from metaart.domains.music.grammar import REMIGrammar
from metaart.errors import TooLarge, UserError
from metaart.formats.scores.decode import score_of
from metaart.formats.scores.midi import write_midi
from metaart.formats.scores.tokens import Tokens, Vocabulary
from metaart.sequences.sampling import Drawing, draw
from metaart.tasks import Predict

MAX_PRIMER_TOKENS = 8192


class Piece(NamedTuple):
    """A piece to write.

    Attributes:
        options: how long it is and how it is drawn; adaptation steps do not matter here.
        primer: tokens of how it begins (`primer_tokens`); fewer bars than the piece.
    """

    options: ComposeOptions
    primer: Sequence[int] = ()


def primer_tokens(tokens: Tokens, vocabulary: Vocabulary, bars: int) -> tuple[int, ...]:
    """The tokens of a piece to go on with: a bar line stands for its end, so that nothing is added to its last bar.

    Args:
        tokens: BOS, the piece, EOS.
        vocabulary: of the tokens.
        bars: of the whole piece to be written.

    Raises:
        UserError: the primer leaves no bar to write.
        TooLarge: it has more than `MAX_PRIMER_TOKENS`, which are read one by one.
    """
    primer = tuple(int(token) for token in tokens if token != vocabulary.eos)
    begun = primer.count(vocabulary.bar)
    if begun >= bars:
        raise UserError(
            expected=f"a primer shorter than the {bars} bars asked for",
            got=f"one of {begun} bars",
            fix=f"Ask for more than {begun} bars (at most {MAX_BARS}), or give the last bars of the primer alone.",
        )
    primer = (*primer, vocabulary.bar)
    if len(primer) > MAX_PRIMER_TOKENS:
        raise TooLarge(
            expected=f"a primer of at most {MAX_PRIMER_TOKENS:,} tokens (about a third as many notes)",
            got=f"{len(primer):,}",
            fix="Give the last bars of it alone.",
        )
    return primer


def compose(predict: Predict, pieces: Sequence[Piece], vocabulary: Vocabulary) -> list[bytes]:
    """One MIDI file per piece, of exactly the asked number of bars, all drawn side by side.

    Args:
        predict: the adapted learners, one per piece, as `sequences.sampling.draw` takes them.
        pieces: what is to be written.
        vocabulary: of the tokens.
    """
    return [write_midi(score_of(tokens, vocabulary)) for tokens in draw_pieces(predict, pieces, vocabulary)]


def draw_pieces(predict: Predict, pieces: Sequence[Piece], vocabulary: Vocabulary) -> list[list[int]]:
    """The tokens of each piece, BOS to EOS."""
    grammar = REMIGrammar(vocabulary, [piece.options.bars for piece in pieces])
    drawings = [
        Drawing(piece.options.temperature, piece.options.top_p, piece.options.seed, piece.primer) for piece in pieces
    ]
    return draw(
        predict,
        grammar,
        drawings,
        begin=vocabulary.bos,
        pad=vocabulary.pad,
        reconsider=lambda logits: where_bars_end(logits, grammar.in_last_bar, vocabulary),
    )


def where_bars_end(logits: Tensor, in_last_bar: NDArray[np.bool_], vocabulary: Vocabulary) -> Tensor:
    """What was to be a bar line ends the last bar, and what was to be the end is a bar line before.

    Either wish is that this bar shall end; the grammar would forbid it, and notes that nobody wished for would fill up.

    Args:
        logits: (sequences, vocabulary).
        in_last_bar: (sequences,).
        vocabulary: of the tokens.
    """
    # The sum of both probabilities, in logarithms: exp of a logit may overflow.
    ends = torch.logaddexp(logits[:, vocabulary.bar], logits[:, vocabulary.eos])
    last, never = torch.from_numpy(in_last_bar), torch.full_like(ends, -math.inf)
    # What the learner gave is not ours to change.
    logits = logits.clone()
    logits[:, vocabulary.eos] = torch.where(last, ends, never)
    logits[:, vocabulary.bar] = torch.where(last, never, ends)
    return logits
