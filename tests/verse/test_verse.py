"""An art of ten lines, from its registries' lines to a verse, by the commands that all arts have."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import metaart
from metaart.arts import load
from metaart.cli import main
from tests.contract.arts import recipe_of
from tests.verse.lines import POEMS
from tests.verse.medium import LETTERS
from tests.verse.registries import register

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "new-art.md"


def test_from_ten_lines_to_a_verse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    def command(*words: object) -> str:
        """What `metaart` prints."""
        assert main(list(map(str, words))) == 0
        return capsys.readouterr().out

    assert "40 works in 5 groups" in command("data", "prepare", "verses", "--workers", 1)
    assert "lear" in command("data", "show", "data/verses")
    assert "meta: 200 steps" in command("train", "verse", "--data", "data/verses", "--out", "runs/verse")
    command("data", "export", "data/verses", "--group", "lear", "--limit", 5, "--out", "lear")
    few = ["--episodes", 8, "--validation-episodes", 4, "--steps", 0, 3]
    words = command("evaluate", "runs/verse", *few)
    assert "bigrams of the support set" in words
    result = json.loads((tmp_path / "runs/verse/evaluation.json").read_text())
    meta = result["methods"]["meta: verse"]["views"]["all"]
    assert meta["3"]["mean"] < meta["0"]["mean"], "three steps on four verses say something of a poet never met"

    examples = sorted((tmp_path / "lear").iterdir())
    output = command("adapt", "verse", "--run", "runs/verse", "--examples", *examples, "--out", "lear.artist")
    assert "5 of 5 works, 3 steps" in output
    ask = ["create", "verse", "--run", "runs/verse", "--letters", 30, "--seed", 5]
    apart = [
        sys.executable,
        "-m",
        "tests.verse.command",
        *map(str, [*ask, "--examples", *examples, "--out", "new.txt"]),
    ]
    subprocess.run(apart, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, timeout=280)
    command(*ask, "--artist", "lear.artist", "--out", "again.txt")
    verse = (tmp_path / "new.txt").read_text()
    assert (tmp_path / "again.txt").read_text() == verse
    assert re.fullmatch(r"[a-z ]{30}\n", verse)
    assert "  " not in verse
    run = metaart.load(tmp_path / "runs/verse")
    assert run.create(run.adapt(examples), letters=30, seed=5).data.decode() == verse
    assert "metaart create verse" in command("list")


def test_no_other_file_knows_of_it() -> None:
    """Neither the package nor its applications; of the tests, the line that registers it and those that serve it."""
    knowing = set()
    for root in ("metaart", "cluster", "tune", "serve", "benchmarks", "tests"):
        for path in (ROOT / root).rglob("*.py"):
            if "tests.verse" in path.read_text(encoding="utf-8") and path.parent != Path(__file__).parent:
                knowing.add(str(path.relative_to(ROOT)))
    assert knowing <= {"tests/conftest.py", "tests/serve/conftest.py", "tests/serve/test_new_art.py"}


def test_registering_twice_changes_nothing() -> None:
    before = recipe_of("verse")
    register()
    assert recipe_of("verse") == before
    assert len(POEMS.splitlines()) == 10
    assert set("".join(POEMS)) - set(LETTERS) == {":", "/"}


def test_an_artist_of_it_learns(tmp_path: Path) -> None:
    from tests.contract.arts import untrained

    run = load(untrained("verse", tmp_path / "run"))
    losses = run.adapt([b"the owl and the pussycat", b"in a beautiful pea green boat"], steps=5).losses
    assert len(losses) == 6
    assert losses[-1] < losses[0]


def test_the_page_names_every_file_with_its_length() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (\d+) \|", PAGE.read_text(encoding="utf-8"), re.M)
    listed = {name: int(lines) for name, lines in rows}
    folder = Path(__file__).parent
    files = {
        f"tests/verse/{path.name}": len(path.read_text(encoding="utf-8").splitlines())
        for path in folder.glob("*.py") if not path.name.startswith("test_") and path.name != "command.py"
    }  # fmt: skip
    assert listed == files
