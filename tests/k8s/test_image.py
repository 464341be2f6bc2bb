"""The steps of the Dockerfile, and what they leave behind.

No Docker engine is asked for: the steps run in a root folder made by debootstrap, by tests/k8s/dockerfile.py.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.k8s.dockerfile import Image, build, chain, read, sources

ROOT = Path(__file__).parents[2]
STAGES = read(ROOT / "k8s/Dockerfile")
TARGETS = ["cpu", "cuda"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_has_several_stages_and_ends_without_root(target: str) -> None:
    stages = chain(STAGES, target)
    assert len(stages) >= 3
    users = [rest for stage in stages for word, rest in stage.steps if word == "USER"]
    assert users[-1:] == ["1000:1000"]
    after = {word for word, _ in stages[-1].steps}
    assert after <= {"ENV"}, "root may do nothing after USER"


def test_the_cpu_target_is_what_a_build_without_a_target_makes() -> None:
    assert STAGES[-1].name == "cpu"


def test_no_image_lets_pods_see_gpus_that_they_did_not_ask_for() -> None:
    """A variable of the image holds for every pod; NVIDIA's device plug-in sets it for those that ask."""
    assert "NVIDIA_VISIBLE_DEVICES" not in {rest.partition("=")[0] for stage in STAGES for _, rest in stage.steps}


@pytest.mark.parametrize("target", TARGETS)
def test_every_package_is_pinned_and_torch_comes_first(target: str) -> None:
    runs = [rest for stage in chain(STAGES, target) for word, rest in stage.steps if word == "RUN"]
    pip, *installs = [rest for rest in runs if "pip install" in rest]
    assert pip.endswith("'pip>=25'"), "as in scripts/install"
    assert all(rest.endswith("-c constraints.txt") for rest in installs)
    assert installs[0].split()[-3] == "torch"
    assert installs[1].split()[-3] == "'.[cluster]'"


def allowed() -> set[str]:
    """What k8s/Dockerfile.dockerignore lets a build read."""
    lines = (ROOT / "k8s/Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    return {line.removeprefix("!") for line in lines if line.startswith("!")}


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_copied_is_there_and_not_ignored(target: str) -> None:
    copied = {
        name
        for stage in chain(STAGES, target)
        for word, rest in stage.steps
        if word == "COPY" and not rest.startswith("--from")
        for name in rest.split()[:-1]
    }
    assert copied == allowed()
    assert all((ROOT / name).exists() for name in copied)


@pytest.mark.parametrize("target", TARGETS)
def test_the_applications_are_on_the_path_and_the_library_comes_from_its_wheel(target: str) -> None:
    runtime = next(stage for stage in chain(STAGES, target) if stage.name == "runtime")
    assert ("WORKDIR", "/app") in runtime.steps
    assert ("ENV", "PYTHONPATH=/app") in runtime.steps
    copied = [rest for word, rest in runtime.steps if word == "COPY"]
    assert copied == ["--from=packages /opt/metaart /opt/metaart", *(f"{name} {name}/" for name in APPLICATIONS)]
    assert sources(runtime) == ["packages"]


APPLICATIONS = ("cluster", "tune", "serve")


def test_stages_begin_as_others_ended_and_take_from_them(tmp_path: Path) -> None:
    """The builder of these tests, on steps that need no root's rights."""
    for folder in ("bare", "context/code"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "bare/base").write_text("of the bare root")
    (tmp_path / "context/code/module.py").write_text("of the repository")
    (tmp_path / "Dockerfile").write_text(
        "FROM debian:x-slim AS first\nENV A=1\n"
        "FROM first AS other\nWORKDIR /made\nENV B=2\nCOPY code \\\n  code/\n"
        "# A comment.\nFROM first AS last\nCOPY --from=other /made /taken\nUSER 7:7\nFROM last AS end\n"
    )
    stages = read(tmp_path / "Dockerfile")
    assert [stage.name for stage in chain(stages, "end")] == ["first", "other", "last", "end"]
    made = build(stages, "end", tmp_path / "bare", tmp_path / "work", tmp_path / "context", lambda _: None)
    assert (made.user, made.folder, made.environment.get("A"), made.environment.get("B")) == ("7:7", "/", "1", None)
    found = {str(path.relative_to(made.root)): path.read_text() for path in made.root.rglob("*") if path.is_file()}
    assert found == {"base": "of the bare root", "taken/code/module.py": "of the repository"}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The target `cpu`, in a root of its own."""
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        pytest.skip("a bare root needs debootstrap (apt-get install debootstrap) and root's rights")
    folder = Path(os.environ.get("METAART_IMAGE_FOLDER") or tmp_path_factory.mktemp("image"))
    try:
        # At once and first: a build takes long, and the checkout may go on meanwhile.
        context = context_of(folder / "context")
        yield build(STAGES, "cpu", bare_root(folder / "bare"), folder / "stages", context, print)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def context_of(folder: Path) -> Path:
    """A copy of what a build may read."""
    folder.mkdir(parents=True)
    for name in allowed():
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, folder / name)
    return folder


def bare_root(folder: Path) -> Path:
    """A minimal Debian like the image that the Dockerfile starts from, with this machine's way to the packages."""
    suite = re.fullmatch(r"debian:(\w+)-slim", STAGES[0].base)
    assert suite, STAGES[0].base
    asked = ["apt-get", "indextargets", "--format", "$(SITE)", "Codename: " + suite[1], "Created-By: Packages"]
    site = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()[0]
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = ["debootstrap", "--variant=minbase", suite[1], str(folder), site]
    done = subprocess.run(made, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    for name in ("/etc/resolv.conf", "/etc/pip.conf"):
        if Path(name).exists():
            shutil.copy(name, folder / name.lstrip("/"))
    lent = ["/etc/ssl/certs", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates"]
    lent += os.environ.get("PIP_FIND_LINKS", "").split()
    for name in filter(os.path.isdir, lent):
        shutil.copytree(name, folder / name.lstrip("/"), dirs_exist_ok=True, symlinks=name.startswith("/etc"))
    # Ray and PyTorch open these; a container has them all.
    for name, minor in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)):
        if not (folder / "dev" / name).exists():
            subprocess.run(["mknod", "-m", "666", str(folder / "dev" / name), "c", "1", str(minor)], check=True)
    return folder


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_steps_run_in_a_bare_debian(image: Image) -> None:
    assert image.user == "1000:1000"
    assert image.run(["id", "-u"]).strip() == "1000"
    assert "usage: metaart" in image.run(image.command)
    versions = "import deepspeed, metaart, ray, torch; print(ray.__version__, torch.__version__)"
    ray, torch = image.run(["python", "-c", versions]).splitlines()[-1].split()
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines())
    assert (ray, torch.partition("+")[0]) == (pins["ray"], pins["torch"])
    where = image.run(["python", "-c", "import cluster, metaart; print(metaart.__file__, cluster.__file__)"])
    assert where.split() == [
        "/opt/metaart/lib/python3.11/site-packages/metaart/__init__.py",
        "/app/cluster/__init__.py",
    ]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_image_creates_shows_a_run_and_builds_the_service(image: Image) -> None:
    """With the user, folder and variables of the image: what the pods start, short of starting Ray."""
    assert "workers" in image.run(["python", "-m", "cluster.train", "music", "--show"])
    built = "from serve.app import build; print(type(build({})).__name__)"
    assert image.run(["python", "-c", built]).splitlines()[-1] == "Application"
    for name in ("/app", "/opt/metaart"):
        assert image.run(["sh", "-c", f"test -w {name} && echo yes || echo no"]).strip() == "no"
    assert image.run(["sh", "-c", "test -w /storage && echo yes || echo no"]).strip() == "yes"


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("shell", [["/bin/bash", "-c"], ["/bin/bash", "-l", "-c"]], ids=["plain", "login"])
def test_kuberay_finds_its_commands_in_either_shell(image: Image, shell: list[str]) -> None:
    found = image.run([*shell, "command -v ray python wget"]).split()
    assert found == ["/opt/metaart/bin/ray", "/opt/metaart/bin/python", "/usr/bin/wget"]
