"""Checkpoints are whole or not there, whenever the writer dies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.errors import UserError
from metaart.files import save_text
from metaart.training.checkpoint import (
    FILES,
    checkpoints,
    load_checkpoint,
    load_json,
    load_tensors,
    newest_checkpoint,
    prune_checkpoints,
    remove_partials,
    save_checkpoint,
    save_tensors,
)

KILLED_WRITER = """
import os, signal, sys
from pathlib import Path
import torch
from metaart.training.checkpoint import prune_checkpoints, save_checkpoint

folder, at = Path(sys.argv[1]), [0]

def die(event, arguments):
    if event in ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"):
        at[0] -= 1
        if at[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(die)
state = lambda number: {"weights": {"w": torch.full((3,), float(number))}, "optimizer": {"m|w": torch.zeros(3)}}
progress = lambda number: {"step": number, "best": None, "units": 0, "seconds": 0.0}
for death in range(1, 100):
    here = folder / f"{death:03d}" / "checkpoints"
    for number in (1, 2):
        save_checkpoint(here / f"step-{number:07d}", state(number), progress(number))
    child = os.fork()
    if child == 0:
        at[0] = death
        save_checkpoint(here / "step-0000002", state(20), progress(20))
        save_checkpoint(here / "step-0000003", state(3), progress(3))
        prune_checkpoints(here)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        break
print(death)
"""


def state(number: float) -> dict[str, dict[str, torch.Tensor]]:
    return {"weights": {"w": torch.full((3,), number)}, "optimizer": {"exp_avg|w": torch.full((3,), -number)}}


def progress(step: int) -> dict[str, Any]:
    return {"step": step, "best": None, "units": 7, "seconds": 0.5}


def test_a_checkpoint_comes_back_as_it_went(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "step-0000004", state(1.5), {**progress(4), "best": 0.1 + 0.2})
    loaded, about = load_checkpoint(tmp_path / "step-0000004")
    assert about == {**progress(4), "best": 0.1 + 0.2}
    for part, tensors in state(1.5).items():
        assert loaded[part].keys() == tensors.keys()
        assert all(torch.equal(loaded[part][name], value) for name, value in tensors.items())


def test_who_may_read_the_folder_may_read_the_weights(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    for mode, expected in ((0o755, 0o644), (0o700, 0o600)):
        folder.chmod(mode)
        save_tensors(folder / "weights.safetensors", state(1)["weights"])
        assert (folder / "weights.safetensors").stat().st_mode & 0o777 == expected


def test_an_optimizer_without_state_is_a_checkpoint_too(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "step-1", {"weights": state(1)["weights"], "optimizer": {}}, progress(1))
    assert load_checkpoint(tmp_path / "step-1")[0]["optimizer"] == {}


def test_a_writer_killed_at_any_file_operation_leaves_a_whole_newest_checkpoint(tmp_path: Path) -> None:
    """The writer replaces step 2, writes step 3 and prunes; SIGKILL strikes at its 1st, 2nd, 3rd ... operation."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED_WRITER, str(tmp_path)], capture_output=True, text=True, timeout=120, check=True
    )
    deaths = int(done.stdout)
    assert 20 < deaths < 99  # the writer outlived the last of them
    seen = set()
    for death in range(1, deaths + 1):
        folder = tmp_path / f"{death:03d}" / "checkpoints"
        newest = newest_checkpoint(folder)
        assert newest is not None
        for whole in folder.glob("step-*"):
            weights, about = load_checkpoint(whole)
            assert weights["weights"]["w"].tolist() == [about["step"]] * 3
        seen.add(load_checkpoint(newest)[1]["step"])
        remove_partials(folder.parent)
        assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
        save_checkpoint(folder / "step-0000004", state(4), progress(4))
        assert newest_checkpoint(folder) == folder / "step-0000004"
    assert seen == {2, 20, 3}


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    save_tensors(tmp_path / "w.safetensors", {"w": torch.ones(2)})
    save_text(tmp_path / "t.json", "{}")
    with pytest.raises(AttributeError):
        save_tensors(tmp_path / "w.safetensors", {"w": "no tensor"})  # type: ignore[dict-item]
    with pytest.raises(UnicodeEncodeError):
        save_text(tmp_path / "t.json", "\ud800")
    with pytest.raises(TypeError):
        save_checkpoint(tmp_path / "step-1", state(1), {"step": object()})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.json", "w.safetensors"]
    assert load_tensors(tmp_path / "w.safetensors")["w"].tolist() == [1, 1]
    assert load_json(tmp_path / "t.json") == {}


@given(steps=st.sets(st.integers(1, 10**7 - 1), min_size=1, max_size=6), keep=st.integers(1, 4))
@settings(max_examples=10, deadline=None)
def test_prune_keeps_the_newest(tmp_path_factory: pytest.TempPathFactory, steps: set[int], keep: int) -> None:
    folder = tmp_path_factory.mktemp("checkpoints")
    for step in steps:
        save_checkpoint(folder / f"step-{step:07d}", state(step), progress(step))
    prune_checkpoints(folder, keep)
    last = sorted(steps)[-keep:]
    assert sorted(path.name for path in folder.iterdir()) == [f"step-{step:07d}" for step in last]
    newest = newest_checkpoint(folder)
    assert newest is not None
    assert load_checkpoint(newest)[1]["step"] == max(steps)


def test_no_checkpoint_is_none(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path / "missing") is None
    (tmp_path / ".step-0000009.partial-77").mkdir()
    assert newest_checkpoint(tmp_path) is None


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["missing", "cut", "garbage", "empty"])
def test_a_damaged_checkpoint_names_the_file_and_what_to_delete(tmp_path: Path, name: str, damage: str) -> None:
    folder = tmp_path / "step-0000004"
    save_checkpoint(folder, state(1), progress(4))
    whole = (folder / name).read_bytes()
    if damage == "missing":
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(
            {"cut": whole[: len(whole) // 2], "garbage": b"\x00\xff" * 40, "empty": b""}[damage]
        )
    with pytest.raises(UserError) as caught:
        load_checkpoint(folder)
    assert str(folder / name) in caught.value.got
    assert f"Delete {folder} " in caught.value.fix


@pytest.mark.parametrize("text", ['{"step": 3}', "[]", "3"])
def test_a_state_without_its_keys_is_damaged(tmp_path: Path, text: str) -> None:
    save_checkpoint(tmp_path / "step-1", state(1), progress(1))
    (tmp_path / "step-1" / "state.json").write_text(text)
    with pytest.raises(UserError, match=r"state\.json"):
        load_checkpoint(tmp_path / "step-1")


def test_the_best_validated_checkpoints_stay_beside_the_newest(tmp_path: Path) -> None:
    state = {"weights": {"w": torch.zeros(2)}, "optimizer": {}}
    validations = {1: 0.5, 2: 0.1, 3: None, 4: 0.3, 5: 0.1, 6: 0.9, 7: None}
    for step, validation in validations.items():
        progress = {"step": step, "best": None, "units": 0, "seconds": 0.0, "validation": validation}
        save_checkpoint(tmp_path / f"step-{step:07d}", state, progress)
    deleted = prune_checkpoints(tmp_path, keep=2, best=3)
    steps = [load_checkpoint(path)[1]["step"] for path in checkpoints(tmp_path)]
    assert steps == [2, 4, 5, 6, 7]
    assert sorted(path.name for path in deleted) == ["step-0000001", "step-0000003"]


@pytest.mark.parametrize("name", ["weights.safetensors", "optimizer.safetensors"])
def test_one_changed_bit_is_noticed(name: str, tmp_path: Path) -> None:
    state = {"weights": {"w": torch.ones(4)}, "optimizer": {"exp_avg|w": torch.ones(4)}}
    save_checkpoint(tmp_path / "step-1", state, {"step": 1, "best": None, "units": 0, "seconds": 0.0})
    load_checkpoint(tmp_path / "step-1")
    content = bytearray((tmp_path / "step-1" / name).read_bytes())
    content[-1] ^= 1
    (tmp_path / "step-1" / name).write_bytes(content)
    with pytest.raises(UserError, match=name):
        load_checkpoint(tmp_path / "step-1")
