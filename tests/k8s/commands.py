"""What shells, and our own programs, make of a command's words."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import subprocess

import pytest


def split(shell: str, text: str) -> list[str]:
    """What a shell makes of a command's words."""
    done = subprocess.run([shell, "-euc", f"printf '%s\\0' {text}"], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split("\0")[:-1]


def after(option: str, words: list[str]) -> str:
    """The value of an option."""
    return words[words.index(option) + 1]


def options_of(module: str) -> set[str]:
    """The options that a module's --help names."""
    with contextlib.redirect_stdout(io.StringIO()) as output, pytest.raises(SystemExit):
        importlib.import_module(module).main(["--help"])
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", output.getvalue()))
