"""What one can do with frozen features and a few examples: the rivals of critique."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from metaart.functional.prototypes import prototype_head

Classifier = Callable[[Tensor, Tensor], Callable[[Tensor], Tensor]]
"""Features of examples (examples, d) and their labels to a function from features (n, d) to logits (n, hands)."""


def standardise(features: Tensor, reference: Tensor) -> Tensor:
    """Each feature less its mean over a reference, in units of its deviation there and of the root of their number.

    So the mean square length over the reference is 1.
    """
    scale: Tensor = reference.std(0).clamp(min=1e-6) * float(features.shape[1]) ** 0.5
    return (features - reference.mean(0)) / scale


def nearest_neighbour(examples: Tensor, labels: Tensor) -> Callable[[Tensor], Tensor]:
    """The logit of a hand is minus the squared distance to its nearest example."""
    hands = int(labels.max()) + 1

    def answer(asked: Tensor) -> Tensor:
        apart = torch.cdist(asked, examples, compute_mode="donot_use_mm_for_euclid_dist").square()
        logits: Tensor = torch.stack([-apart[:, labels == hand].amin(1) for hand in range(hands)], 1)
        return logits

    return answer


def class_means(examples: Tensor, labels: Tensor) -> Callable[[Tensor], Tensor]:
    """The logit of a hand is minus the squared distance to the mean of its examples (up to a common term)."""
    weight, bias = prototype_head(examples, labels, int(labels.max()) + 1)
    return lambda asked: F.linear(asked, weight, bias)


def linear_probe(penalty: float, steps: int = 60) -> Classifier:
    """Softmax regression with a squared penalty on its weights.

        minimise mean cross-entropy + penalty / 2 |W|^2

    W = A^T X for the examples X, so that only A (examples, hands) is sought, however many features there are; the bias
    is one more feature, always 1. Nesterov's method with the step 1 / L, L the largest curvature that the loss can
    have.

    Args:
        penalty: above 0.
        steps: of the descent.
    """

    def fit(examples: Tensor, labels: Tensor) -> Callable[[Tensor], Tensor]:
        number, hands = len(labels), int(labels.max()) + 1
        kernel = examples @ examples.T + 1.0  # the constant is the bias
        # With kernel = root root^T and V = root^T A, the answers on the examples are root V and the penalty |V|^2 / 2:
        # an ordinary softmax regression with as many weights as there are examples. Root and inverse come from the
        # eigenvectors; eigenvalues near zero are raised, or rounding in them would be blown up.
        values, vectors = torch.linalg.eigh(kernel)
        values = values.clamp(min=1e-6 * float(values[-1]))
        root = vectors * values.sqrt()
        target = F.one_hot(labels, hands).to(root.dtype)
        # The curvature of a softmax is at most 1/2, times the largest of the kernel; that of the penalty is itself.
        step = 1 / (0.5 * float(values[-1]) / number + penalty)
        v = torch.zeros(number, hands, dtype=root.dtype)
        ahead = v
        for turn in range(steps):
            slope = root.T @ ((root @ ahead).softmax(1) - target) / number + penalty * ahead
            moved = ahead - step * slope
            # Nesterov's momentum: the next slope is taken beyond the point, as far as the last step led.
            ahead = moved + turn / (turn + 3) * (moved - v)
            v = moved
        dual = vectors / values.sqrt() @ v  # A again, out of V
        return lambda asked: (asked @ examples.T + 1.0) @ dual

    return fit


def ridge(examples: Tensor, scores: Tensor, penalty: float) -> Callable[[Tensor], Tensor]:
    """Ridge regression: minimise |Xw + b - y|^2 + penalty |w|^2, the mean left free.

    In its dual form, examples by examples: w = X^T (X X^T + penalty I)^-1 (y - mean y), X less its mean.

    Args:
        examples: (examples, d).
        scores: (examples,).
        penalty: above 0.

    Returns:
        Features (n, d) to scores (n,).
    """
    middle, usual = examples.mean(0), scores.mean()  # b takes up the means, so it is not penalised
    centred = examples - middle
    gram = centred @ centred.T + penalty * torch.eye(len(scores), dtype=examples.dtype)
    dual = torch.linalg.solve(gram, scores - usual)
    return lambda asked: (asked - middle) @ centred.T @ dual + usual
