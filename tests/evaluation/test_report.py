from pathlib import Path
from typing import Any

from PIL import Image

from metaart.evaluation import report

STEPS = (0, 1, 10)


def method(base: float, rate: float | None, tried: list[float], units: int) -> dict[str, Any]:
    cells = {str(n): {"mean": base - 0.01 * n, "interval": 0.0123, "rate": rate if n else None} for n in STEPS}
    return {"units": units, "tried": tried, "views": {"whole": cells, "opening": cells}}


def row(other: str, view: str, steps: int, by_hand: float | None) -> dict[str, Any]:
    return {
        "meta": "meta: a", "other": other, "view": view, "steps": steps,
        "ahead": 0.0456 if view == "whole" else -0.0789, "interval": 0.0021, "interval_by_hand": by_hand,
    }  # fmt: skip


def result(by_hand: float | None = 0.0034) -> dict[str, Any]:
    others = ["itself before adaptation", "fine-tuning, Adam"]
    return {
        "run": "a", "unit": "nats per token", "episodes": 600, "hands": ["x", "y"], "support": 5, "query": 4,
        "steps": list(STEPS), "views": ["whole", "opening"],
        "methods": {
            "meta: a": method(1.5, None, [], 12_345_678),
            "fine-tuning, Adam": method(1.6, 0.004, [0.002, 0.004], 4_321),
            "bigrams": method(9.0, None, [], 0),
        },
        "paired": [
            row(other, view, steps, by_hand) for other in others for view in ("whole", "opening") for steps in STEPS
        ],
    }  # fmt: skip


def tables(words: str) -> list[list[list[str]]]:
    """The cells of every Markdown table."""
    found: list[list[list[str]]] = [[]]
    for line in words.splitlines():
        if line.startswith("|"):
            if not set(line) <= set("|-"):
                found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        elif found[-1]:
            found.append([])
    return [rows for rows in found if rows]


def test_every_number_stands_in_the_row_and_column_that_name_it() -> None:
    words = report.text(result())
    whole, opening, ahead_whole, ahead_opening, rates = tables(words)
    assert whole == opening
    assert whole[0] == ["method", "units passed", "0 steps", "1 step", "10 steps"]
    assert whole[1] == ["meta: a", "12.3 M", "1.5000 ± 0.0123", "1.4900 ± 0.0123", "1.4000 ± 0.0123"]
    assert whole[2][:2] == ["fine-tuning, Adam", "4,321"]
    assert whole[3][:3] == ["bigrams", "-", "9.0000 ± 0.0123"]
    assert ahead_whole[1] == ["itself before adaptation", *["+0.0456 ± 0.0021 (0.0034)"] * 3]
    assert ahead_opening[2] == ["fine-tuning, Adam", *["-0.0789 ± 0.0021 (0.0034)"] * 3]
    assert rates[1:] == [
        [f"fine-tuning, Adam ({view})", "-", "0.004", "0.004", "0.002, 0.004"] for view in ("whole", "opening")
    ]
    assert "600 episodes of 2 test hands, 5 support and 4 query works" in words


def test_one_hand_has_no_second_interval() -> None:
    ahead = tables(report.text(result(by_hand=None)))[2]
    assert ahead[1][1] == "+0.0456 ± 0.0021"


def test_columns_line_up_as_plain_text() -> None:
    lines = report.markdown([["a", "b"], ["long cell", "1"], ["x", "22222"]]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert len({tuple(index for index, letter in enumerate(line) if letter == "|") for line in lines}) == 1


def test_the_curves_are_a_picture(tmp_path: Path) -> None:
    report.plot(result(), tmp_path / "evaluation.png")
    assert_picture(tmp_path / "evaluation.png")


def test_a_method_far_off_does_not_flatten_the_picture() -> None:
    assert report._worth_showing(result()) == ["meta: a", "fine-tuning, Adam"]


def assert_picture(path: Path) -> None:
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.width > 400
        assert len(picture.convert("RGB").getcolors(2**24) or []) > 10, "not all of one colour"
