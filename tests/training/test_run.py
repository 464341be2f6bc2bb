"""Run directories: made, taken over from, moved, and refused when something is wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from metaart.arts import load
from metaart.build import build_pooled
from metaart.cli import main
from metaart.config import RunConfig, from_json, override
from metaart.errors import UserError
from metaart.recipes import recipe
from metaart.training.checkpoint import load_tensors
from metaart.training.journal import read_metrics
from metaart.training.plan import plan_run
from metaart.training.run import (
    load_algorithm,
    load_config,
    pooled_theta,
    prepare_run,
    take_over_pooled,
    train_run,
)

SINUSOID = ["domain.hidden_size=5", "pretrain.steps=2", "meta.steps=2", "meta.tasks=2", "pretrain.tasks=2",
            "meta.validation_tasks=2", "pretrain.validation_tasks=2", "batching.mode=loop"]  # fmt: skip


def trained(config: RunConfig, folder: Path, *, start_from: Path | None = None) -> Path:
    """A run from its plan to its end."""
    plan = plan_run(config, folder, start_from=start_from)
    prepare_run(plan, resume=False)
    take_over_pooled(plan)
    train_run(plan)
    return folder


@pytest.fixture(scope="module")
def config() -> RunConfig:
    return override(recipe("sinusoid"), SINUSOID)


@pytest.fixture(scope="module")
def run(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "sinusoid"
    command = ["train", "sinusoid", *(part for setting in SINUSOID for part in ("--set", setting))]
    assert main([*command, "--out", str(folder)]) == 0
    return folder


def test_a_run_directory_holds_its_configuration_and_both_stages(run: Path, config: RunConfig) -> None:
    assert from_json((run / "config.json").read_text()) == config
    top = {path.name for path in run.iterdir()}
    assert top == {"config.json", "pooled.safetensors", "weights.safetensors", "pretrain", "meta", "metrics.jsonl",
                   "curves.png", "tensorboard", ".lock"}  # fmt: skip
    pooled, best = load_tensors(run / "pooled.safetensors"), load_tensors(run / "pretrain" / "best.safetensors")
    assert all(torch.equal(value, best[name]) for name, value in pooled.items())


def test_meta_training_begins_at_the_pooled_weights(config: RunConfig, run: Path, tmp_path: Path) -> None:
    """With a rate of next to nothing it ends there too."""
    still = override(config, ["meta.outer_lr=1e-30", "meta.validate_every=0"])
    trained(still, tmp_path)
    _, domain, algorithm = load_algorithm(tmp_path)
    pooled = pooled_theta(still, domain, tmp_path)
    assert all(torch.equal(value, pooled[name]) for name, value in algorithm.theta().items())
    fresh = build_pooled(still, domain).theta()
    assert not any(torch.equal(value, pooled[name]) for name, value in fresh.items())


def test_training_a_finished_run_again_does_nothing(config: RunConfig, run: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    train_run(plan_run(config, run))
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_tasks_that_the_data_cannot_give_are_refused_before_the_pooled_stage(config: RunConfig, tmp_path: Path) -> None:
    greedy = override(config, ["meta.episode.query=10000"])
    with pytest.raises(UserError, match=r"10000 query works"):
        plan_run(greedy, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("refused", ["algorithm", "episode", "no-run", "another-learner"])
def test_a_refused_training_writes_nothing_and_is_no_obstacle_to_the_next(
    refused: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = ["train", "sinusoid", *(part for setting in SINUSOID for part in ("--set", setting))]
    train += ["--out", str(tmp_path / "run")]
    wrong = {
        "algorithm": ["--set", "algorithm=protonet"],
        "episode": ["--set", "meta.episode.query=10000"],
        "no-run": ["--start-from", str(tmp_path / "nowhere")],
        "another-learner": ["--start-from", str(run), "--set", "domain.hidden_size=6"],
    }[refused]
    assert main([*train, *wrong]) == 2
    assert not (tmp_path / "run").exists()
    assert capsys.readouterr().err.startswith("metaart: expected")
    assert main([*train, "--start-from", str(run)]) == 0


def test_music_without_data_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "music"]) == 2
    assert not list(tmp_path.iterdir())


def test_a_finished_run_is_resumed_without_its_data(tiny_run: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_run, tmp_path / "run")
    config, _ = load_config(tmp_path / "run")
    gone = override(config, ["data=gone"])
    assert plan_run(gone, tmp_path / "run").tasks == {}
    with pytest.raises(UserError, match="gone"):
        plan_run(gone, tmp_path / "new")


def test_a_run_is_not_overwritten(config: RunConfig, run: Path) -> None:
    plan = plan_run(config, run)
    with pytest.raises(UserError, match="--resume or another --out"):
        prepare_run(plan, resume=False)
    prepare_run(plan, resume=True)
    with pytest.raises(UserError, match="the configuration that the run began with"):
        prepare_run(plan_run(override(config, ["meta.outer_lr=0.5"]), run), resume=True)


def test_start_from_takes_over_weights_and_what_they_cost(config: RunConfig, run: Path, tmp_path: Path) -> None:
    other = override(config, ["meta.outer_lr=1e-30", "meta.validate_every=0"])
    plan = plan_run(other, tmp_path, start_from=run)
    prepare_run(plan, resume=False)
    take_over_pooled(plan)
    assert read_metrics(tmp_path) == {"pretrain": read_metrics(run)["pretrain"]}
    train_run(plan)
    assert not (tmp_path / "pretrain").exists()
    pooled = load_tensors(run / "pooled.safetensors")
    weights = load_tensors(tmp_path / "weights.safetensors")
    assert all(torch.equal(value, weights[name]) for name, value in pooled.items())


def test_start_from_serves_a_run_without_a_pooled_stage_too(config: RunConfig, run: Path, tmp_path: Path) -> None:
    other = override(config, ["pretrain.steps=0", "meta.outer_lr=1e-30"])
    trained(other, tmp_path, start_from=run)
    pooled, weights = load_tensors(run / "pooled.safetensors"), load_tensors(tmp_path / "weights.safetensors")
    assert all(torch.equal(value, weights[name]) for name, value in pooled.items())


def test_start_from_leaves_a_resumed_run_alone(config: RunConfig, run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "resumed")
    before = {path: path.read_bytes() for path in (tmp_path / "resumed").iterdir() if path.is_file()}
    trained(override(config, ["seed=1"]), tmp_path / "other")
    take_over_pooled(plan_run(config, tmp_path / "resumed", start_from=tmp_path / "other"))
    assert {path: path.read_bytes() for path in before} == before


def test_start_from_refuses_what_does_not_fit(config: RunConfig, run: Path, tmp_path: Path) -> None:
    wider = override(config, ["domain.hidden_size=6"])
    with pytest.raises(UserError, match="weights of this configuration"):
        plan_run(wider, tmp_path, start_from=run)
    with pytest.raises(UserError, match=r"pooled\.safetensors"):
        plan_run(wider, tmp_path, start_from=tmp_path / "nowhere")
    assert not list(tmp_path.iterdir())


def test_a_moved_run_creates_without_its_data(tiny_run: Path, midi_folder: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "renamed"
    shutil.copytree(tiny_run, moved)
    text = json.loads((moved / "config.json").read_text())
    (moved / "config.json").write_text(json.dumps({**text, "data": "gone"}))
    files = [path.read_bytes() for path in sorted(midi_folder.glob("composer-0/*.mid"))[:3]]
    made = []
    for folder in (tiny_run, moved):
        run = load(folder)
        made.append(run.create(run.adapt(files), bars=2, seed=1).data)
    assert made[0] == made[1]
    assert made[0].startswith(b"MThd")


@pytest.mark.parametrize("name", ["config.json", "weights.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("damage", ["missing", "cut", "garbage", "empty"])
def test_a_missing_or_damaged_file_is_named(tiny_run: Path, tmp_path: Path, name: str, damage: str) -> None:
    folder = tmp_path / "run"
    shutil.copytree(tiny_run, folder, ignore=shutil.ignore_patterns("checkpoints", "tensorboard"))
    whole = (folder / name).read_bytes()
    if damage == "missing":
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(
            {"cut": whole[: len(whole) // 2], "garbage": b"\x00\xff" * 40, "empty": b""}[damage]
        )
    with pytest.raises(UserError) as caught:
        load_algorithm(folder)
    assert name in caught.value.got
    assert caught.value.fix


def test_a_damaged_configuration_is_named_on_resume_too(config: RunConfig, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(UserError, match=r"config\.json"):
        prepare_run(plan_run(config, tmp_path), resume=True)


def test_weights_of_another_configuration_are_refused(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    text = json.loads((run / "config.json").read_text())
    text["domain"]["hidden_size"] = 6
    (tmp_path / "run" / "config.json").write_text(json.dumps(text))
    with pytest.raises(UserError, match="weights of this configuration"):
        load_algorithm(tmp_path / "run")


def test_no_run_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"without config\.json"):
        load_config(tmp_path)
    with pytest.raises(UserError, match="which is not there"):
        load_config(tmp_path / "nowhere")


def test_divergence_ends_the_command_with_2_and_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = [*SINUSOID, "meta.optimizer=sgd", "meta.outer_lr=1e30", "meta.warmup=0", "pretrain.steps=0"]
    command = ["train", "sinusoid", *(part for setting in settings for part in ("--set", setting))]
    assert main([*command, "--out", str(tmp_path / "run")]) == 2
    output = capsys.readouterr().err
    assert "meta.outer_lr" in output
    assert "Traceback" not in output
    assert not (tmp_path / "run" / "weights.safetensors").exists()
