"""How loss against steps is looked at for music, and what stands beside: bigrams, which need no gradient."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch

from metaart.domains.music.domain import MusicDomain
from metaart.evaluation.measuring import Baseline, Views, whole
from metaart.formats.scores.tokens import Vocabulary
from metaart.functional.sequence import bigram_log_probs
from metaart.tasks import Examples, Predict


def views(domain: MusicDomain) -> Views:
    """Pieces up to `max_tokens`; and their first two bars alone, where the hand must come from the weights."""
    return {"whole": whole, "opening": partial(opening, domain.vocabulary)}


def baselines(domain: MusicDomain) -> Mapping[str, Baseline]:
    """Bigrams."""
    return {"bigrams of the support set": partial(bigrams, domain.vocabulary)}


def opening(vocabulary: Vocabulary, examples: Examples) -> Examples:
    """The first two bars of each piece, padded to the longest of them: little has been heard there."""
    tokens = examples["tokens"]
    bars_heard = (tokens == vocabulary.bar).cumsum(-1)
    first = torch.where(bars_heard <= 2, tokens, vocabulary.pad)
    longest = int((first != vocabulary.pad).sum(-1).max())
    # Two tokens at least: the first is never predicted, and a mean over nothing is no loss.
    return {**examples, "tokens": first[..., : max(longest, 2)]}


def bigrams(vocabulary: Vocabulary, support: Examples) -> Predict:
    """A predictor that knows the pairs of tokens of a support set, and of what came before the last token alone."""
    table = bigram_log_probs(support["tokens"], vocabulary.size, vocabulary.pad)
    return lambda tokens: (table[tokens], None)
