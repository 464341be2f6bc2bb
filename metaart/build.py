"""From a configuration to the objects it speaks of."""

from __future__ import annotations

import torch

from metaart.algorithms import ALGORITHMS, Batching, MetaAlgorithm
from metaart.algorithms.pooled import Pooled, PooledConfig
from metaart.config import RunConfig, StageConfig
from metaart.data.sampler import TaskSampler
from metaart.domains import DOMAINS, Domain, Split

STREAMS = {"train": 0, "validation": 1, "test": 2}
"""Each split draws its tasks from a stream of its own."""


def build_domain(config: RunConfig) -> Domain:
    """The art form of a run."""
    return next(entry.build(config.domain) for entry in DOMAINS.values() if type(config.domain) is entry.config)


def build_pooled(config: RunConfig, domain: Domain) -> MetaAlgorithm:
    """The pooled model of a run, freshly initialised from the run's seed."""
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        return Pooled(domain.base_learner(), PooledConfig(), Batching("loop"))


def build_algorithm(config: RunConfig, domain: Domain) -> MetaAlgorithm:
    """The meta-learner of a run, freshly initialised from the run's seed.

    Raises:
        UserError: the art form lacks what the algorithm needs.
    """
    entry = next(entry for entry in ALGORITHMS.values() if type(config.algorithm) is entry.config)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        return entry.build(domain.base_learner(), config.algorithm, config.batching)


def build_sampler(config: RunConfig, stage: StageConfig, domain: Domain, split: Split) -> TaskSampler:
    """The tasks of a stage: varied for training, as they are for validation and test."""
    hands = domain.hands(config.data or None, split, varied=split == "train")
    return TaskSampler(hands, stage.episode, seed=10 * config.seed + STREAMS[split])


def build_models(config: RunConfig, domain: Domain) -> dict[str, MetaAlgorithm]:
    """What each stage of a run trains, by the stage's name: the pooled model, and the meta-learner if it has steps.

    Raises:
        UserError: the art form lacks what the algorithm needs.
    """
    models = {"pretrain": build_pooled(config, domain)}
    if config.meta.steps:
        models["meta"] = build_algorithm(config, domain)
    return models
