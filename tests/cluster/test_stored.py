"""A run that is kept on an object store: what travels, and what is gone on from."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.config import ClusterConfig
from cluster.driver import fit
from cluster.mirror import Changes, bring
from cluster.storage import Storage
from cluster.stored import StoredRun, wanted_checkpoints
from metaart.config import override
from metaart.recipes import recipe
from metaart.training.checkpoint import load_checkpoint, load_tensors
from metaart.training.context import Interrupted, TrainContext
from metaart.training.journal import Journal, read_metrics
from metaart.training.plan import plan_run
from metaart.training.run import WEIGHTS, prepare_run, train_run

SETTINGS = ["domain.hidden_size=12", "meta.steps=240", "meta.tasks=3", "meta.optimizer=sgd", "meta.outer_lr=0.005",
            "meta.validate_every=10", "meta.validation_tasks=4", "log_every=1", "checkpoint_every=10",
            "batching.mode=vmap"]  # fmt: skip


def test_only_whole_checkpoints_of_unfinished_stages_are_gone_on_from() -> None:
    files = ["config.json", "pooled.safetensors", "pretrain/checkpoints/step-1/state.json",
             "meta/checkpoints/step-2/state.json", "meta/checkpoints/step-2/weights.safetensors",
             "meta/checkpoints/step-1/state.json", "meta/checkpoints/step-3/weights.safetensors",
             "meta/best.safetensors"]  # fmt: skip
    assert wanted_checkpoints(files) == ["meta/checkpoints/step-1", "meta/checkpoints/step-2"]
    assert wanted_checkpoints([*files, "weights.safetensors"]) == []


def test_a_file_that_rank_0_sends_is_found_by_the_others(tmp_path: Path) -> None:
    storage = Storage(f"file://{tmp_path}/kept")
    first, second = (StoredRun(storage, tmp_path / str(rank), rank) for rank in (0, 1))
    (tmp_path / "0" / "meta").mkdir(parents=True)
    (tmp_path / "0" / "meta" / "batching.json").write_text("{}")
    assert not second.seek(tmp_path / "1" / "meta" / "batching.json")
    second.send(tmp_path / "1" / "meta" / "batching.json")  # of a rank that has nothing to send
    assert storage.files() == {}
    first.send(tmp_path / "0" / "meta" / "batching.json")
    context = TrainContext(rank=1, sharing=second)
    context.wait_for(tmp_path / "1" / "meta" / "batching.json", timeout_s=30)
    assert (tmp_path / "1" / "meta" / "batching.json").read_text() == "{}"


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_on_an_object_store_is_interrupted_and_finished_with_other_workers(
    ray_session: None, object_store: str, tmp_path: Path
) -> None:
    config = override(recipe("sinusoid"), SETTINGS)
    alone = tmp_path / "alone"
    prepare_run(plan_run(config, alone), resume=False)
    with Journal(alone, {}, show=False) as journal:
        train_run(plan_run(config, alone), TrainContext(report=journal, log_every=1, checkpoint_every=10))

    storage = Storage(object_store).child("run")
    first = tmp_path / "first"
    first.mkdir()
    changes = Changes(first, storage)
    prepare_run(plan_run(config, first), resume=False)
    changes.keep()
    seen: list[int] = []
    cluster = override(ClusterConfig(), ["deepspeed.zero_stage=2", "keep_best=2"])
    with pytest.raises(Interrupted):
        fit(
            config,
            cluster,
            first,
            storage=storage,
            report=lambda line: seen.append(line["step"]),
            stop=lambda: bool(seen),
        )
    names = storage.files()
    assert WEIGHTS not in names
    assert "stop-requested" not in names
    assert wanted_checkpoints(names)

    second = tmp_path / "second"
    bring(storage, second, [name for name in names if "/" not in name])
    fit(config, override(cluster, ["workers=1", "deepspeed.zero_stage=1"]), second, storage=storage)
    bring(storage, tmp_path / "end")
    ours, expected = load_tensors(tmp_path / "end" / WEIGHTS), load_tensors(alone / WEIGHTS)
    assert all(float((ours[name] - expected[name]).abs().max()) < 1e-5 for name in expected)
    lines = read_metrics(tmp_path / "end")["meta"]
    assert list(lines) == list(range(1, 241))
    assert (tmp_path / "end" / "curves.png").stat().st_size > 1000
    assert not [name for name in storage.files() if name.startswith(("ray", ".", "checkpoint_manager"))]
    paths = sorted((tmp_path / "end" / "meta" / "checkpoints").iterdir())
    validated = sorted(line["validation"] for line in lines.values() if "validation" in line)
    scores = [load_checkpoint(path)[1]["validation"] for path in paths]
    assert 2 <= len(paths) <= 4
    assert set(validated[:2]) <= {score for score in scores if score is not None}
