"""Reads a Dockerfile and carries out one target of it in bare root folders, where no Docker engine runs.

Knows the instructions that k8s/Dockerfile uses and refuses all others: FROM, ARG, ENV, WORKDIR, COPY, RUN, USER, CMD.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Stage:
    """One FROM and what follows it."""

    name: str
    base: str
    steps: list[tuple[str, str]]


@dataclass
class Image:
    """What a stage leaves behind.

    Attributes:
        root: its file system.
        environment: of ENV, with what ARG gives for the rest of the stage.
        folder: of WORKDIR.
        user: of USER, `uid:gid`.
        command: of CMD.
    """

    root: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    folder: str = "/"
    user: str = "0:0"
    command: list[str] = field(default_factory=list)

    def run(self, command: list[str], *, environment: Mapping[str, str] | None = None, timeout_s: float = 1800) -> str:
        """Run a command as the image's user in its folder; its output.

        Raises:
            AssertionError: it failed; with the end of what it said.
        """
        shown = {"HOME": "/root" if self.user == "0:0" else "/home/metaart", **self.environment, **(environment or {})}
        # Processes of its own, as in a container: programs look themselves up in /proc.
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={self.root / 'proc'}"]
        words += ["chroot", f"--userspec={self.user}", str(self.root), "/usr/bin/env", "-i", f"--chdir={self.folder}"]
        words += [f"{name}={value}" for name, value in shown.items()]
        done = subprocess.run(
            [*words, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout_s
        )
        assert done.returncode == 0, f"{command} exited with {done.returncode}:\n{done.stdout[-4000:]}"
        return done.stdout


def read(path: Path) -> list[Stage]:
    """The stages of a Dockerfile, in order.

    Raises:
        AssertionError: an instruction that this reader does not know.
    """
    stages: list[Stage] = []
    for word, rest in instructions(path.read_text(encoding="utf-8")):
        if word == "FROM":
            match = re.fullmatch(r"(\S+) AS (\S+)", rest)
            assert match, f"FROM {rest}: every stage has a name"
            stages.append(Stage(match[2], match[1], []))
        else:
            assert word in {"ARG", "ENV", "WORKDIR", "COPY", "RUN", "USER", "CMD"}, word
            stages[-1].steps.append((word, rest))
    return stages


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Instruction and argument of each logical line; comments and empty lines are left out."""
    lines = "\n".join(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n\s*", "", lines).splitlines():
        word, _, rest = line.partition(" ")
        yield word, rest.strip()


def chain(stages: list[Stage], target: str) -> list[Stage]:
    """The stages that a target is built from, itself the last: by FROM and by COPY --from."""
    by_name = {stage.name: stage for stage in stages}
    needed: list[Stage] = []

    def need(name: str) -> None:
        stage = by_name[name]
        for other in [stage.base, *sources(stage)]:
            if other in by_name:
                need(other)
        if stage not in needed:
            needed.append(stage)

    need(target)
    return needed


def sources(stage: Stage) -> list[str]:
    """The other stages that this one copies from."""
    return [match[1] for word, rest in stage.steps if word == "COPY" and (match := re.match(r"--from=(\S+) ", rest))]


def build(stages: list[Stage], target: str, bare: Path, work: Path, context: Path, say: Callable[[str], None]) -> Image:
    """Carry out a target, each stage in a root of its own, begun as that which it starts from.

    Args:
        stages: of `read`.
        target: the name of the stage that is wanted.
        bare: the root folder of the image that the first stage names; it is used up.
        work: where the roots of the stages are put.
        context: the repository.
        say: called with each step.
    """
    built: dict[str, Image] = {}
    work.mkdir(parents=True, exist_ok=True)
    needed = chain(stages, target)
    for index, stage in enumerate(needed):
        start = built.get(stage.base) or Image(bare)
        image = Image(work / stage.name, dict(start.environment), start.folder, start.user, list(start.command))
        if any(stage.base in (later.base, *sources(later)) for later in needed[index + 1 :]):
            subprocess.run(["cp", "-a", "--reflink=auto", start.root, image.root], check=True)
        else:  # nobody else wants it
            start.root.rename(image.root)
        for word, rest in stage.steps:
            say(f"{stage.name}: {word} {rest}")
            _step(word, rest, image, built, context)
        built[stage.name] = image
    return built[target]


def _step(word: str, rest: str, image: Image, built: Mapping[str, Image], context: Path) -> None:
    if word in {"ENV", "ARG"}:
        name, _, value = rest.partition("=")
        image.environment[name] = value
    elif word == "WORKDIR":
        image.folder = rest
        _inside(image.root, rest).mkdir(parents=True, exist_ok=True)
    elif word == "USER":
        image.user = rest
    elif word == "CMD":
        image.command = json.loads(rest)
    elif word == "RUN":
        image.run(["/bin/sh", "-c", rest], environment=_lent())
    else:
        _copy(rest, image, built, context)


def _copy(rest: str, image: Image, built: Mapping[str, Image], context: Path) -> None:
    words = rest.split()
    match = re.match(r"--from=(\S+)", words[0])
    origin = built[match[1]].root if match else context
    *names, target = words[1:] if match else words
    path = _inside(image.root, os.path.join(image.folder, target))
    for name in names:
        source = _inside(origin, name)
        assert source.exists(), f"COPY {rest}: {source} is not there"
        if match:
            assert not path.exists()
            # Links, since nothing writes into files that another stage has made: gigabytes less.
            subprocess.run(["cp", "-al", source, path], check=True)
        elif source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, path, symlinks=True, dirs_exist_ok=True, ignore=ignored)
        else:
            shutil.copy2(source, path)


def _inside(root: Path, name: str) -> Path:
    return root / name.lstrip("/")


def _lent() -> dict[str, str]:
    """How pip and TLS are set up on this machine, by variables; a build has the same by --build-arg."""
    return {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_CERT_"))}
