"""Perceptual losses: how far a picture is from a photograph's content and from a picture's style."""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST = 1e-8
"""Added to what a loss is divided by: features that are all zero give a large loss, not an infinite one."""


def gram(features: Tensor) -> Tensor:
    """Which features occur together, wherever that is.

        G_ij = 1 / (C H W) sum over places p of F_ip F_jp

    Source: Gatys, Ecker & Bethge 2016, equation 3; divided by C H W as in Johnson et al. 2016, equation 3.

    Args:
        features: (..., C, H, W).

    Returns:
        (..., C, C), symmetric and positive semidefinite; the same for a picture and for its tiling.
    """
    flat = features.flatten(-2)
    return flat @ flat.transpose(-2, -1) / (flat.shape[-2] * flat.shape[-1])


def gram_distance(grams: Tensor, wanted: Tensor) -> Tensor:
    """How far Gram matrices are from those wanted, relative to these: ||G - A||^2 / ||A||^2.

    Relative, so that a weight means the same in every layer and at every size: 0 is the same texture, 1 is what
    features of zero would give. Differs from Gatys et al. 2016, equation 4, by the denominator.

    Args:
        grams: (..., C, C).
        wanted: (..., C, C).

    Returns:
        (...,), from 0.
    """
    return (grams - wanted).square().sum((-2, -1)) / (wanted.square().sum((-2, -1)) + SMALLEST)


def content_distance(features: Tensor, wanted: Tensor) -> Tensor:
    """How far features are from those wanted, place by place, relative to these: mean (F - P)^2 / mean P^2.

    Source: Gatys et al. 2016, equation 1, with means over C H W in place of sums, and the denominator.

    Args:
        features: (..., C, H, W).
        wanted: (..., C, H, W).

    Returns:
        (...,), from 0.
    """
    dims = (-3, -2, -1)
    return (features - wanted).square().mean(dims) / (wanted.square().mean(dims) + SMALLEST)


def total_variation(pictures: Tensor) -> Tensor:
    """How rough pictures are: the mean squared difference of neighbours, across plus down.

    Source: Mahendran & Vedaldi 2015, equation 6 with beta = 2, with means in place of sums.

    Args:
        pictures: (..., C, H, W), sides of 2 or more.

    Returns:
        (...,); s^2 for a ramp that rises by s from column to column.
    """
    across = (pictures[..., :, 1:] - pictures[..., :, :-1]).square().mean((-3, -2, -1))
    down = (pictures[..., 1:, :] - pictures[..., :-1, :]).square().mean((-3, -2, -1))
    return across + down


def channel_statistics(features: Tensor, eps: float = 1e-5) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel over all places, each (..., C, 1, 1); sqrt(variance + eps)."""
    mean = features.mean((-2, -1), keepdim=True)
    variance = (features - mean).square().mean((-2, -1), keepdim=True)
    return mean, torch.sqrt(variance + eps)


def statistics_matched(features: Tensor, like: Tensor) -> Tensor:
    """Features with the mean and deviation of others, channel by channel (adaptive instance normalisation).

        AdaIN(x, y) = sigma(y) (x - mu(x)) / sigma(x) + mu(y)

    Source: Huang & Belongie 2017, equation 8.

    Args:
        features: (..., C, H, W).
        like: (..., C, H', W').
    """
    mean, deviation = channel_statistics(features)
    new_mean, new_deviation = channel_statistics(like)
    return (features - mean) / deviation * new_deviation + new_mean
