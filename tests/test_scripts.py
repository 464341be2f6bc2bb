"""The scripts: sound shell, an install that does nothing twice, a bench that lists what there is."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted([*(ROOT / "scripts").iterdir(), ROOT / ".ci" / "run"])

RECORDING_PYTHON = """\
#!/usr/bin/env bash
# Stands in for python3.11: writes down what it is asked, and for `-m venv DIR` puts itself there.
echo "$*" >> "$CALLS"
[[ -z ${FAIL_ON:-} || "$*" != *"$FAIL_ON"* ]] || exit 9
if [[ $1 == --version ]]; then echo "Python 3.11.9"; fi
if [[ "$1 $2" == "-m venv" ]]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; fi
"""


RECORDING_COMMAND = """\
#!/usr/bin/env bash
# Stands in for a command: writes down what it is asked. Nothing listens on a port, and the service answers at once.
echo "${0##*/} $*" >> "$CALLS"
[[ "$*" != *create_connection* ]] || exit 1
case ${0##*/} in
    serve) exec sleep 60 ;;
    npm) touch "${!#}/iconify-json-1.tgz" ;;
esac
"""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_executable_bash_that_parses(script: Path) -> None:
    assert script.stat().st_mode & stat.S_IXUSR
    text = script.read_text()
    assert text.startswith("#!/usr/bin/env bash\n# ")
    assert "\nset -euo pipefail\n" in text
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_the_continuous_integration_runs_scripts_test(tmp_path: Path) -> None:
    for folder, name in ((".ci", "run"), ("scripts", "test"), ("scripts", "install"), ("scripts", "check")):
        (tmp_path / folder).mkdir(exist_ok=True)
        shutil.copy(ROOT / folder / name, tmp_path / folder / name)
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for script in ("scripts/install", "scripts/check", ".venv/bin/pytest"):
        (tmp_path / script).write_text(f'#!/bin/sh\necho "{Path(script).name} $*"\n')
        (tmp_path / script).chmod(0o755)
    done = subprocess.run([str(tmp_path / ".ci/run")], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["install ", "check ", "pytest -n 2 --dist loadgroup", ""]


@pytest.mark.parametrize("art", ["music", "style", "critique"])
def test_a_demo_goes_from_nothing_to_its_end_with_whatever_its_commands_make(art: str, tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/demo", tmp_path / "scripts/demo")
    shutil.copytree(ROOT / "metaart/photographs", tmp_path / "metaart/photographs")
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for script in ("scripts/install", *(f".venv/bin/{name}" for name in ("python", "metaart", "serve", "npm"))):
        (tmp_path / script).write_text(RECORDING_COMMAND)
        (tmp_path / script).chmod(0o755)
    environment = {**os.environ, "CALLS": str(tmp_path / "calls")}
    done = subprocess.run(
        [str(tmp_path / "scripts/demo"), art], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "done: " in done.stdout.splitlines()[-1]
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call for call in calls if call.startswith(f"python -m cluster.train {art} --workers 2")]
    assert "npm pack @iconify/json --silent --pack-destination data/.cache" in calls or art == "music"
    archive = "--archive data/.cache/iconify-json-1.tgz"
    prepared = next(call for call in calls if call.startswith("metaart data prepare"))
    assert (archive in prepared) == (art != "music")


class Project:
    """A copy of what scripts/install reads, and a python3.11 that writes down its calls."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls = folder / "project", folder / "calls"
        (self.folder / "scripts").mkdir(parents=True)
        (folder / "bin").mkdir()
        for name in ("scripts/install", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, self.folder / name)
        python = folder / "bin" / "python3.11"
        python.write_text(RECORDING_PYTHON)
        python.chmod(0o755)
        self.environment = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "CALLS": str(self.calls)}

    def install(self, **environment: str) -> tuple[int, str, list[str]]:
        """Exit status, what was said, and the pip calls that installed something."""
        self.calls.write_text("")
        done = subprocess.run(
            ["scripts/install"],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        calls = self.calls.read_text().splitlines()
        return done.returncode, done.stdout, [call for call in calls if " install " in call]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_install_puts_torch_first_pinned_and_does_nothing_the_second_time(project: Project) -> None:
    status, output, installs = project.install()
    assert status == 0, output
    first, torch, rest = installs
    assert "pip>=" in first
    assert torch.endswith("torch -c constraints.txt")
    assert rest.endswith("-e .[cluster,dev] -c constraints.txt")
    status, output, _ = project.install()
    assert (status, project.calls.read_text()) == (0, "")
    assert "up to date" in output


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt"])
def test_install_installs_again_when_the_requirements_changed(project: Project, changed: str) -> None:
    project.install()
    with (project.folder / changed).open("a") as file:
        file.write("# another\n")
    assert len(project.install()[2]) == 3
    assert not project.install()[2]


def test_install_that_failed_is_done_again(project: Project) -> None:
    assert project.install(FAIL_ON=".[cluster,dev]")[0] != 0
    status, _, installs = project.install()
    assert status == 0
    assert len(installs) == 3


def test_install_installs_again_in_a_moved_checkout(project: Project) -> None:
    project.install()
    moved = project.folder.with_name("moved")
    project.folder.rename(moved)
    project.folder = moved
    assert len(project.install()[2]) == 3


def test_install_says_what_is_missing(project: Project) -> None:
    status, output, installs = project.install(PYTHON="/nowhere/python3.11")
    assert status == 1
    assert not installs
    assert "expected Python 3.11" in output
    assert "PYTHON=/path/to/python" in output
    assert not (project.folder / ".venv").exists()


def test_constraints_pin_plain_releases_and_every_direct_requirement() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert not [line for line in lines if not line or any(mark in line for mark in ("+", "/", "@", " "))]
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in lines}
    for name in ("torch", "numpy", "ray", "deepspeed", "music21", "miditok", "symusic", "pytest", "ruff", "mypy"):
        assert name in pinned
    assert "torch==2.13.0" in lines


def test_bench_lists_every_benchmark_and_refuses_others() -> None:
    listed = subprocess.run(["scripts/bench", "--help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for path in (ROOT / "benchmarks").glob("[!_]*.py"):
        runs = "\ndef main(" in path.read_text(encoding="utf-8")
        assert (f"  {path.stem.replace('_', '-')} " in listed) == runs, path
    wrong = subprocess.run(["scripts/bench", "nonsense"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "nonsense" in wrong.stderr
