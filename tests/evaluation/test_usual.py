"""The evaluation of most arts: what it writes and in which order."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from metaart.arts import load
from metaart.evaluation import report
from metaart.evaluation.options import AdaptationOptions
from metaart.evaluation.usual import judge_adaptation


def test_it_is_a_result_its_words_and_a_picture(tiny_run: Path, tmp_path: Path) -> None:
    asked = AdaptationOptions(
        episodes=4, validation_episodes=2, steps=(1, 0, 1), tuning_only=True, rival=(f"mine={tiny_run}",),
        also=(f"other={tiny_run}",),
    )  # fmt: skip
    result, words, files = judge_adaptation(load(tiny_run), asked, tmp_path)
    assert result["steps"] == [0, 1], "each once, ascending"
    assert list(result["methods"]) == [
        "meta: music", "meta: other", "fine-tuning mine, SGD", "fine-tuning mine, Adam"
    ]  # fmt: skip
    assert list(result["views"]) == ["all"]
    assert result["methods"]["meta: other"]["views"] == result["methods"]["meta: music"]["views"]
    assert words == report.text(result)
    assert [path.name for path in tmp_path.iterdir()] == files == ["evaluation.png"]
    with Image.open(io.BytesIO((tmp_path / "evaluation.png").read_bytes())) as picture:
        assert picture.format == "PNG"
