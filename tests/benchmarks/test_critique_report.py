"""The document of the critique study says what its results file says, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import critique_report, critique_study
from benchmarks.study import results_file

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / results_file("critique")


def test_the_document_is_what_its_results_file_makes(tmp_path: Path) -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    document, picture = critique_report.write(results, tmp_path)
    assert document.read_text(encoding="utf-8") == (ROOT / "docs/results-critique.md").read_text(encoding="utf-8")
    assert picture.read_bytes().startswith(b"\x89PNG")
    for name in ("critique-reliability.png", "critique-heat-maps.png"):
        assert (ROOT / "docs/img" / name).read_bytes().startswith(b"\x89PNG")
        assert f"(img/{name})" in document.read_text(encoding="utf-8")


def test_the_results_are_of_the_commands_of_the_study() -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    lines = {command.name: f"metaart {command.line}" for command in critique_study.STUDY}
    for part in ("runs", "evaluations"):
        for name, entry in results[part].items():
            assert entry["command"] == lines[name]
    assert {*results["runs"], *results["evaluations"], "data"} == set(lines)
    assert results["evaluations"]["attribution"]["episodes"] >= 600


def test_rating_and_tunes_are_judged_in_words() -> None:
    rows = [
        {"meta": "meta: r", "other": "ridge on frozen features", "curators": "all", "ahead": -0.1, "interval": 0.05},
        {"meta": "meta: r", "other": "ridge on frozen features", "curators": "damage", "ahead": 0.01, "interval": 0.05},
        {"meta": "meta: r", "other": "another", "curators": "all", "ahead": 0.5, "interval": 0.05},
    ]
    lines = critique_report.rating_verdicts({"paired": rows})
    assert lines[0].startswith("all curators: r is behind ridge")
    assert lines[1].startswith("curators who go by damage: r is level with ridge")
    assert len(lines) == 2
    tunes = {"methods": {"adapted models": {"accuracy": 0.6, "interval": 0.03},
                         "bigrams of the examples": {"accuracy": 0.5, "interval": 0.03}}}  # fmt: skip
    assert critique_report.tune_verdict(tunes) == "Adapted models are ahead of bigrams by 10.0 points."
    tunes["methods"]["adapted models"]["accuracy"] = 0.52
    assert "do as well" in critique_report.tune_verdict(tunes)


def test_bars_are_judged_by_the_best_of_either_side() -> None:
    def row(accuracy: float, ece: float = 0.01, covered: float = 0.9) -> dict[str, float]:
        return {"accuracy": accuracy, "ece": ece, "covered": covered}

    def ahead(meta: str, other: str, points: float) -> dict[str, object]:
        return {"shots": 5, "meta": meta, "other": other, "ahead": points, "interval": 0.01}

    attribution = {
        "coverage": 0.9,
        "shots": {"5": {"meta: a-maml": row(0.7, 0.04), "meta: a-protonet": row(0.68, 0.06, 0.93),
                        "frozen: x": row(0.56), "frozen: y": row(0.5)}},
        "paired": [ahead("meta: a-maml", "frozen: x", 0.14), ahead("meta: a-maml", "meta: a-protonet", 0.02),
                   ahead("meta: a-protonet", "frozen: x", 0.12)],
    }  # fmt: skip
    lines = critique_report.verdicts(attribution)
    assert "14.0 ± 1.0 points ahead. The bar of 12 points is held" in lines[0]
    assert "0.060 (bar 0.05: missed)" in lines[1]
    assert "3.0 points (bar 2: missed)" in lines[1]
    assert lines[2:] == [
        "5 examples: a-maml is ahead of a-protonet, on the same network and budget (+2.0 ± 1.0 points)."
    ]
    attribution["paired"][0]["ahead"] = 0.119  # type: ignore[index]
    assert "is missed" in critique_report.verdicts(attribution)[0]
