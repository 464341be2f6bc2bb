"""The document of the study of alpha says what its results file says, and nothing else."""

import json
import re
from pathlib import Path

from benchmarks import alpha_report, alpha_study
from benchmarks.study import results_file

ROOT = Path(__file__).parents[2]
RESULTS = json.loads((ROOT / results_file("alpha")).read_text(encoding="utf-8"))


def test_the_document_is_what_its_results_file_makes(tmp_path: Path) -> None:
    document, picture = alpha_report.write(RESULTS, tmp_path)
    text = document.read_text(encoding="utf-8")
    assert text == (ROOT / "docs" / document.name).read_text(encoding="utf-8")
    assert re.findall(r"\((img/[^)]*)\)", text) == [f"img/{picture.name}"]
    for png in (picture, ROOT / "docs/img" / picture.name):
        assert png.read_bytes().startswith(b"\x89PNG")


def test_the_results_are_of_the_commands_of_the_study() -> None:
    commands, base = RESULTS["commands"], alpha_study.STUDY[0]
    assert commands[base.name] == f"python -m metaart.cli {base.line}"
    assert set(commands) == {base.name, *RESULTS["runs"], *(f"sweep {name}" for name in RESULTS["sweeps"])}
    for name, what in alpha_study.SWEEPS.items():
        assert alpha_study.SHORT in commands[f"sweep {name}"]
        assert what in commands[f"sweep {name}"]
    assert set(RESULTS["sweeps"]) == set(alpha_study.SWEEPS)
    assert [(pair["found"], pair["default"]) for pair in RESULTS["paired"]] == list(alpha_study.PAIRS)
    assert RESULTS["episodes"] >= 300


def test_a_sweep_counts_all_that_its_trials_did() -> None:
    for sweep in RESULTS["sweeps"].values():
        assert sweep["steps"] == sum(trial["steps"] for trial in sweep["trials"])
        assert sweep["best"]["best"] == min(trial["best"] for trial in sweep["trials"])


def test_a_sweep_that_was_interrupted_is_gone_on_with(tmp_path: Path) -> None:
    assert not alpha_study.is_over(tmp_path, 2)
    for outcomes, over in ((["finished"], False), (["finished", "running"], False), (["stopped", "diverged"], True)):
        trials = [{"outcome": outcome} for outcome in outcomes]
        (tmp_path / "results.json").write_text(json.dumps({"trials": trials}))
        assert alpha_study.is_over(tmp_path, 2) is over
