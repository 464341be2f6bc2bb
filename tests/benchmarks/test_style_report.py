"""The document of the style study says what its results file says, and nothing else."""

import json
import re
from pathlib import Path

from benchmarks import style_report, style_study
from benchmarks.study import results_file

ROOT = Path(__file__).parents[2]
RESULTS = json.loads((ROOT / results_file("style")).read_text(encoding="utf-8"))


def test_the_document_is_what_its_results_file_makes(tmp_path: Path) -> None:
    (document,) = style_report.write(RESULTS, tmp_path)
    text = document.read_text(encoding="utf-8")
    assert text == (ROOT / "docs" / document.name).read_text(encoding="utf-8")
    pictures = set(re.findall(r"\((img/[^)]*)\)", text))
    assert len(pictures) == 6
    for picture in pictures:
        assert (ROOT / "docs" / picture).read_bytes().startswith(b"\x89PNG")


def test_the_results_are_of_the_commands_of_the_study() -> None:
    lines = {command.name: f"metaart {command.line}" for command in style_study.STUDY}
    entries = {**RESULTS["data"], **RESULTS["runs"], "evaluation": RESULTS["evaluation"]}
    assert {name: entry["command"] for name, entry in entries.items()} == lines
    assert len(RESULTS["evaluation"]["styles"]) >= 30
    assert RESULTS["ceiling"]["command"] == "python -m benchmarks.style_ceiling"
