"""How far probabilities can be believed: temperature, calibration error, ranking, answer sets with a guarantee."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def fitted_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature T at which softmax(logits / T) gives the labels the highest likelihood.

    The mean negative log-likelihood is convex in 1 / T; Newton's method on log(1 / T), halved where it would go up.

    Args:
        logits: (answers, classes).
        labels: (answers,) int64.

    Returns:
        T, kept between 0.01 and 100; where every label has the highest logit already, the lowest of them.

    Source: Guo, Pleiss, Sun & Weinberger 2017, section 4.2.
    """
    # The search is over the logarithm of 1 / T, so that T stays positive and doubling it is as far as halving it.
    logits, log_scale, most = logits.double(), 0.0, math.log(100.0)
    rows = torch.arange(len(labels), device=labels.device)

    def loss(at: float) -> float:
        return float(-(logits * math.exp(at)).log_softmax(-1)[rows, labels].mean())

    for _ in range(100):
        scaled = logits * math.exp(log_scale)
        shares = scaled.softmax(-1)
        mean = (shares * scaled).sum(-1)
        # With s = log(1/T) and z = scaled logits: dL/ds = E[z] - z_label, and d2L/ds2 = Var[z] + dL/ds.
        slope = float((mean - scaled[rows, labels]).mean())
        curvature = float(((shares * scaled**2).sum(-1) - mean**2).mean()) + slope
        # In s the loss is not convex everywhere: where it bends the other way, and by long steps, only the sign of
        # the slope is trusted.
        step = -slope / curvature if curvature > 1e-12 else -math.copysign(1.0, slope)
        step = max(-1.0, min(1.0, step))
        before = loss(log_scale)
        while abs(step) > 1e-10 and loss(max(-most, min(most, log_scale + step))) > before:
            step /= 2
        log_scale = max(-most, min(most, log_scale + step))
        if abs(step) <= 1e-10:
            break
    return math.exp(-log_scale)


def reliability(confidence: Tensor, right: Tensor, bins: int = 15) -> tuple[Tensor, Tensor, Tensor]:
    """Confidence and accuracy by bins of equal width.

    Args:
        confidence: probability given to the answer, (answers,), 0 to 1.
        right: whether it was right, (answers,) bool.
        bins: of [0, 1]; a bin takes its upper edge, the first also 0.

    Returns:
        Share of the answers, mean confidence and accuracy in each bin, (bins,) each, zeros where a bin is empty.
    """
    index = (confidence.double() * bins).ceil().long().clamp(1, bins) - 1
    count = torch.zeros(bins, dtype=torch.float64)
    count = count.index_add(0, index, torch.ones_like(confidence, dtype=torch.float64))
    filled = count.clamp(min=1)
    sure = torch.zeros(bins, dtype=torch.float64).index_add(0, index, confidence.double()) / filled
    correct = torch.zeros(bins, dtype=torch.float64).index_add(0, index, right.double()) / filled
    return count / max(1, len(confidence)), sure, correct


def expected_calibration_error(confidence: Tensor, right: Tensor, bins: int = 15) -> float:
    """Mean distance of accuracy from confidence: sum over bins of (share of answers) |accuracy - confidence|.

    Arguments as in `reliability`. Source: Naeini, Cooper & Hauskrecht 2015; Guo et al. 2017, equation 3.
    """
    share, sure, correct = reliability(confidence, right, bins)
    return float((share * (correct - sure).abs()).sum())


def auroc(positive: Tensor, negative: Tensor) -> float:
    """Area under the ROC curve: the share of pairs in which the positive has the higher score, ties counting half.

    Args:
        positive: scores of what should be found, (n,).
        negative: scores of the others, (m,).

    Source: Hanley & McNeil 1982 (it is the Mann-Whitney statistic over n m).
    """
    ordered, _ = negative.double().sort()
    below = torch.searchsorted(ordered, positive.double().contiguous(), right=False)
    not_above = torch.searchsorted(ordered, positive.double().contiguous(), right=True)
    return float((below + not_above).double().mean() / (2 * len(negative)))


def conformal_quantile(scores: Tensor, coverage: float, groups: int | None = None) -> float:
    """The bound that a new score stays within with probability `coverage` or more, if it is exchangeable with these.

    The ceil(n (1 + 1/k) coverage)-th smallest of n scores from k groups; infinite where k is too small to promise it.
    Scores of one group may be alike, so that a new group says as little as one new score would: what is asked for is
    the score of a group that was not seen.

    Args:
        scores: how badly the truth fitted, in calibration, (n,), about as many from each group.
        coverage: above 0, below 1.
        groups: k that were drawn alike, at most n; None where every score is a group of its own.

    Source: Vovk, Gammerman & Shafer 2005; Angelopoulos & Bates 2023, section 1; for groups, Dunn, Wasserman & Ramdas
    2023 (pooled distribution functions).
    """
    count = len(scores)
    # A hair less, so that a product such as 10 * 0.9 that is whole in decimals stays so in binary.
    rank = math.ceil(count * (1 + 1 / (groups or count)) * coverage - 1e-9)
    return float(scores.double().sort().values[rank - 1]) if rank <= count else math.inf


def answer_sets(probabilities: Tensor, bound: float) -> Tensor:
    """The classes that cannot be ruled out: those with 1 - probability at most `bound`, (answers, classes) bool.

    Source: Sadinle, Lei & Wasserman 2019 (least ambiguous sets).
    """
    return 1 - probabilities <= bound


def spearman(one: Tensor, other: Tensor) -> float:
    """Rank correlation: Pearson's of the ranks, equal values sharing their mean rank; 0 where a side is constant.

    Args:
        one: (works,).
        other: (works,).

    Source: Spearman 1904.
    """
    first, second = _ranks(one) - (len(one) + 1) / 2, _ranks(other) - (len(other) + 1) / 2
    scale = float((first.square().sum() * second.square().sum()).sqrt())
    return float((first * second).sum()) / scale if scale > 0 else 0.0


def _ranks(values: Tensor) -> Tensor:
    values = values.double().contiguous()
    ordered, _ = values.sort()
    below = torch.searchsorted(ordered, values, right=False)
    not_above = torch.searchsorted(ordered, values, right=True)
    return (below + not_above + 1).double() / 2
