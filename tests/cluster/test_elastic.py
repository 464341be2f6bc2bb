"""A run for one or two workers on a cluster that grows by a machine, is told that it will go, and loses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from metaart.config import override
from metaart.recipes import recipe
from metaart.training.context import TrainContext
from metaart.training.journal import Journal, read_metrics
from metaart.training.plan import plan_run
from metaart.training.run import prepare_run, train_run
from tests.cluster.engine import assert_same_training

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
EVERY = 300
SETTINGS = ["domain.hidden_size=32", "meta.steps=3000", "meta.tasks=8", "meta.optimizer=sgd", "meta.outer_lr=0.001",
            "meta.validate_every=0", "log_every=1", f"checkpoint_every={EVERY}", "batching.mode=vmap"]  # fmt: skip
PROGRAM = """
import json, subprocess, sys, threading, time
from pathlib import Path

import ray
from ray.cluster_utils import Cluster

from cluster import driver
from cluster.config import ClusterConfig
from metaart.config import from_json
from metaart.training.plan import plan_run
from metaart.training.run import prepare_run

driver.RESIZE_EVERY_S = 2.0
folder, config = Path(sys.argv[1]), from_json(Path(sys.argv[2]).read_text())
machines = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 100_000_000})
ray.init(address=machines.address, log_to_driver=False, logging_level="error")
prepare_run(plan_run(config, folder), resume=False)
told, checkpoints, second = [], folder / "meta" / "checkpoints", []

def of_a_notice():
    names = [path.name for path in checkpoints.glob("step-*")] if checkpoints.exists() else []
    return [int(name[5:]) for name in names if int(name[5:]) % config.checkpoint_every]

def drain():
    words = [sys.executable, "-m", "ray.scripts.scripts", "drain-node", "--address", machines.address,
             "--node-id", second[0].node_id, "--reason", "DRAIN_NODE_REASON_PREEMPTION",
             "--reason-message", "spot", "--deadline-remaining-seconds", "60"]
    subprocess.run(words, check=True)
    while not of_a_notice():
        time.sleep(0.2)
    told.append(["saved", of_a_notice()])
    machines.remove_node(second[0], allow_graceful=False)

def report(line):
    if line["stage"] == "cluster":
        told.append(["workers", line["note"]])
    workers = [what for kind, what in told if kind == "workers"]
    if line["step"] > config.checkpoint_every and len(workers) == 1 and not second:
        second.append(machines.add_node(num_cpus=1, object_store_memory=100_000_000))
    if len(workers) == 2 and len(second) == 1 and line["step"] > 2 * config.checkpoint_every:
        second.append(threading.Thread(target=drain, daemon=True))
        second[1].start()

driver.fit(config, ClusterConfig(workers=2, least_workers=1), folder, report=report)
ray.shutdown()  # before its machine ends, or this process would with it
machines.shutdown()
print(json.dumps(told))
"""


def test_it_takes_the_steps_of_one_process_with_one_then_two_then_one_worker(tmp_path: Path) -> None:
    config = override(recipe("sinusoid"), SETTINGS)
    prepare_run(plan_run(config, tmp_path / "alone"), resume=False)
    with Journal(tmp_path / "alone", {}, show=False) as journal:
        train_run(plan_run(config, tmp_path / "alone"), TrainContext(report=journal, log_every=1))
    environment = {name: value for name, value in os.environ.items() if name != "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER"}
    words = [sys.executable, "-c", PROGRAM, str(tmp_path / "run"), str(tmp_path / "alone" / "config.json")]
    done = subprocess.run(words, cwd=ROOT, env={**environment, "PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, timeout=800, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    events = json.loads(done.stdout.splitlines()[-1])
    kinds = [what if kind == "workers" else kind for kind, what in events]
    assert kinds == ["1 of up to 2 workers", "2 of up to 2 workers", "saved", "1 of up to 2 workers"], events
    assert list(read_metrics(tmp_path / "run")["meta"]) == list(range(1, 3001))
    assert_same_training(tmp_path / "run", tmp_path / "alone", "weights.safetensors", atol=1e-4)
