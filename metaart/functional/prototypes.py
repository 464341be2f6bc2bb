"""Class means as a linear layer."""

from __future__ import annotations

import torch
from torch import Tensor

ABSENT = -1e4
"""The bias of a class without works: it is never the answer, and its share of a softmax is 0 in every precision."""


def prototype_head(features: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """The linear layer whose softmax is that over negative squared distances to the class means.

        -|x - mu_c|^2 = 2 mu_c . x - |mu_c|^2 - |x|^2,  and |x|^2 is the same for all classes c:
        weight_c = 2 mu_c,  bias_c = -|mu_c|^2

    Args:
        features: (works, features).
        labels: (works,) int64, from 0 to `classes` - 1.
        classes: rows of the layer; a class without works has weight 0 and bias `ABSENT`.

    Returns:
        weight (classes, features) and bias (classes,).

    Source: Snell, Swersky & Zemel 2017, section 2.3 and equation 8; as a start of further steps Triantafillou et al.
    2020, section 3 (Proto-MAML).
    """
    # Products with a mask instead of indexing by class: the number of classes is known, and `vmap` can map it.
    member = (labels[:, None] == torch.arange(classes, device=labels.device)).to(features.dtype)
    counts = member.sum(0)  # a product with one-hot labels maps over tasks, where choosing works by class does not
    means = (member.T @ features) / counts.clamp(min=1)[:, None]
    bias = torch.where(counts > 0, -(means * means).sum(1), torch.full_like(counts, ABSENT))
    return 2 * means, bias
