import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from metaart.functional.sequence import bigram_log_probs, next_token_nll, nucleus, token_nll


@pytest.mark.parametrize("pad", [0, 3])
def test_next_token_nll_is_cross_entropy_without_padding(pad: int) -> None:
    torch.manual_seed(1)
    tokens = torch.randint(0, 7, (5, 11))
    logits = torch.randn(5, 10, 7, dtype=torch.float64, requires_grad=True)
    ours = next_token_nll(logits, tokens, pad)
    peer = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=pad)
    torch.testing.assert_close(ours, peer)
    torch.testing.assert_close(*(torch.autograd.grad(loss, logits)[0] for loss in (ours, peer)))


def test_next_token_nll_of_padding_alone_is_zero_and_harmless() -> None:
    logits = torch.randn(2, 3, 5, requires_grad=True)
    loss = next_token_nll(logits, torch.zeros(2, 4, dtype=torch.int64))
    (grad,) = torch.autograd.grad(loss, logits)
    assert loss == 0
    assert torch.equal(grad, torch.zeros_like(grad))


def test_token_nll_of_uniform_logits_is_log_vocabulary_where_counted() -> None:
    tokens = torch.tensor([[1, 2, 0, 0], [1, 1, 1, 4]])
    nll, counted = token_nll(torch.zeros(2, 3, 6), tokens)
    assert counted.tolist() == [[1, 0, 0], [1, 1, 1]]
    torch.testing.assert_close(nll, math.log(6) * counted)


def test_next_token_nll_maps_over_a_batch_of_learners() -> None:
    torch.manual_seed(2)
    tokens, logits = torch.randint(1, 6, (4, 3, 8)), torch.randn(4, 3, 7, 6)
    mapped = torch.func.vmap(next_token_nll)(logits, tokens)
    torch.testing.assert_close(mapped, torch.stack([next_token_nll(a, b) for a, b in zip(logits, tokens, strict=True)]))


def bigram_by_hand(support: list[list[int]], vocabulary: int, pad: int, smoothing: float) -> list[list[float]]:
    pairs = [(a, b) for work in support for a, b in pairwise(work) if b != pad]
    unigram = [smoothing + sum(b == token for _, b in pairs) for token in range(vocabulary)]
    unigram = [value / sum(unigram) for value in unigram]
    table = []
    for a in range(vocabulary):
        after = [b for first, b in pairs if first == a]
        distinct = max(1, len(set(after)))
        table.append([(after.count(b) + distinct * unigram[b]) / (len(after) + distinct) for b in range(vocabulary)])
    return table


def test_bigrams_equal_a_count_by_hand() -> None:
    support = [[1, 2, 3, 2, 3, 0, 0], [1, 2, 2, 4, 3, 1, 2]]
    table = bigram_log_probs(torch.tensor(support), 6, pad=0, smoothing=0.1)
    by_hand = torch.tensor(bigram_by_hand(support, 6, 0, 0.1), dtype=torch.float64).log().float()
    torch.testing.assert_close(table, by_hand)


@given(st.lists(st.lists(st.integers(0, 5), min_size=4, max_size=4), min_size=1, max_size=4))
@settings(deadline=None, max_examples=30)
def test_bigram_rows_are_distributions_with_no_zero(support: list[list[int]]) -> None:
    table = bigram_log_probs(torch.tensor(support), 6)
    assert torch.isfinite(table).all()
    torch.testing.assert_close(table.exp().sum(1), torch.ones(6))


logits_of_one = st.lists(st.floats(-8, 8, width=32), min_size=2, max_size=9).map(torch.tensor)


@given(logits_of_one, st.floats(0.05, 1.0), st.floats(0.2, 3.0))
@settings(deadline=None, max_examples=100)
def test_nucleus_keeps_the_smallest_likeliest_set_whose_mass_reaches_top_p(
    logits: torch.Tensor, top_p: float, temperature: float
) -> None:
    full = torch.softmax(logits / temperature, -1)
    cut = nucleus(logits, temperature, top_p)
    candidates = cut > 0
    assert cut.sum().item() == pytest.approx(1.0, abs=1e-5)
    assert candidates[full.argmax()]
    torch.testing.assert_close(cut[candidates], full[candidates] / full[candidates].sum())  # proportions are kept
    if not candidates.all():
        assert full[candidates].min() >= full[~candidates].max()  # the likeliest
    assert full[candidates].sum() >= top_p - 1e-5  # enough
    assert full[candidates].sum() - full[candidates].min() < top_p + 1e-5  # and no more than that


def test_nucleus_at_the_ends() -> None:
    logits = torch.tensor([2.0, -1.0, 0.5])
    torch.testing.assert_close(nucleus(logits, 1.0, 1.0), torch.softmax(logits, -1))
    assert nucleus(logits, 1.0, 1e-6).tolist() == [1.0, 0.0, 0.0]
    torch.testing.assert_close(nucleus(logits, 0.01, 1.0), torch.tensor([1.0, 0.0, 0.0]))


def test_nucleus_never_draws_what_is_forbidden() -> None:
    logits = torch.tensor([[0.0, -math.inf, 1.0], [-math.inf, 0.0, -math.inf]])
    cut = nucleus(logits, 1.5, 1.0)
    assert cut[0, 1] == 0
    assert cut[1].tolist() == [0.0, 1.0, 0.0]


def test_nucleus_takes_one_setting_per_request() -> None:
    logits = torch.randn(3, 8)
    temperature, top_p = torch.tensor([[0.5], [1.0], [2.0]]), torch.tensor([[0.3], [0.9], [1.0]])
    together = nucleus(logits, temperature, top_p)
    apart = [nucleus(row, float(t), float(p)) for row, t, p in zip(logits, temperature, top_p, strict=True)]
    torch.testing.assert_close(together, torch.stack(apart))
