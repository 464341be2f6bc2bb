"""Checkpoints that are whole or not there: a folder written under a temporary name, then renamed."""

from __future__ import annotations

import json
import os
import shutil
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from metaart.errors import UserError
from metaart.files import replace_file, sync, write_and_sync

State = dict[str, Tensor]
FILES = ("weights.safetensors", "optimizer.safetensors", "state.json")
PROGRESS = ("step", "best", "units", "seconds")
REPLACED = ".replaced"


def save_checkpoint(folder: Path, state: dict[str, State], progress: dict[str, Any]) -> None:
    """Write a checkpoint; a folder of the name `step-...` is whole at every moment, whenever the writer is killed.

    Args:
        folder: where, `step-NNNNNNN`; replaced if there.
        state: of the outer step.
        progress: step, best validation, counters, this step's validation if it had one; JSON.
    """
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _write_tensors(partial / FILES[0], state["weights"])
        _write_tensors(partial / FILES[1], state["optimizer"])
        # The state comes last and names the sums of the others: a checkpoint that can be read can also be checked.
        sums = {name: file_sum(partial / name) for name in FILES[:2]}
        write_and_sync(partial / FILES[2], json.dumps({**progress, "sha256": sums}))
        sync(partial)
        # Between the two renames the older one is there under its other name, which counts as a checkpoint too
        # (`checkpoints`).
        replaced = folder.with_name(folder.name + REPLACED)
        if folder.exists():
            _discard(replaced)
            folder.rename(replaced)
        partial.rename(folder)
        sync(folder.parent)
        _discard(replaced)
    # Also where it is interrupted: half a checkpoint would fill the disk for nothing.
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def load_checkpoint(folder: Path) -> tuple[dict[str, State], dict[str, Any]]:
    """Read a checkpoint.

    Raises:
        UserError: a file is missing or damaged, by so much as a bit.
    """
    try:
        weights, optimizer = load_tensors(folder / FILES[0]), load_tensors(folder / FILES[1])
        progress = load_json(folder / FILES[2])
        if missing := [name for name in PROGRESS if name not in progress]:
            raise _unreadable(folder / FILES[2], "a checkpoint's state", ValueError(f"no {', '.join(missing)}"))
        for name, expected in progress.pop("sha256", {}).items():  # older checkpoints have none
            if file_sum(folder / name) != expected:
                raise _unreadable(folder / name, "a checkpoint's file", ValueError("it is not what was written"))
    except UserError as error:
        raise UserError(
            expected=error.expected, got=error.got, fix=f"Delete {folder} to go on from the checkpoint before it."
        ) from error
    return {"weights": weights, "optimizer": optimizer}, progress


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint with the highest step in a folder of `step-NNNNNNN`; the replaced one if its heir never came."""
    found = checkpoints(folder)
    return found[-1] if found else None


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder of `step-NNNNNNN`, the newest last."""
    # A step's own checkpoint comes after the one it replaced.
    return sorted(folder.glob("step-*"), key=lambda path: (path.name.removesuffix(REPLACED), path.suffix != REPLACED))


def prune_checkpoints(folder: Path, keep: int = 2, best: int = 0) -> list[Path]:
    """Delete all checkpoints but the newest and the best validated ones.

    Args:
        folder: of `step-NNNNNNN`.
        keep: how many of the newest stay.
        best: how many of those of the lowest validation loss stay; the earlier of two that are equal.

    Returns:
        What was deleted.
    """
    found = checkpoints(folder)
    newest = found[len(found) - keep :] if keep < len(found) else found
    # A damaged checkpoint has no score, and is kept only while it is among the newest.
    scores = {path: _validation(path) for path in found} if best else {}
    scored = sorted((score, path.name, path) for path, score in scores.items() if score is not None)
    staying = {*newest, *(path for _, _, path in scored[:best])}
    deleted = [path for path in found if path not in staying]
    for path in deleted:
        _discard(path)
    return deleted


def remove_partials(folder: Path) -> None:
    """Delete what killed writers left in a folder and its checkpoints; nobody may be writing there."""
    for path in [*folder.glob(".*.partial-*"), *folder.glob("checkpoints/.*.partial-*")]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def save_tensors(path: Path, tensors: State) -> None:
    """Write a safetensors file, whole or not at all."""
    replace_file(path, lambda partial: _write_tensors(partial, tensors))


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


def _validation(folder: Path) -> float | None:
    try:
        return load_json(folder / FILES[2]).get("validation")
    except UserError:
        return None


def file_sum(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return file_digest(file, sha256).hexdigest()


def _discard(folder: Path) -> None:
    # Renamed first: a folder that is half deleted must not be taken for a checkpoint.
    hidden = folder.with_name(f".{folder.name}.partial-{os.getpid()}-discarded")
    shutil.rmtree(hidden, ignore_errors=True)
    if folder.exists():
        folder.rename(hidden)
        shutil.rmtree(hidden)


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
    path.chmod(path.parent.stat().st_mode & 0o666)  # safetensors leaves a file that only its owner may read
    sync(path)
