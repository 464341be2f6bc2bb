"""Settings of the cluster and of the run, given side by side."""

from __future__ import annotations

import pytest

from cluster.config import ClusterConfig, override_both
from cluster.connection import refuse_too_many
from cluster.driver import check_shares
from metaart.errors import UserError
from metaart.recipes import recipe


def test_each_setting_goes_where_its_key_is() -> None:
    settings = ["workers=3", "deepspeed.zero_stage=2", "meta.tasks=9", "algorithm.order=1", "max_failures=0"]
    config, cluster = override_both(recipe("sinusoid"), ClusterConfig(), settings)
    assert (cluster.workers, cluster.deepspeed.zero_stage, cluster.max_failures) == (3, 2, 0)
    assert (config.meta.tasks, config.algorithm.order) == (9, 1)
    assert config.pretrain == recipe("sinusoid").pretrain


@pytest.mark.parametrize(
    "setting",
    ["workers=0", "cpus_per_worker=0", "gpus_per_worker=2", "max_failures=-1", "deepspeed.zero_stage=4",
     "deepspeed.persistence_threshold=-1", "deepspeed.stage=1", "deepspeed=1", "worker=2"],
)  # fmt: skip
def test_settings_that_mean_nothing_are_refused(setting: str) -> None:
    with pytest.raises(UserError):
        override_both(recipe("sinusoid"), ClusterConfig(), [setting])


def test_more_than_the_cluster_has_is_refused() -> None:
    there = {"CPU": 4.0, "GPU": 1.0, "memory": 1e9}
    refuse_too_many(ClusterConfig(workers=4), there)
    refuse_too_many(ClusterConfig(workers=1, cpus_per_worker=4, gpus_per_worker=1), there)
    with pytest.raises(UserError, match=r"4 CPUs.*5 in all"):
        refuse_too_many(ClusterConfig(workers=5), there)
    with pytest.raises(UserError, match=r"1 GPUs.*2 in all"):
        refuse_too_many(ClusterConfig(workers=2, gpus_per_worker=1), there)
    with pytest.raises(UserError, match="0 GPUs"):
        refuse_too_many(ClusterConfig(workers=1, gpus_per_worker=1), {"CPU": 4.0})


def test_workers_without_a_task_are_refused() -> None:
    config, cluster = override_both(recipe("sinusoid"), ClusterConfig(), ["workers=3", "meta.tasks=3"])
    check_shares(config, cluster)
    config, cluster = override_both(config, cluster, ["meta.tasks=2"])
    with pytest.raises(UserError, match=r"meta.tasks=2"):
        check_shares(config, cluster)
