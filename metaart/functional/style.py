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


def colour_moments(pictures: Tensor) -> Tensor:
    """Mean colour and mean product of colours: (..., 12) of pictures (..., 3, H, W), the 3 x 3 products row by row.

    Raw moments, so that the mean over several pictures is that of all their places together.
    """
    flat = pictures.flatten(-2)
    products = flat @ flat.transpose(-2, -1) / flat.shape[-1]
    return torch.cat([flat.mean(-1), products.flatten(-2)], -1)


def recoloured(pictures: Tensor, moments: Tensor, floor: float = 1e-4) -> Tensor:
    """Pictures with the mean colour and the covariance of colours wanted, moved as little as that allows.

        x' = m + T (x - mu),  T = S^-1/2 (S^1/2 C S^1/2)^1/2 S^-1/2

    Source: Pitie & Kokaram 2007 (the linear Monge-Kantorovich map). A colour that leaves the range is drawn back
    towards the mean, all its channels alike, until it is within: clipped channel by channel, light would turn white and
    yellow.

    Args:
        pictures: (..., 3, H, W) from 0 to 1.
        moments: (..., 12) wanted, as `colour_moments` gives them.
        floor: added to every variance: a picture of one colour has no directions to stretch.
    """
    # The floor goes onto both covariances, so that a picture recoloured by its own colours stays as it is.
    own = colour_moments(pictures)
    eye = floor * torch.eye(3, dtype=pictures.dtype, device=pictures.device)
    (mean, covariance), (new_mean, wanted) = (_mean_and_covariance(value) for value in (own, moments))
    root = _root(covariance + eye)
    inverse = torch.linalg.inv(root)
    # Of all T with T S T = C the symmetric positive one: it stretches colours, and turns or mirrors none.
    turn = inverse @ _root(root @ (wanted + eye) @ root) @ inverse
    away, centre = turn @ (pictures.flatten(-2) - mean[..., None]), new_mean[..., None].clamp(0, 1)
    # How far each channel may go from the new mean, on the side to which it goes.
    room = torch.where(away > 0, 1 - centre, centre).clamp(min=SMALLEST)
    # The channel that is farthest out decides for all three: one factor shortens the way and leaves its direction, the
    # hue.
    beyond = (away.abs() / room).amax(-2, keepdim=True).clamp(min=1)
    moved: Tensor = centre + away / beyond
    return moved.reshape(pictures.shape).clamp(0, 1)


def _mean_and_covariance(moments: Tensor) -> tuple[Tensor, Tensor]:
    mean, products = moments[..., :3], moments[..., 3:].reshape(*moments.shape[:-1], 3, 3)
    return mean, products - mean[..., :, None] * mean[..., None, :]


def _root(matrix: Tensor) -> Tensor:
    """The symmetric square root of a positive semidefinite matrix; what rounding made negative counts as 0."""
    values, vectors = torch.linalg.eigh(matrix)
    root: Tensor = (vectors * values.clamp(min=0).sqrt()[..., None, :]) @ vectors.transpose(-2, -1)
    return root


def channel_statistics(features: Tensor, eps: float = 1e-5) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel over all places, each (..., C, 1, 1); sqrt(variance + eps)."""
    # Deviations are squared, not the mean taken from the mean square: in single precision that would cancel where the
    # mean of a channel is far above its deviation.
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
