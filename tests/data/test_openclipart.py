"""Clip art by author."""

from __future__ import annotations

from pathlib import Path

from metaart.data.base import Entry, Rejected
from metaart.data.openclipart import OpenclipartSource, author_key
from metaart.data.prepare import prepare
from metaart.data.shards import Dataset
from tests.data.pictures import (
    openclipart_folder,
)


def test_clip_art_is_grouped_by_author_however_spelled(tmp_path: Path) -> None:
    source = OpenclipartSource(openclipart_folder(tmp_path / "clip"), 40)
    assert [group.name for group in source.groups()] == ["Brown, Bob", "Cy", "Di", "Zoë Ångström"]
    left = {
        entry.what: entry.reason
        for group in source.groups()
        for entry in source.entries(group.name)
        if isinstance(entry, Rejected)
    }
    assert left == {
        "animals/rare.svg": "its author has fewer than 10",
        "logos/logo.svg": "logos of brands",
        "animals/nobody.svg": "no author named",
        "animals/gpl.svg": "not in the public domain: http://creativecommons.org/licenses/GPL/2.0/",
        "animals/0-4.svg": "no author named",
    }
    about = prepare(source, tmp_path / "data", workers=1, progress=False)
    assert about["counts"]["groups"] == 4
    dataset = Dataset.open(tmp_path / "data")
    for group in dataset.groups("train"):
        for work in dataset.works(group):
            assert 38 <= max(work.width, work.height) <= 40
            assert (work.pixels() < 200).any(-1).mean() > 0.3  # it fills its picture


def test_spellings_of_an_author_are_one() -> None:
    assert author_key("Architetto Francesco Rollandin") == author_key("Rollandin Francesco")
    assert author_key("Sérgio Luiz Araújo Silva") == author_key("Sergio luiz ARAUJO Silva")
    assert author_key("A.J. Ashton") == author_key("AJ Ashton")
    assert author_key("中村") == "中村"
    assert author_key("Anna B") != author_key("Anna C")


def test_older_drawings_and_those_of_an_illustrator_are_read(tmp_path: Path) -> None:
    openclipart_folder(tmp_path / "clip")
    whole = (tmp_path / "clip" / "animals" / "3-1.svg").read_text()
    bare = whole.replace('xmlns="http://www.w3.org/2000/svg" ', "")
    switch = whole.replace("<path", '<foreignObject requiredExtensions="a" width="1"><i/></foreignObject><path')
    (tmp_path / "clip" / "animals" / "3-2.svg").write_text(bare)
    (tmp_path / "clip" / "animals" / "3-3.svg").write_text(switch)
    source = OpenclipartSource(tmp_path / "clip", 40)
    entries = {entry.work_id: entry for entry in source.entries("Di") if isinstance(entry, Entry)}
    read = [source.read(entries[f"animals/3-{number}.svg"]) for number in (1, 2, 3)]
    assert read[0] == read[1] == read[2]
