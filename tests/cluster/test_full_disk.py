"""A disk that fills up while a checkpoint is written: a tmpfs of its own, in a mount namespace of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import errno, json, shutil, subprocess, sys
from pathlib import Path

import torch

from metaart.config import override
from metaart.recipes import recipe
from metaart.training.checkpoint import checkpoints, load_checkpoint, load_tensors
from metaart.training.context import TrainContext
from metaart.training.plan import plan_run
from metaart.training.run import WEIGHTS, prepare_run, train_run

torch.set_num_threads(1)
disk, elsewhere = Path(sys.argv[1]), Path(sys.argv[2])
config = override(recipe("sinusoid"), ["domain.hidden_size=40", "meta.steps=12", "meta.tasks=2", "batching.mode=loop",
                  "meta.validate_every=0", "meta.optimizer=adam"])
prepare_run(plan_run(config, elsewhere), resume=False)
train_run(plan_run(config, elsewhere), TrainContext(checkpoint_every=1))
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", disk], check=True)
prepare_run(plan_run(config, disk / "run"), resume=False)
filler, faults = disk / "filler", 0

def fill(line):
    # After the fourth step there is room for a part of the next checkpoint.
    if line["step"] == 5 and not filler.exists():
        with filler.open("wb") as file:
            file.write(bytes(shutil.disk_usage(disk).free - 24 * 1024))

try:
    train_run(plan_run(config, disk / "run"), TrainContext(report=fill, log_every=1, checkpoint_every=1))
except OSError as error:
    faults += error.errno == errno.ENOSPC
except Exception as error:  # safetensors says it in words
    faults += "No space left" in str(error)
whole = [load_checkpoint(path)[1]["step"] for path in checkpoints(disk / "run" / "meta" / "checkpoints")]
half = [str(path) for path in disk.rglob("*.partial-*")]
filler.unlink()
train_run(plan_run(config, disk / "run"), TrainContext(checkpoint_every=1))
ours, expected = load_tensors(disk / "run" / WEIGHTS), load_tensors(elsewhere / WEIGHTS)
equal = all(torch.equal(ours[name], expected[name]) for name in expected)
print(json.dumps({"faults": faults, "whole": whole, "half": half, "equal": equal}))
"""


def test_a_full_disk_leaves_the_checkpoint_before_and_the_run_goes_on_when_there_is_room(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    apart = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    words = [*apart, sys.executable, "-c", PROGRAM, str(tmp_path / "disk"), str(tmp_path / "elsewhere")]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=250)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["faults"] == 1
    assert seen["whole"] == [3, 4]
    assert seen["half"] == []
    assert seen["equal"]
