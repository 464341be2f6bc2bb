"""The commands of README and docs run as they are written, in order, each document in a copy of the repository.

What takes minutes is made small by arguments added to the command (`SMALLER`), never by another command; the lines in
`ELSEWHERE` are run by the tests and builds that they start or that start them.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import metaart
from tests.conftest import TINY_CRITIQUE
from tests.data.sources import DRAWINGS

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

ELSEWHERE = {
    "scripts/install": "tests/test_scripts.py, and whoever could run this test",
    "scripts/demo": "by hand: it takes minutes and calls the commands that run here",
    "scripts/test": "it runs this test",
    "metaart evaluate runs/critique": "tests/arts/critique/test_evaluate.py: it wants more hands than there are here",
    "scripts/check": "scripts/test, before this test",
    "pytest tests/data/test_export.py": "scripts/test, beside this test",
    "python -m cluster.train music --workers 2 --set deepspeed.zero_stage=1 --data data/music --out runs/cluster":
        "tests/cluster/test_train_command.py, which trains something smaller, and with -m slow kills a worker of it",
}  # fmt: skip
"""Lines that are not run here, and what runs them."""

TINY = ["domain.hidden_size=16", "domain.embedding_size=8", "domain.max_tokens=48", "meta.steps=2", "meta.tasks=4",
        "meta.episode.support=3", "meta.episode.query=3", "meta.validation_tasks=4", "pretrain.steps=2",
        "pretrain.tasks=6", "pretrain.validation_tasks=6", "batching.mode=loop"]  # fmt: skip
_SET = " ".join(f"--set {setting}" for setting in TINY)
SMALLER = {
    "metaart data prepare music": "--limit-per-group 14 --workers 1",
    "metaart data prepare drawings": "--min-works 3 --workers 1",
    "metaart train music": _SET,
    "metaart train critique": " ".join(f"--set {setting}" for setting in (*TINY_CRITIQUE, "meta.episode.ways=3")),
    "metaart evaluate": "--episodes 4 --validation-episodes 4 --steps 0 1 --judge-hands 0",
    "python -m tune.search music": f"{_SET} --trials 2 --concurrent 1",
    "serve run serve.app:build run=runs/music": "style=off critique=off",
}
"""Commands that take minutes, by their beginning, and what is added to their end."""
SOME_GROUPS = "--groups 'Ryan: jigs' 'Aird: book 1' 'Aird: book 2' 'China: Shanxi' Luxembourg"
"""Added where a document prepares the whole corpus: tunes of all three splits that are read in milliseconds."""
SLOW = ("tuning.md",)
"""Documents that are run with `-m slow`: tests/tune runs a sweep by default."""
SERVE = "serve run serve.app:build"
WAIT_FOR_SERVICE = "curl -fsS -o /dev/null --retry 100 --retry-delay 1 --retry-all-errors http://127.0.0.1:8000/readyz"


def commands(document: Path) -> list[str]:
    """The lines of the ```bash blocks, continuation lines joined."""
    blocks = re.findall(r"^```bash\n(.*?)^```$", document.read_text(encoding="utf-8"), re.M | re.S)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def executed(document: Path) -> list[str]:
    """The commands as they are run here."""
    lines = []
    for line in commands(document):
        if line in ELSEWHERE:
            continue
        for beginning, added in SMALLER.items():
            if line.startswith(beginning):
                line = f"{line} {added}"
        if line.startswith("metaart data prepare music") and not re.search(r"--groups|--source folder", line):
            line = f"{line} {SOME_GROUPS}"
        lines += [f"{line} & service=$!", WAIT_FOR_SERVICE] if line.startswith(SERVE) else [line]
    return lines


@pytest.fixture
def checkout(tmp_path: Path, midi_folder: Path) -> Path:
    """A copy of the repository's own files, with the installed environment and a user's own MIDI files."""
    folder = tmp_path / "checkout"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in names:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    shutil.copytree(midi_folder, folder / "my-midi")
    shutil.copy(DRAWINGS, folder / "iconify-json-0.tgz")
    return folder


@pytest.mark.ray
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "document",
    [pytest.param(path, marks=[pytest.mark.slow] * (path.name in SLOW), id=path.name)
     for path in DOCUMENTS if executed(path)],
)  # fmt: skip
def test_the_commands_of_a_document_run(document: Path, checkout: Path) -> None:
    lines = ["set -euo pipefail", "service=", "trap '[[ -z $service ]] || kill $service' EXIT", *executed(document)]
    environment = {
        **os.environ,
        "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(checkout),
        "RAY_ADDRESS": "local",
    }
    log = checkout.parent / "log"
    with log.open("wb") as output:
        shell = subprocess.Popen(
            ["bash", "-x", "-c", "\n".join(lines)],
            cwd=checkout,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = shell.wait(timeout=570)
        finally:
            _end(shell)
    assert status == 0, log.read_text(errors="replace")[-6000:]
    written = re.findall(r" (?:--out|--picture|-o) (\S+)", "\n".join(executed(document)))
    assert not [name for name in written if not (checkout / name).exists()]


def _end(shell: subprocess.Popen[bytes]) -> None:
    """End what the shell started, if anything is left of it."""
    try:
        os.killpg(shell.pid, signal.SIGTERM)
    except ProcessLookupError:
        return


def test_the_tables_of_this_test_name_only_what_the_documents_say() -> None:
    written = [line for document in DOCUMENTS for line in commands(document)]
    assert set(ELSEWHERE) <= set(written)
    assert not [beginning for beginning in SMALLER if not any(line.startswith(beginning) for line in written)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_pictures_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text(encoding="utf-8"))
    assert not [target for target in targets if not (document.parent / target).exists()]


def test_every_block_of_commands_is_marked_as_one_that_runs() -> None:
    for document in DOCUMENTS:
        kinds = re.findall(r"^```(\w*)$", document.read_text(encoding="utf-8"), re.M)
        assert not set(kinds) & {"sh", "shell", "console", "zsh"}, f"{document.name}: write ```bash"


def test_the_changelog_begins_with_the_version_of_the_package() -> None:
    versions = re.findall(r"^## \[([^]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert versions[0] == metaart.__version__


def test_the_seam_table_names_files_and_registries_that_are_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| a")]
    assert len(rows) == 9
    for row in rows:
        for path in re.findall(r"`((?:metaart|serve|benchmarks|scripts)/[^`]*)`", "|".join(row)):
            assert (ROOT / path).exists(), path
        for registry, file in re.findall(r"`([A-Z]+)` in `([^`]+)`", row[3]):
            assert re.search(rf"^{registry}\b", (ROOT / file).read_text(encoding="utf-8"), re.M)


def test_the_picture_of_the_parts_names_what_is_there() -> None:
    (picture,) = re.findall(r"^```mermaid\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    nodes = re.findall(r'\["([\w/.]+)(?:: [^"]*)?"\]', picture)
    assert len(nodes) >= 10
    assert not [path for path in nodes if not (ROOT / path).exists()]
    parts = {path.name for path in (ROOT / "metaart").iterdir() if (path / "__init__.py").is_file()}
    shown = {path.removeprefix("metaart/") for path in nodes}
    assert {"arts", "artists", "domains", "algorithms", "training", "data"} <= shown & parts


def test_the_python_of_the_readme_runs(midi_folder: Path, tmp_path: Path) -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    assert len([line for line in block.splitlines() if line]) <= 10
    for name, path in zip(("a.mid", "b.mid", "c.mid"), sorted((midi_folder / "composer-0").iterdir()), strict=False):
        shutil.copy(path, tmp_path / name)
    done = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "+ a.mid" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"a.mid", "b.mid", "c.mid", "new.mid", "mine.artist"}


def test_the_layout_table_names_folders_that_are_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for row in re.findall(r"^\| (`.+?) \|", text.partition("## Layout")[2], re.M):
        for folder in re.findall(r"`([^`]+)/`", row):
            assert (ROOT / folder).is_dir() or (ROOT / "metaart" / folder).is_dir(), folder
