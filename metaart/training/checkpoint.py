"""Checkpoints that are whole or not there: a folder written under a temporary name, then renamed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from metaart.errors import UserError

State = dict[str, Tensor]
FILES = ("weights.safetensors", "optimizer.safetensors", "state.json")


def save_checkpoint(folder: Path, state: dict[str, State], progress: dict[str, Any]) -> None:
    """Write a checkpoint.

    Args:
        folder: where; replaced if there.
        state: of the outer step.
        progress: step, best validation, counters; JSON. The generators' state is added here.
    """
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    _write_tensors(partial / FILES[0], state["weights"])
    _write_tensors(partial / FILES[1], {**state["optimizer"], "torch_rng": torch.get_rng_state()})
    _write_text(partial / FILES[2], json.dumps(progress))
    if folder.exists():
        shutil.rmtree(folder)
    partial.rename(folder)


def load_checkpoint(folder: Path) -> tuple[dict[str, State], dict[str, Any]]:
    """Read a checkpoint and restore the generators.

    Raises:
        UserError: a file is missing or damaged.
    """
    weights, optimizer = load_tensors(folder / FILES[0]), load_tensors(folder / FILES[1])
    progress = load_json(folder / FILES[2])
    torch.set_rng_state(optimizer.pop("torch_rng"))
    return {"weights": weights, "optimizer": optimizer}, progress


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint with the highest step in a folder of `step-NNNNNN`."""
    found = sorted(folder.glob("step-*"))
    return found[-1] if found else None


def prune_checkpoints(folder: Path, keep: int = 2) -> None:
    """Delete all but the newest checkpoints, and what a killed writer left."""
    for path in sorted(folder.glob("step-*"))[:-keep]:
        shutil.rmtree(path)


def save_tensors(path: Path, tensors: State) -> None:
    """Write a safetensors file, whole or not at all."""
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    _write_tensors(partial, tensors)
    partial.replace(path)


def load_tensors(path: Path) -> State:
    """Read a safetensors file.

    Raises:
        UserError: missing or damaged.
    """
    try:
        return safetensors.torch.load_file(path)
    except (OSError, SafetensorError, ValueError) as error:
        raise _unreadable(path, "a safetensors file", error) from error


def load_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        UserError: missing or damaged.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            raise ValueError("not a JSON object")
        return value
    except (OSError, ValueError) as error:
        raise _unreadable(path, "a JSON file", error) from error


def save_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    _write_text(partial, text)
    partial.replace(path)


def _unreadable(path: Path, expected: str, error: Exception) -> UserError:
    if isinstance(error, FileNotFoundError):
        got = f"no {path}"
    else:
        got = f"{path}, which is damaged ({type(error).__name__}: {str(error)[:120]})"
    return UserError(
        expected=expected,
        got=got,
        fix="Give a run directory that `metaart train` wrote, copy the file again, or train the run again.",
    )


def _write_tensors(path: Path, tensors: State) -> None:
    safetensors.torch.save_file({name: value.contiguous() for name, value in tensors.items()}, path)
    _sync(path)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    _sync(path)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
