"""Where in a picture the evidence for an answer lies, and whether a map of it is any good."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Evidence = Callable[[Tensor], Tensor]
"""Pictures (n, channels, height, width) to how strongly each speaks for an answer, (n,)."""


def log_odds(answers: Tensor, label: int) -> Tensor:
    """log p / (1 - p) of one class, p its share of the softmax of (n, classes); (n,)."""
    others = torch.cat([answers[:, :label], answers[:, label + 1 :]], 1)
    return answers[:, label] - others.logsumexp(1)


def occlusion_map(evidence: Evidence, picture: Tensor, fill: Tensor, *, patch: int, stride: int) -> Tensor:
    """How much evidence is lost where a patch is painted over.

    A pixel's value is the mean, over all patches that cover it, of evidence(picture) - evidence(picture painted over).

    Args:
        evidence: asked once, about all of them.
        picture: (channels, height, width).
        fill: what patches are painted with, (channels,).
        patch: side of the square patch, px.
        stride: distance of patches, px; patches reach over the edge, so that every pixel is covered alike often.

    Returns:
        (height, width); above zero where the picture speaks for the answer, below where against it.

    Source: Zeiler & Fergus 2014, section 4.2.
    """
    _, height, width = picture.shape
    # Patches begin and end beyond the edges: else a pixel in a corner would be covered by one patch alone, and the map
    # would be noisiest where pictures are emptiest.
    tops, lefts = (range(stride - patch, side, stride) for side in (height, width))
    covered = torch.zeros(len(tops) * len(lefts), height, width, dtype=torch.bool)
    for number, (top, left) in enumerate((top, left) for top in tops for left in lefts):
        covered[number, max(top, 0) : top + patch, max(left, 0) : left + patch] = True
    painted = torch.where(covered[:, None], fill[None, :, None, None], picture[None])
    values = evidence(torch.cat([picture[None], painted]))
    lost = values[0] - values[1:]
    count = covered.sum(0)
    return (lost[:, None, None] * covered).sum(0) / count


def deletion_curve(evidence: Evidence, picture: Tensor, fill: Tensor, order: Tensor, steps: int) -> Tensor:
    """Evidence while the pixels that a map ranks highest are painted over first.

    Args:
        evidence: asked once, about all steps.
        picture: (channels, height, width).
        fill: what is painted, (channels,).
        order: the map, (height, width).
        steps: k; step i has painted over i / k of the pixels.

    Returns:
        (k + 1,), from the whole picture to none of it; the sooner it falls, the better the map.

    Source: Petsiuk, Das & Saenko 2018, section 3.
    """
    return evidence(_mixed(fill[:, None, None].expand_as(picture), picture, order, steps))


def insertion_curve(evidence: Evidence, picture: Tensor, fill: Tensor, order: Tensor, steps: int) -> Tensor:
    """Evidence while the pixels that a map ranks highest come first into an empty picture: the sooner it rises, the
    better the map. Arguments and source as of `deletion_curve`."""
    return evidence(_mixed(picture, fill[:, None, None].expand_as(picture), order, steps))


def _mixed(first: Tensor, last: Tensor, order: Tensor, steps: int) -> Tensor:
    """Pictures that are `first` in the share i / steps of the pixels that rank highest, and `last` elsewhere."""
    # Sorting twice turns values into ranks; stable, so that equal ones (a flat background) keep their order.
    rank = order.flatten().argsort(descending=True, stable=True).argsort().reshape(order.shape)
    bounds = torch.arange(steps + 1) * order.numel() / steps
    taken = rank[None] < bounds[:, None, None]
    return torch.where(taken[:, None], first[None], last[None])
