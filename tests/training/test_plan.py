"""A training is set up once: the domain is built once, and the tasks of each stage, however many ask for them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import nn

from cluster.config import ClusterConfig
from cluster.train import main as cluster_train
from metaart.cli import main
from metaart.config import RunConfig, override
from metaart.data.location import Where
from metaart.domains import DOMAINS, Hand, RegisteredDomain, Split
from metaart.domains.sinusoid.domain import SinusoidConfig, SinusoidDomain
from metaart.recipes import recipe
from metaart.training.journal import read_metrics
from metaart.training.plan import POOLED, WEIGHTS, plan_run, pooled_config
from metaart.training.run import prepare_run, take_over_pooled, train_run
from tune.trial import Job, run_trial

SETTINGS = ["domain.hidden_size=5", "pretrain.steps=2", "meta.steps=2", "meta.tasks=2", "pretrain.tasks=2",
            "meta.validation_tasks=2", "pretrain.validation_tasks=2", "batching.mode=loop"]  # fmt: skip
ONCE = {"domain": 1, "learner": 2, "train": 2, "validation": 2}
"""One domain, a learner for each of the two stages, and its hands once for each split of each stage."""


class Counted(SinusoidDomain):
    """Sine waves that count how often they are built, and their hands opened."""

    counts: ClassVar[Counter[str]] = Counter()

    def __init__(self, config: SinusoidConfig) -> None:
        super().__init__(config)
        self.counts["domain"] += 1

    def learner(self) -> nn.Module:
        self.counts["learner"] += 1
        return super().learner()

    def hands(self, data: Where | None, split: Split, *, varied: bool) -> list[Hand]:
        self.counts[split] += 1
        return super().hands(data, split, varied=varied)


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    monkeypatch.setitem(DOMAINS, "sinusoid", RegisteredDomain(SinusoidConfig, Counted))
    Counted.counts.clear()
    yield Counted.counts
    Counted.counts.clear()


@pytest.fixture(scope="module")
def config() -> RunConfig:
    return override(recipe("sinusoid"), SETTINGS)


def command(out: Path, *more: str) -> list[str]:
    return ["sinusoid", "--out", str(out), *(word for setting in SETTINGS for word in ("--set", setting)), *more]


def test_the_command_builds_the_domain_and_each_sampler_once(counts: Counter[str], tmp_path: Path) -> None:
    assert main(["train", *command(tmp_path / "run")]) == 0
    assert counts == ONCE
    counts.clear()
    assert main(["train", *command(tmp_path / "run", "--resume")]) == 0
    assert counts == {"domain": 1, "learner": 2}  # all is done: no data is opened
    counts.clear()
    assert main(["train", *command(tmp_path / "other", "--start-from", str(tmp_path / "run"))]) == 0
    assert counts == {"domain": 1, "learner": 2, "train": 1, "validation": 1}
    assert (tmp_path / "other" / POOLED).read_bytes() == (tmp_path / "run" / POOLED).read_bytes()


def test_so_does_a_trial(counts: Counter[str], config: RunConfig, tmp_path: Path) -> None:
    run_trial(Job(config, ClusterConfig(workers=1), tmp_path, None), 0, {"algorithm.alpha": "0.02"}, lambda _: None)
    assert counts == ONCE


def test_a_dry_run_opens_no_data(counts: Counter[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cluster_train(command(tmp_path, "--dry-run")) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"pretrain", "meta"}
    assert counts == {"domain": 1, "learner": 2}


def test_the_driver_of_workers_builds_the_domain_once(
    counts: Counter[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Refused where the workers would be started, after all has been planned."""
    many = ["--workers", "2000", "--address", "local", *(f"--set={stage}.tasks=2000" for stage in ("meta", "pretrain"))]
    assert cluster_train(command(tmp_path / "run", *many)) == 2
    assert "CPUs that are there" in capsys.readouterr().err
    assert counts == ONCE
    assert not (tmp_path / "run").exists()


def test_a_plan_has_what_is_still_to_be_done(config: RunConfig, tmp_path: Path) -> None:
    plan = plan_run(config, tmp_path / "run")
    assert list(plan.tasks) == ["pretrain", "meta"]
    assert plan.pooled is None
    assert not (tmp_path / "run").exists()
    alone = plan.pooled_alone(tmp_path / "pooled")
    assert list(alone.tasks) == ["pretrain"]
    assert alone.config == pooled_config(config)
    prepare_run(alone, resume=False)
    train_run(alone)
    assert not (tmp_path / "pooled" / WEIGHTS).exists()
    assert plan.pooled_alone(tmp_path / "pooled").tasks == {}
    other = plan_run(config, tmp_path / "run", start_from=tmp_path / "pooled")
    assert list(other.tasks) == ["meta"]
    assert other.pooled is not None
    assert [line["step"] for line in other.pooled.lines] == list(read_metrics(tmp_path / "pooled").get("pretrain", {}))
    prepare_run(other, resume=False)
    take_over_pooled(other)
    train_run(other)
    assert plan_run(config, tmp_path / "run").tasks == {}


def test_a_plan_is_no_part_of_the_random_numbers(config: RunConfig, tmp_path: Path) -> None:
    torch.manual_seed(4)
    plan_run(config, tmp_path)
    drawn = torch.rand(1)
    torch.manual_seed(4)
    assert torch.equal(drawn, torch.rand(1))
