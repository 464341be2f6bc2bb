"""What DeepSpeed is told, and what is refused before any worker starts."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from cluster.config import ClusterConfig, parse_workers
from cluster.train import main
from cluster.zero import DeepSpeedConfig, from_file, settings
from metaart.config import override
from metaart.errors import UserError


def test_the_gradient_is_not_clipped_unless_asked() -> None:
    assert settings(10, 0.0, DeepSpeedConfig())["gradient_clipping"] == 0.0
    assert settings(10, 0.5, DeepSpeedConfig())["gradient_clipping"] == 0.5


def test_each_value_reaches_its_place() -> None:
    chosen = DeepSpeedConfig(
        zero_stage=3, persistence_threshold=7, precision="bf16", micro_batches=4, offload="weights"
    )
    config = settings(1001, 0.0, chosen)
    assert config["gradient_accumulation_steps"] == 4
    assert config["bf16"] == {"enabled": True}
    zero = config["zero_optimization"]
    assert zero["stage"] == 3
    assert zero["reduce_bucket_size"] == 1002  # all numbers of the model, made even
    assert zero["stage3_param_persistence_threshold"] == 7
    assert zero["offload_optimizer"]["device"] == zero["offload_param"]["device"] == "cpu"
    plain = settings(1001, 0.0, DeepSpeedConfig())
    assert "bf16" not in plain
    assert not {"offload_optimizer", "offload_param"} & set(plain["zero_optimization"])


@pytest.mark.parametrize(
    "values",
    [{"zero_stage": 0, "precision": "bf16"}, {"zero_stage": 1, "precision": "fp64"}, {"micro_batches": 0},
     {"zero_stage": 0, "offload": "optimizer"}, {"zero_stage": 2, "offload": "weights"}],
)  # fmt: skip
def test_what_cannot_work_together_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        DeepSpeedConfig(**values)


def test_there_is_nothing_to_offload_from_without_a_gpu() -> None:
    offloading = DeepSpeedConfig(zero_stage=2, offload="optimizer")
    ClusterConfig(gpus_per_worker=1, deepspeed=offloading)
    with pytest.raises(UserError, match="GPU"):
        ClusterConfig(deepspeed=offloading)


def write(path: Path, **values: Any) -> Path:
    path.write_text(json.dumps(values))
    return path


def test_a_file_of_the_user_takes_the_place_of_our_values(tmp_path: Path) -> None:
    path = write(tmp_path / "ds.json", zero_optimization={"stage": 2, "overlap_comm": True}, bf16={"enabled": True},
                 gradient_accumulation_steps=3, wall_clock_breakdown=True)  # fmt: skip
    chosen = from_file(path)
    assert (chosen.zero_stage, chosen.precision, chosen.micro_batches) == (2, "bf16", 3)
    config = settings(1001, 0.25, chosen)
    assert config["zero_optimization"] == {"stage": 2, "overlap_comm": True}
    assert config["wall_clock_breakdown"] is True
    assert config["gradient_clipping"] == 0.25  # left out, DeepSpeed would clip to norm 1
    assert config["train_micro_batch_size_per_gpu"] == 1
    with pytest.raises(UserError, match="both"):
        dataclasses.replace(chosen, zero_stage=1)


@pytest.mark.parametrize(
    ("values", "reason"),
    [({"optimizer": {"type": "Adam"}}, "optimizer"), ({"scheduler": {}}, "scheduler"),
     ({"train_batch_size": 8}, "batch"),
     ({"train_micro_batch_size_per_gpu": 2}, "batch"), ({"fp16": {"enabled": True}}, "fp16"),
     ({"zero_optimization": {"stage": 4}}, "stage=4"), ({"zero_optimization": 3}, "object"),
     ({"gradient_accumulation_steps": "auto"}, "auto")],
)  # fmt: skip
def test_a_file_that_would_take_what_is_the_run_s_is_refused(
    values: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=reason):
        from_file(write(tmp_path / "ds.json", **values))


def test_a_file_that_clips_to_another_norm_than_the_run_is_refused(tmp_path: Path) -> None:
    chosen = from_file(write(tmp_path / "ds.json", gradient_clipping=1.0))
    assert settings(10, 0.0, chosen)["gradient_clipping"] == 1.0
    assert settings(10, 1.0, chosen)["gradient_clipping"] == 1.0
    with pytest.raises(UserError, match="clip_norm"):
        settings(10, 0.5, chosen)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", None])
def test_a_file_that_is_no_json_object_is_refused(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "ds.json").write_bytes(content)
    with pytest.raises(UserError):
        from_file(tmp_path / "ds.json")


def test_a_dry_run_prints_what_each_stage_is_told_and_starts_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "run")]
    wanted = ["--set", "deepspeed.zero_stage=2", "--set", "meta.clip_norm=0.5", "--set", "pretrain.steps=3"]
    assert main(["sinusoid", "--dry-run", *out, *wanted]) == 0
    configs = json.loads(capsys.readouterr().out)
    assert configs["meta"]["gradient_clipping"] == 0.5
    assert configs["pretrain"]["gradient_clipping"] == 0.0
    assert configs["meta"]["zero_optimization"]["stage"] == configs["pretrain"]["zero_optimization"]["stage"] == 2
    (tmp_path / "ds.json").write_text(json.dumps(configs["meta"]))
    assert main(["sinusoid", "--dry-run", *out, "--deepspeed", str(tmp_path / "ds.json"), *wanted[2:4]]) == 0
    assert json.loads(capsys.readouterr().out)["meta"] == configs["meta"]
    assert not (tmp_path / "run").exists()


def test_a_range_of_workers() -> None:
    chosen = override(ClusterConfig(cpus_per_worker=2), parse_workers("2..4"))
    assert (chosen.workers, chosen.fewest, chosen.needed["CPU"]) == (4, 2, 4)
    fixed = override(ClusterConfig(), parse_workers("3"))
    assert (fixed.workers, fixed.fewest, fixed.least_workers) == (3, 3, 0)


@pytest.mark.parametrize("text", ["4..1", "0..2", "..", "1..", "..2", "1-4", "two", "-1", "1.5", ""])
def test_what_is_no_number_or_range_of_workers_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        parse_workers(text)
