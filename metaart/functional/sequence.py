"""Likelihood of token sequences, and ways to draw the next token."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def next_token_nll(logits: Tensor, tokens: Tensor, pad: int = 0) -> Tensor:
    """Mean negative log-likelihood of each token given those before it, in nats per token.

        L = - (1 / n) sum_t log softmax(logits_t)[tokens_{t+1}],  over the n targets that are not padding

    Args:
        logits: (works, time - 1, vocabulary), the prediction made after reading tokens 0..t.
        tokens: (works, time), int64.
        pad: the token that stands for nothing.

    Returns:
        A scalar; zero where there is no target at all.
    """
    nll, counted = token_nll(logits, tokens, pad)
    return nll.sum() / counted.sum().clamp(min=1)


def token_nll(logits: Tensor, tokens: Tensor, pad: int = 0) -> tuple[Tensor, Tensor]:
    """Negative log-likelihood of each target, zero at padding, and a mask of what counts: both (works, time - 1)."""
    targets = tokens[..., 1:]
    counted = (targets != pad).to(logits.dtype)
    log_probs = F.log_softmax(logits, dim=-1)
    nll = -log_probs.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    return nll * counted, counted


def bigram_log_probs(support: Tensor, vocabulary_size: int, pad: int = 0, smoothing: float = 0.1) -> Tensor:
    """Log-probabilities of a bigram model counted on the support set alone.

    Each row backs off to the smoothed unigram of the support set (Witten-Bell interpolation):

        p(b | a) = (count(a, b) + r(a) p(b)) / (count(a) + r(a)),  r(a) = number of distinct tokens seen after a

    Args:
        support: (works, time), int64.
        vocabulary_size: V.
        smoothing: added to each unigram count.

    Returns:
        (V, V), row a holds log p(. | a). Source: Witten & Bell 1991, method C; interpolated.
    """
    before, after = support[:, :-1].flatten(), support[:, 1:].flatten()
    counted = after != pad
    before, after = before[counted], after[counted]
    unigram = torch.bincount(after, minlength=vocabulary_size).double() + smoothing
    unigram = unigram / unigram.sum()
    # A pair is one number, so that one count of numbers is a table of pairs.
    pairs = torch.bincount(before * vocabulary_size + after, minlength=vocabulary_size**2).double()
    pairs = pairs.view(vocabulary_size, vocabulary_size)
    # A token that the support set never goes on from has no row of its own: at least 1, so that it backs off.
    distinct = (pairs > 0).sum(1, keepdim=True).clamp(min=1)
    return ((pairs + distinct * unigram) / (pairs.sum(1, keepdim=True) + distinct)).log().float()


def nucleus(logits: Tensor, temperature: Tensor | float, top_p: Tensor | float) -> Tensor:
    """Probabilities to draw the next token from: sharpened, then cut to the likeliest tokens.

    The smallest set of likeliest tokens whose mass reaches `top_p` is kept and renormalised.

    Args:
        logits: (..., vocabulary); minus infinity forbids a token.
        temperature: above 0; a float, or a tensor that broadcasts against (..., 1).
        top_p: in (0, 1]; likewise.

    Source: Holtzman et al. 2020, "The curious case of neural text degeneration", section 3.1.
    """
    probs = torch.softmax(logits / temperature, dim=-1)
    ordered, order = probs.sort(dim=-1, descending=True)
    # Mass before a token, not up to it: the token that reaches top_p counts too, and so does the likeliest at least.
    mass_before = ordered.cumsum(-1) - ordered
    nucleus_mass = torch.where(mass_before < top_p, ordered, torch.zeros_like(ordered))
    probs = torch.zeros_like(probs).scatter(-1, order, nucleus_mass)
    return probs / probs.sum(-1, keepdim=True)
